//! The pages under `docs/reference`, which are made from what the program says of itself.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::help::{COMMANDS, help, trimmed};
use super::sandbox::Sandbox;

/// Compares a text with the page, or writes the page if `UPDATE` is set.
#[track_caller]
fn check(page: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("docs/reference")
        .join(page);
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, text).expect("the page can be written");
    }
    assert!(
        fs::read_to_string(&path).unwrap_or_default() == text,
        "docs/reference/{page} is not what the program says: UPDATE=1 cargo test --test command_line"
    );
}

#[test]
fn the_page_on_commands_is_what_they_say_of_themselves() {
    let sandbox = Sandbox::new();
    let mut page = String::from(
        "# Commands\n\nWhat `--help` says, in 100 columns. Made by `UPDATE=1 cargo test --test command_line`.\n",
    );
    for command in COMMANDS {
        let name = [&["bindguard"], command].concat().join(" ");
        let help = trimmed(&help(&sandbox, "100", command, "--help"));
        page.push_str(&format!("\n## {name}\n\n```text\n{help}```\n"));
    }
    check("commands.md", &page);
}

#[test]
fn the_schema_of_policies_is_the_one_that_the_program_prints() {
    let schema = Sandbox::new().run(&["policy", "schema"]).expect_success();
    check("policy.schema.json", &schema);
}

/// The words below "Commands:" in a help text.
fn listed(help: &str) -> BTreeSet<String> {
    let (_, list) = help.split_once("\nCommands:\n").unwrap_or_default();
    list.lines()
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|word| *word != "help")
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_command_that_help_lists_has_its_page() {
    let sandbox = Sandbox::new();
    let mut found = 0;
    for command in COMMANDS {
        for word in listed(&help(&sandbox, "100", command, "--help")) {
            let below = [command, &[word.as_str()]].concat();
            assert!(COMMANDS.contains(&below.as_slice()), "{below:?}");
            found += 1;
        }
    }
    // All but the program itself are listed by another.
    assert_eq!(found, COMMANDS.len() - 1);
}
