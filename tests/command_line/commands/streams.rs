//! Standard output, standard error and colours.

use std::fs::OpenOptions;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::sandbox::Sandbox;
use crate::support::clean_command;

const PRINTING: [&[&str]; 7] = [
    &["--help"],
    &["--version"],
    &["version"],
    &["policy", "show"],
    &["policy", "schema"],
    &["manifests", "--service", "bindguard/webhook"],
    &["completion", "bash"],
];

fn bindguard(sandbox: &Sandbox, arguments: &[&str]) -> Command {
    let binary = Path::new(env!("CARGO_BIN_EXE_bindguard"));
    let mut command = clean_command(binary, &sandbox.path(""));
    command.args(arguments);
    command
}

#[test]
fn results_go_to_standard_output_and_nothing_beside_them() {
    let sandbox = Sandbox::new();
    for arguments in PRINTING {
        let output = sandbox.run(arguments);
        assert_eq!(output.stderr, "", "{output}");
        assert!(output.stdout.ends_with('\n'), "{output}");
        output.expect_success();
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let sandbox = Sandbox::new();
    for arguments in PRINTING {
        let (reader, writer) = std::io::pipe().unwrap();
        // What is written into a pipe without a reader is refused from the first byte on.
        drop(reader);
        let output = bindguard(&sandbox, arguments)
            .stdout(writer)
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {output:?}");
        assert_eq!(output.stderr, b"", "{arguments:?}");
    }
}

#[test]
fn a_disk_that_is_full_is_an_error() {
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = bindguard(&Sandbox::new(), &["policy", "show"])
        .stdout(full)
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        stderr.starts_with("error: cannot write to standard output\n"),
        "{stderr}"
    );
}

#[test]
fn what_goes_into_a_file_has_no_colours_whatever_the_environment_says() {
    let sandbox = Sandbox::new();
    for variable in [
        ("NO_COLOR", "1"),
        ("TERM", "xterm-256color"),
        ("TERM", "dumb"),
    ] {
        for arguments in [["--help"].as_slice(), &["serve", "--listen", "x"]] {
            let output = sandbox.run_with(&[variable], arguments);
            let text = output.stdout + &output.stderr;
            assert!(!text.contains('\u{1b}'), "{arguments:?}: {text}");
        }
    }
}

/// What a command writes to a terminal, which `script` of util-linux plays.
fn on_terminal(sandbox: &Sandbox, environment: &[(&str, &str)], arguments: &str) -> String {
    let binary = env!("CARGO_BIN_EXE_bindguard");
    let output = Command::new("script")
        .args(["-qec", &format!("'{binary}' {arguments}"), "/dev/null"])
        .current_dir(sandbox.path(""))
        .env_clear()
        .env("TERM", "xterm-256color")
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn on_a_terminal_no_color_is_honoured() {
    let sandbox = Sandbox::new();
    let arguments = "serve --listen x";
    let coloured = on_terminal(&sandbox, &[], arguments);
    assert!(coloured.contains("\u{1b}["), "{coloured:?}");
    let plain = on_terminal(&sandbox, &[("NO_COLOR", "1")], arguments);
    assert!(
        plain.contains("--listen") && !plain.contains('\u{1b}'),
        "{plain:?}"
    );
}
