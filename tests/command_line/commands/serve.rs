//! How `serve` starts, as far as its output tells. The rest is in `tests/server`.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::sandbox::Sandbox;
use crate::support::{Process, clean_command, eventually};

const LIMIT: Duration = Duration::from_secs(20);

/// Runs `serve` until its log has this text, interrupts it, and gives its log.
fn log_until(sandbox: &Sandbox, arguments: &[&str], text: &str) -> String {
    let binary = Path::new(env!("CARGO_BIN_EXE_bindguard"));
    let mut command = clean_command(binary, &sandbox.path(""));
    command
        .args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--admin-listen",
            "127.0.0.1:0",
        ])
        .args(arguments);
    let process = Process::start("serve", command, &sandbox.path(""));
    let found = eventually(LIMIT, || process.stderr().contains(text).then_some(()));
    assert!(
        found.is_some(),
        "no {text:?} in time\n{}",
        process.log_tail()
    );
    process.signal("INT");
    let status = process.wait(LIMIT);
    assert!(
        status.is_some_and(|status| status.success()),
        "{status:?}\n{}",
        process.log_tail()
    );
    assert_eq!(process.stdout(), "");
    process.stderr()
}

#[test]
fn manifests_that_cannot_be_read_are_told_one_by_one_and_the_rest_is_served() {
    let sandbox = Sandbox::new();
    sandbox.write("folder/broken.yaml", "a: [\n");
    sandbox.write("folder/bytes.yaml", b"\xff");
    sandbox.write("folder/deep/torn.json", "{");
    let log = log_until(&sandbox, &["--manifests", "folder"], " starts\"");
    for part in [
        "folder/broken.yaml:1:4: ",
        "folder/bytes.yaml:1:1: ",
        "folder/deep/torn.json:1:",
    ] {
        let line = log.lines().find(|line| line.contains(part));
        let line = line.unwrap_or_else(|| panic!("no {part} in\n{log}"));
        assert!(line.contains(r#""level":"WARN""#), "{line}");
    }
}

#[test]
fn one_manifest_may_stand_for_a_folder() {
    let sandbox = Sandbox::new();
    sandbox.write("bindings.txt", "");
    log_until(&sandbox, &["--manifests", "bindings.txt"], " starts\"");
}

#[test]
fn the_log_is_json_or_text_of_the_level_asked_for() {
    let with_folder = || {
        let sandbox = Sandbox::new();
        sandbox.make_folder("folder");
        sandbox
    };
    let json = log_until(&with_folder(), &["--manifests", "folder"], " starts\"");
    for line in json.lines() {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        for key in ["timestamp", "level", "message", "target"] {
            assert!(event[key].is_string(), "no {key} in {line}");
        }
    }
    let arguments = ["--manifests", "folder", "--log-format", "text"];
    let text = log_until(&with_folder(), &arguments, " starts ");
    assert!(text.lines().all(|line| line.contains(" INFO ")), "{text}");
}

#[test]
fn the_ca_is_written_whole_for_all_to_read() {
    let sandbox = Sandbox::new();
    sandbox.make_folder("folder");
    log_until(
        &sandbox,
        &["--manifests", "folder", "--write-ca", "ca.pem"],
        " starts\"",
    );
    let pem = fs::read_to_string(sandbox.path("ca.pem")).unwrap();
    assert!(pem.starts_with("-----BEGIN CERTIFICATE-----\n"), "{pem}");
    assert!(!pem.contains("PRIVATE KEY"));
    sandbox
        .run(&[
            "manifests",
            "--url",
            "https://localhost:1",
            "--ca",
            "ca.pem",
        ])
        .expect_success();
}
