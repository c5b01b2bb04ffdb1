//! That the tests of the rules would notice: each rule is made worse in every way below, and its tests must then fail.

use std::fs;
use std::path::PathBuf;

use crate::promtool::{Alert, RULES, TESTS, alerts, promtool, read, test_files};
use crate::support::fresh_folder;

/// The file of rules with one text in the place of another in one alert, and the tests, in a folder of their own.
fn with(alert: &Alert, from: &str, to: &str, test: &(String, String)) -> PathBuf {
    let rules = read(RULES);
    let begin = rules.find(&format!("- alert: {}\n", alert.name)).unwrap();
    let end = rules[begin + 1..]
        .find("- alert: ")
        .map_or(rules.len(), |end| begin + 1 + end);
    let (before, rest) = rules.split_at(begin);
    let (one, after) = rest.split_at(end - begin);
    let changed = one.replacen(from, to, 1);
    assert_ne!(one, changed, "{}: {from}", alert.name);
    let folder = fresh_folder("weaker");
    for (file, text) in [
        (RULES.to_owned(), [before, &changed, after].concat()),
        (format!("{TESTS}/{}", test.0), test.1.clone()),
    ] {
        let file = folder.join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    folder.join(TESTS).join(&test.0)
}

/// What to put in the place of what, to make an alert worse.
fn changes(alert: &Alert) -> Vec<(String, String)> {
    let mut changes = vec![];
    let text = alert.rule["expr"].as_str().unwrap();
    for (operator, opposite) in [
        (" == 1", " != 1"),
        (" == 0", " != 0"),
        (" != 0", " == 0"),
        (" > 0", " > 1e12"),
        (" > 0", " >= 0"),
        (" > 1", " > 2"),
        (" > 1", " >= 1"),
        (" > 3", " > 1"),
        (" > 3", " > 7"),
        (" > 5", " > 3"),
        (" > 5", " > 12"),
        (" > 20", " > 10"),
        (" > 20", " > 40"),
        (" > 50", " > 30"),
        (" > 50", " > 80"),
        (" > 100", " > 99"),
        (" > 100", " > 101"),
        (" > 300", " > 270"),
        (" > 300", " > 330"),
        (" > 0.1", " > 0.01"),
        (" > 0.1", " > 1"),
        (" / 3 - 3600", " / 3"),
        (" / 3 - 3600", " / 3 - 7200"),
        ("7 * 86400", "8 * 86400"),
        ("7 * 86400", "6 * 86400"),
    ] {
        let ends = text.find(operator).map(|at| at + operator.len());
        if ends.is_some_and(|end| {
            !text[end..].starts_with(|next: char| next.is_ascii_digit() || next == '.')
        }) {
            changes.push((operator.to_owned(), opposite.to_owned()));
        }
    }
    for joined in [
        " and bindguard_index_synced == 1",
        " and ignoring(kind) bindguard_index_synced == 1",
    ] {
        if text.contains(joined) {
            changes.push((joined.to_owned(), String::new()));
        }
    }
    // Each matcher, left out: `{a="b",c="d"}` has two.
    for part in text.split('{').skip(1) {
        let matchers = part.split('}').next().unwrap();
        let all: Vec<&str> = matchers.split(',').collect();
        for (position, matcher) in all.iter().enumerate() {
            let with_comma = match (position, all.len()) {
                (_, 1) => (*matcher).to_owned(),
                (0, _) => format!("{matcher},"),
                _ => format!(",{matcher}"),
            };
            changes.push((with_comma, String::new()));
        }
    }
    if let Some(pause) = alert.rule["for"].as_str() {
        changes.push((format!("for: {pause}"), "for: 0s".to_owned()));
        changes.push((format!("for: {pause}"), "for: 1h".to_owned()));
    }
    changes
}

#[test]
fn a_rule_that_is_made_worse_in_any_way_fails_its_tests() {
    let tests = test_files();
    let (mut tried, mut unnoticed) = (0, Vec::new());
    for alert in alerts() {
        let word = format!("{} ", alert.name);
        let is_tested = |text: &str| text.contains(&format!("name: {word}"));
        let test = tests.iter().find(|(_, text)| is_tested(text)).unwrap();
        for (from, to) in changes(&alert) {
            let file = with(&alert, &from, &to, test);
            let output = promtool(&["test", "rules", "--run", &word, file.to_str().unwrap()]);
            assert!(!output.stderr.contains("parse"), "{output}");
            if output.succeeded() {
                unnoticed.push(format!("{}: {from:?} -> {to:?}", alert.name));
            }
            tried += 1;
        }
    }
    assert!(tried > 120, "{tried}");
    assert!(
        unnoticed.is_empty(),
        "of {tried}:\n{}",
        unnoticed.join("\n")
    );
}
