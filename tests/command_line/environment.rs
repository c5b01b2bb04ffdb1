//! Every flag can be given by environment.

use super::help::{COMMANDS, help};
use super::sandbox::Sandbox;

/// The long flags in a help text, each with what the text says of it.
fn flags(help: &str) -> Vec<(&str, String)> {
    let mut flags: Vec<(&str, String)> = vec![];
    for line in help.lines() {
        let start = line.trim_start();
        let start = start.split_once(", ").map_or(start, |(_, long)| long);
        match start.strip_prefix("--") {
            Some(flag) if line.starts_with(' ') => {
                let end = flag.find([' ', '\n']).unwrap_or(flag.len());
                flags.push((&flag[..end], line.to_owned()));
            }
            _ => {
                if let Some((_, text)) = flags.last_mut() {
                    text.push(' ');
                    text.push_str(line.trim());
                }
            }
        }
    }
    flags
}

#[test]
fn every_flag_names_its_variable_in_help() {
    let sandbox = Sandbox::new();
    let mut seen = 0;
    for command in COMMANDS {
        let text = help(&sandbox, "100", command, "--help");
        let (_, options) = text.split_once("Usage:").expect("help has a usage");
        let (options, _) = options.split_once("\nExamples:").unwrap_or((options, ""));
        for (flag, text) in flags(options) {
            if ["help", "version"].contains(&flag) {
                continue;
            }
            let mut variable = format!("BINDGUARD_{}", flag.to_uppercase().replace('-', "_"));
            // What is a file for `manifests` must not replace a CA.
            if flag == "ca" && command.contains(&"rotate") {
                "BINDGUARD_ROTATE_CA".clone_into(&mut variable);
            }
            assert!(
                text.contains(&format!("[env: {variable}]")),
                "{command:?} --{flag}: {text}"
            );
            seen += 1;
        }
    }
    assert!(seen >= 17, "only {seen} flags were seen");
}

#[test]
fn help_does_not_show_what_variables_hold() {
    let text = Sandbox::new()
        .run_with(&[("BINDGUARD_LOG_LEVEL", "debug")], &["serve", "--help"])
        .expect_success();
    assert!(!text.contains("debug]"), "{text}");
}

#[test]
fn a_variable_does_what_its_flag_does_and_the_flag_wins() {
    let sandbox = Sandbox::new();
    let json = [("BINDGUARD_OUTPUT", "json")];
    let by_flag = sandbox
        .run(&["version", "--output", "json"])
        .expect_success();
    let by_variable = sandbox.run_with(&json, &["version"]).expect_success();
    assert_eq!(by_variable, by_flag);
    let flag_wins = sandbox
        .run_with(&json, &["version", "-o", "table"])
        .expect_success();
    assert_eq!(flag_wins, sandbox.run(&["version"]).expect_success());

    let service = [("BINDGUARD_SERVICE", "bindguard/webhook")];
    let by_variable = sandbox.run_with(&service, &["manifests"]).expect_success();
    let by_flag = sandbox
        .run(&["manifests", "--service", "bindguard/webhook"])
        .expect_success();
    assert_eq!(by_variable, by_flag);
}

#[test]
fn a_command_without_the_output_of_the_environment_keeps_its_own() {
    let sandbox = Sandbox::new();
    let table = [("BINDGUARD_OUTPUT", "table")];
    let show = ["policy", "show"];
    let plain = sandbox.run(&show).expect_success();
    assert_eq!(sandbox.run_with(&table, &show).expect_success(), plain);
    let by_flag = sandbox.run(&["policy", "show", "-o", "table"]);
    assert!(by_flag.expect_failure().contains("'table'"));
    let unknown = sandbox.run_with(&[("BINDGUARD_OUTPUT", "wide")], &show);
    assert!(unknown.expect_failure().contains("BINDGUARD_OUTPUT is set"));

    let help = ["policy", "show", "--help"];
    let plain = sandbox.run(&help).expect_success();
    assert_eq!(sandbox.run_with(&table, &help).expect_success(), plain);
}

#[test]
fn a_variable_is_blamed_only_when_it_counts() {
    let sandbox = Sandbox::new();
    let blamed = |variable: &str, arguments: &[&str]| {
        let stderr = sandbox
            .run_with(&[(variable, "x")], arguments)
            .expect_failure();
        stderr.contains("note: ")
    };
    assert!(blamed("BINDGUARD_OUTPUT", &["version"]));
    assert!(!blamed("BINDGUARD_OUTPUT", &["version", "--output=y"]));
    assert!(!blamed("BINDGUARD_OUTPUT", &["version", "-oy"]));
    assert!(!blamed("BINDGUARD_POLICY", &["serve", "--log-format", "y"]));
}
