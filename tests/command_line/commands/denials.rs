//! `bindguard denials` without a cluster.

use serde_json::Value;

use crate::sandbox::Sandbox;

/// An audit line: who was refused, in which namespace, for whom, and when.
fn line(requester: &str, namespace: &str, subject: &str, time: &str) -> String {
    format!(
        r#"{{"time":"{time}","decision":"deny","rule":"persona","because":"action","uid":"1","operation":"CREATE","dry_run":false,"requester":{{"username":"{requester}","groups":[]}},"caller":"unverified","binding":{{"kind":"RoleBinding","namespace":"{namespace}","name":"vm-users"}},"persona":"view","policy":"vmo","missing":[{{"subject":{{"kind":"User","name":"{subject}"}},"companion":"spectro-list-namespaces"}}],"missing_total":1}}"#
    )
}

fn log() -> String {
    let first = line("alice", "red", "bob", "2026-11-24T06:00:00Z");
    let lines = [
        r#"{"timestamp":"2026-11-24T06:00:00Z","level":"INFO","message":"bindguard starts"}"#,
        &first,
        &line("alice", "red", "bob", "2026-11-24T07:00:00Z"),
        &first.replace("\"deny\"", "\"warn\""),
        &first.replace("\"dry_run\":false", "\"dry_run\":true"),
        "half a li",
        &line("eve", "blue", "carol", "2026-11-24T08:00:00Z"),
    ];
    lines.join("\n")
}

#[test]
fn audit_lines_are_counted_and_what_else_is_in_a_log_is_skipped_and_told() {
    let sandbox = Sandbox::new();
    sandbox.write("serve.log", log());
    let output = sandbox.run(&["denials", "-f", "serve.log", "-o", "json"]);
    assert_eq!(output.status.code(), Some(0), "{output}");
    assert_eq!(output.stderr, "skipped 2 lines that are no audit lines\n");
    let denials: Value = serde_json::from_str(&output.stdout).unwrap();
    let denials = denials["denials"].as_array().unwrap();
    assert_eq!(denials.len(), 2, "{output}");
    assert_eq!(denials[0]["requester"], "eve");
    assert_eq!(denials[1]["count"], 2);
    assert_eq!(denials[1]["first_seen"], "2026-11-24T06:00:00Z");
    assert_eq!(denials[1]["last_seen"], "2026-11-24T07:00:00Z");
    assert_eq!(denials[1]["missing"][0]["subject"]["name"], "bob");

    // The same twice, once from standard input.
    let args = ["denials", "-f", "serve.log", "-f", "-", "-o", "json"];
    let twice = sandbox.run_with_input(&args, &log());
    let twice: Value = serde_json::from_str(&twice.expect_success()).unwrap();
    assert_eq!(twice["denials"][1]["count"], 4);
}

#[test]
fn flags_leave_what_they_say() {
    let sandbox = Sandbox::new();
    sandbox.write("log", log());
    for (flags, expected) in [
        (vec!["-n", "blue"], vec!["eve"]),
        (vec!["-A"], vec!["eve", "alice"]),
        (vec!["--requester", "alice"], vec!["alice"]),
        (vec!["--subject", "carol"], vec!["eve"]),
        (vec!["--subject", "bob", "-n", "blue"], vec![]),
        (vec!["--since", "876000h"], vec!["eve", "alice"]),
    ] {
        let args = [&["denials", "-f", "log", "-o", "yaml"], &*flags].concat();
        let output = sandbox.run(&args).expect_success();
        let shown: Value = serde_saphyr::from_str(&output).unwrap();
        let shown = shown["denials"].as_array().unwrap().iter();
        let requesters: Vec<&str> = shown
            .map(|one| one["requester"].as_str().unwrap())
            .collect();
        assert_eq!(requesters, expected, "{flags:?}");
    }
}

#[test]
fn the_table_fits_the_terminal_and_shows_no_control_character() {
    let sandbox = Sandbox::new();
    let hostile = line(
        r"a\u001b[31m\nb\u202e",
        "red",
        &"bob".repeat(100),
        "2026-11-24T09:00:00Z",
    );
    sandbox.write("log", format!("{}\n{hostile}\n", log()));
    let args = ["denials", "-f", "log"];
    let output = sandbox.run_with(&[("COLUMNS", "100")], &args);
    assert!(output.stdout.starts_with("LAST SEEN"), "{output}");
    assert_eq!(output.stdout.lines().count(), 4, "{output}");
    for line in output.stdout.lines() {
        assert!(line.chars().count() <= 100, "{output}");
        assert!(!line.contains(['\u{1b}', '\u{202e}']), "{output}");
    }
    // Into a file it is whole.
    let whole = sandbox.run_with(&[("COLUMNS", "")], &args).expect_success();
    assert!(whole.contains(&"bob".repeat(60)), "{whole}");
}

#[test]
fn where_nothing_was_refused_that_is_said_beside_the_result() {
    let sandbox = Sandbox::new();
    sandbox.write("log", "\n");
    let output = sandbox.run(&["denials", "-f", "log"]);
    assert_eq!((&*output.stdout, &*output.stderr), ("", "no denials\n"));
    output.expect_success();
    let output = sandbox.run(&["denials", "-f", "log", "-o", "json"]);
    assert_eq!(output.expect_success(), "{\n  \"denials\": []\n}\n");
}

#[test]
fn a_file_that_is_not_there_and_a_file_that_is_watched_are_errors() {
    let sandbox = Sandbox::new();
    let output = sandbox.run(&["denials", "-f", "absent"]);
    assert_eq!(output.status.code(), Some(2), "{output}");
    assert!(
        output.stderr.starts_with("error: cannot read \"absent\""),
        "{output}"
    );
    let output = sandbox.run(&["denials", "-f", "absent", "--watch"]);
    assert_eq!(output.status.code(), Some(2), "{output}");
    assert!(output.stderr.contains("--watch"), "{output}");
}
