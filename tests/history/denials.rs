//! `bindguard denials`, as somebody at a terminal runs it.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::{ADMIN, ControlPlane, Output, Process, clean_command, fresh_folder, run};

/// `bindguard denials --output json` with these arguments, as this user or the administrator.
pub(crate) fn denials(plane: &ControlPlane, user: &str, args: &[&str]) -> Output {
    let command = command(plane, user, args);
    run(format!("bindguard denials {}", args.join(" ")), command, "")
}

/// The same with `--watch`, until it is dropped.
pub(crate) fn watch(plane: &ControlPlane, args: &[&str]) -> Process {
    let mut command = command(plane, ADMIN, args);
    command.arg("--watch");
    Process::start("denials", command, &fresh_folder("watch"))
}

fn command(plane: &ControlPlane, user: &str, args: &[&str]) -> Command {
    let mut command = clean_command(
        Path::new(env!("CARGO_BIN_EXE_bindguard")),
        &fresh_folder("denials"),
    );
    command
        .args(["denials", "--output", "json"])
        .args(args)
        .env("BINDGUARD_KUBECONFIG", plane.kubeconfig(ADMIN));
    if user != ADMIN {
        command.env("BINDGUARD_AS", user);
    }
    command
}

/// The entries of what was printed.
#[track_caller]
pub(crate) fn entries(output: Output) -> Vec<Value> {
    let mut printed: Value =
        serde_json::from_str(&output.expect_success()).expect("denials prints JSON");
    match printed["denials"].take() {
        Value::Array(entries) => entries,
        other => panic!("{other}"),
    }
}

/// How many calls they count.
pub(crate) fn calls(entries: &[Value]) -> u64 {
    let counts = entries.iter().map(|entry| entry["count"].as_u64());
    counts.map(|count| count.expect("a count")).sum()
}
