//! Whether the program takes what the chart tells it.

use std::collections::BTreeSet;
use std::path::Path;

use crate::chart::{arguments, workloads};
use crate::matrix::cases;
use crate::support::{Output, clean_command, fresh_folder, run};

/// Has the program read a command line. `--help` behind it keeps it from doing anything, and a flag
/// before it that is unknown, or has a value that is none, is an error all the same.
fn read(arguments: &[&str]) -> Output {
    let folder = fresh_folder("commands");
    let mut command = clean_command(Path::new(env!("CARGO_BIN_EXE_bindguard")), &folder);
    command.args(arguments).arg("--help");
    run(format!("bindguard {}", arguments.join(" ")), command, "")
}

#[test]
fn every_command_line_of_the_matrix_is_one_that_the_program_takes() {
    let mut lines = BTreeSet::new();
    for case in cases() {
        lines.extend(workloads(&case.rendering).map(arguments));
    }
    assert!(lines.len() > 10, "{}", lines.len());
    for line in &lines {
        read(line).expect_success();
    }
    let commands: BTreeSet<&str> = lines.iter().map(|line| line[0]).collect();
    assert_eq!(
        commands,
        ["controller", "serve", "unregister", "verify"].into()
    );
}

#[test]
fn a_wrong_flag_and_a_wrong_value_are_told_although_help_is_asked_for() {
    read(&["serve", "--no-such-flag"]).expect_failure();
    read(&["serve", "--linger=26s"]).expect_failure();
}
