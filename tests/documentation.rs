//! Pages that are made from the program, held against it. `UPDATE=1` writes them anew.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use bindguard::domain::policy::Policy;
use bindguard::policy_file;
use bindguard::telemetry::metrics::Metrics;
use serde_json::Value;

const METRICS_PAGE: &str = "docs/metrics.md";
const POLICY_PAGE: &str = "docs/policy.md";
/// What is below it in the page is made.
const POLICY_MARK: &str =
    "<!-- made from the schema: UPDATE=1 cargo test --test documentation -->\n";

/// One metric as `/metrics` tells it: what it means, its type, and the values of its labels.
#[derive(Default)]
struct Family {
    help: String,
    kind: String,
    labels: BTreeMap<String, BTreeSet<String>>,
}

/// The metrics of a page in Prometheus' text format, in its order.
fn families(text: &str) -> Vec<(String, Family)> {
    let mut families: Vec<(String, Family)> = Vec::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            let family = Family {
                help: help.to_owned(),
                ..Family::default()
            };
            families.push((name.to_owned(), family));
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (_, kind) = rest.split_once(' ').unwrap();
            kind.clone_into(&mut families.last_mut().unwrap().1.kind);
        } else if let Some((_, labels)) = line.split_once('{') {
            let (labels, _) = labels.split_once('}').unwrap();
            for label in labels.split(',') {
                let (key, value) = label.split_once('=').unwrap();
                let all = &mut families.last_mut().unwrap().1.labels;
                all.entry(key.to_owned())
                    .or_default()
                    .insert(value.trim_matches('"').to_owned());
            }
        }
    }
    families
}

/// The name under which a sample appears: some types have a suffix that
/// their family has not.
fn sample_name(name: &str, kind: &str) -> String {
    match kind {
        "info" => format!("{name}_info"),
        "counter" if !name.ends_with("_total") => format!("{name}_total"),
        _ => name.to_owned(),
    }
}

fn metrics_page() -> String {
    let mut page = String::from(
        "# Metrics\n\n\
         `GET /metrics` on the admin port, in the format of Prometheus and OpenMetrics. This page is made from\n\
         `src/telemetry/metrics.rs`; `UPDATE=1 cargo test --test documentation` writes it anew.\n\n\
         | metric | type | labels | what it says |\n|---|---|---|---|\n",
    );
    for (name, family) in families(&Metrics::new("VERSION").encode()) {
        let labels: Vec<String> = family
            .labels
            .iter()
            .filter(|(key, _)| *key != "le")
            .map(|(key, values)| {
                let values: Vec<&str> = values.iter().map(String::as_str).collect();
                format!("`{key}`: {}", values.join(", "))
            })
            .collect();
        writeln!(
            page,
            "| `{}` | {} | {} | {} |",
            sample_name(&name, &family.kind),
            family.kind,
            labels.join("; "),
            family.help
        )
        .unwrap();
    }
    page
}

/// A row for each field of the policy, in the order of the schema.
fn policy_rows(schema: &Value, path: &str, rows: &mut String) {
    let words: Vec<String> = schema["oneOf"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|choice| {
            let (word, meaning) = (&choice["const"], &choice["description"]);
            format!(
                "`{}`: {}",
                word.as_str().unwrap(),
                meaning.as_str().unwrap()
            )
        })
        .collect();
    if let Some(description) = schema["description"].as_str() {
        let kind = match schema["type"].as_str().unwrap() {
            "string" if !words.is_empty() => "word",
            "string" => "text",
            "integer" => "number",
            "boolean" => "true or false",
            "array" => "list",
            _ => "",
        };
        let default = match schema.get("default") {
            Some(default) if !default.is_object() && default.to_string().len() <= 40 => {
                format!("`{default}`")
            }
            Some(_) if schema["type"] == "array" => "see below".to_owned(),
            _ => String::new(),
        };
        let text = [&[description.to_owned()], &words[..]].concat().join(" ");
        writeln!(rows, "| `{path}` | {kind} | {default} | {text} |").unwrap();
    }
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        policy_rows(field, &format!("{path}.{name}"), rows);
    }
    if schema["items"]["properties"].is_object() {
        policy_rows(&schema["items"], &format!("{path}[]"), rows);
    }
}

fn policy_part() -> String {
    let schema = policy_file::schema();
    let mut rows = String::new();
    policy_rows(&schema["properties"]["metadata"], "metadata", &mut rows);
    policy_rows(&schema["properties"]["spec"], "spec", &mut rows);
    let built_in = policy_file::to_yaml(&Policy::built_in());
    format!(
        "\n## Fields\n\n| field | what it is | default | what it says |\n|---|---|---|---|\n{rows}\n\
         ## The built-in policy\n\n```yaml\n{built_in}```\n"
    )
}

#[test]
fn the_page_on_the_policy_has_the_fields_of_the_schema() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(POLICY_PAGE);
    let written = fs::read_to_string(&path).unwrap();
    let (by_hand, _) = written.split_once(POLICY_MARK).unwrap();
    let expected = format!("{by_hand}{POLICY_MARK}{}", policy_part());
    if written == expected {
        return;
    }
    assert!(
        std::env::var_os("UPDATE").is_some(),
        "{POLICY_PAGE} is not what the schema says; write it with UPDATE=1"
    );
    fs::write(&path, &expected).unwrap();
}

#[test]
fn every_policy_and_every_test_of_one_that_a_page_shows_can_be_read() {
    let mut policies = 0;
    for page in ["README.md", POLICY_PAGE] {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(page)).unwrap();
        let by_hand = text.split(POLICY_MARK).next().unwrap();
        for block in by_hand.split("```yaml\n").skip(1) {
            let (block, _) = block.split_once("```").unwrap();
            let read = if block.contains("kind: PolicyTest") {
                let load = |_: &str| Ok(Policy::built_in());
                policy_file::cases::parse(block, load).map(drop)
            } else {
                policy_file::parse(block).map(drop)
            };
            read.unwrap_or_else(|errors| panic!("{page}: {errors}\n{block}"));
            policies += 1;
        }
    }
    assert!(policies >= 4, "{policies}");
}

#[test]
fn the_page_on_metrics_says_what_the_program_exports() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(METRICS_PAGE);
    let expected = metrics_page();
    if std::env::var_os("UPDATE").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &expected).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == expected,
        "{METRICS_PAGE} is not what the program exports; write it with UPDATE=1"
    );
}
