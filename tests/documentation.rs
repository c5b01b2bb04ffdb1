//! Pages that are made from the program, held against it. `UPDATE=1` writes them anew.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use bindguard::telemetry::metrics::Metrics;

const METRICS_PAGE: &str = "docs/metrics.md";

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
