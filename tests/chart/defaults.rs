//! What the chart is without any values.

use serde_json::json;

use crate::chart::{NAMESPACE, RELEASE, folder, helm, template};
use crate::kept;

#[test]
fn the_defaults_render_what_they_always_did() {
    let text = template(RELEASE, NAMESPACE, &json!({}), &[]).expect_success();
    kept::check("tests/chart/defaults.yaml", &text);
}

#[test]
fn helm_lint_has_nothing_to_say() {
    let chart = folder();
    let told = helm(&["lint", "--strict", "--quiet", chart.to_str().unwrap()]).expect_success();
    assert_eq!(told.trim(), "");
    for preset in ["enforce", "roll-out", "warn-only"] {
        let file = chart.join(format!("presets/{preset}.yaml"));
        helm(&[
            "lint",
            "--strict",
            chart.to_str().unwrap(),
            "--values",
            file.to_str().unwrap(),
        ])
        .expect_success();
    }
}

#[test]
fn the_versions_are_those_of_the_program() {
    let text = kept::read("charts/bindguard/Chart.yaml");
    let chart: serde_json::Value = serde_saphyr::from_str(&text).unwrap();
    for field in ["version", "appVersion"] {
        assert_eq!(chart[field], env!("CARGO_PKG_VERSION"), "{field}");
    }
}

#[test]
fn nothing_is_looked_up_or_made_while_rendering() {
    let again = || template(RELEASE, NAMESPACE, &json!({}), &[]).expect_success();
    assert_eq!(again(), again());
    let templates = folder().join("templates");
    let mut files = 0;
    for file in walk(&templates) {
        files += 1;
        let text = std::fs::read_to_string(&file).unwrap();
        for function in [
            "lookup",
            "genCA",
            "genSigned",
            "genSelfSigned",
            "genPrivateKey",
            "rand",
            "now",
            "uuidv4",
        ] {
            let called = text
                .split(|c: char| !c.is_alphanumeric())
                .any(|word| word.starts_with(function) && in_action(&text, word));
            assert!(!called, "{} calls {function}", file.display());
        }
    }
    assert!(files > 15, "{files}");
}

/// Whether a word stands within `{{ }}`, comments aside.
fn in_action(text: &str, word: &str) -> bool {
    text.split("{{").skip(1).any(|part| {
        let action = part.split("}}").next().unwrap_or_default();
        !action.contains("/*")
            && action
                .split(|c: char| !c.is_alphanumeric())
                .any(|found| found == word)
    })
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| {
            if path.is_dir() {
                walk(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}
