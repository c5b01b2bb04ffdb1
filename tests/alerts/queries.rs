//! Every query of the alerts and of the dashboard: that it can be read, and asks for what there is.

use std::collections::{BTreeMap, BTreeSet};

use bindguard::telemetry::metrics::Metrics;
use serde_json::Value;

use crate::promtool::{alerts, read, selectors};

const DASHBOARD: &str = "charts/bindguard/files/dashboard.json";

/// What Prometheus and the operator add to what they scrape.
const ADDED: [&str; 2] = ["pod", "instance"];

type Labels = BTreeMap<String, BTreeSet<String>>;

/// Every series that the program has: its name, and what its labels can be.
fn series() -> BTreeMap<String, Labels> {
    let mut all: BTreeMap<String, Labels> = BTreeMap::new();
    for line in Metrics::new("1").encode().lines() {
        if line.starts_with('#') {
            continue;
        }
        let (name, labels) = line.split_once('{').map_or_else(
            || (line.split(' ').next().unwrap(), ""),
            |(name, rest)| (name, rest.split('}').next().unwrap()),
        );
        let known = all.entry(name.to_owned()).or_default();
        for label in labels.split(',').filter(|label| !label.is_empty()) {
            let (key, value) = label.split_once('=').unwrap();
            let values = known.entry(key.to_owned()).or_default();
            values.insert(value.trim_matches('"').to_owned());
        }
    }
    all
}

/// What a panel is called, and its query as Prometheus would get it.
fn panels() -> Vec<(String, String)> {
    let dashboard: Value = serde_json::from_str(&read(DASHBOARD)).unwrap();
    let mut queries = vec![];
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let query = target["expr"].as_str().unwrap();
            let query = query
                .replace("$__rate_interval", "2m")
                .replace("$pod", ".*");
            assert!(!query.contains('$'), "{query}");
            queries.push((panel["title"].as_str().unwrap().to_owned(), query));
        }
    }
    assert!(queries.len() > 40, "{}", queries.len());
    queries
}

fn all() -> Vec<(String, String)> {
    let alerts = alerts().into_iter();
    let alerts = alerts.map(|alert| (alert.name.clone(), alert.text("/expr").to_owned()));
    alerts.chain(panels()).collect()
}

/// What is wrong with a query.
fn faults(asked: &Value, series: &BTreeMap<String, Labels>) -> Vec<String> {
    if let Some(error) = asked["error"].as_str() {
        return vec![error.to_owned()];
    }
    let mut faults = vec![];
    let mut labels: BTreeSet<&str> = ADDED.into();
    for selector in asked["selectors"].as_array().unwrap() {
        let metric = selector["metric"].as_str().unwrap();
        let Some(known) = series.get(metric) else {
            faults.push(format!("there is no {metric}"));
            continue;
        };
        labels.extend(known.keys().map(String::as_str));
        for matcher in selector["matchers"].as_array().unwrap() {
            let (label, kind, value) = (
                matcher["label"].as_str().unwrap(),
                matcher["kind"].as_str().unwrap(),
                matcher["value"].as_str().unwrap(),
            );
            if ADDED.contains(&label) {
                continue;
            }
            let Some(values) = known.get(label) else {
                faults.push(format!("{metric} has no label {label}"));
                continue;
            };
            // Alternatives without anything else of a regular expression.
            let wanted: Vec<&str> = match kind {
                "=" => vec![value],
                "=~" => value.split('|').collect(),
                _ => vec![],
            };
            if wanted.is_empty() || wanted.iter().any(|value| !values.contains(*value)) {
                faults.push(format!("{metric}: {label}{kind}{value}"));
            }
        }
    }
    for label in asked["labels"].as_array().unwrap() {
        let label = label.as_str().unwrap();
        if !labels.contains(label) {
            faults.push(format!("nothing has the label {label}"));
        }
    }
    faults
}

#[test]
fn every_query_asks_for_metrics_and_labels_that_there_are() {
    let (names, queries): (Vec<String>, Vec<String>) = all().into_iter().unzip();
    let series = series();
    for (name, asked) in names.iter().zip(selectors(&queries)) {
        assert_eq!(faults(&asked, &series), [""; 0], "{name}");
        let is_empty = asked["selectors"].as_array().unwrap().is_empty();
        assert!(!is_empty, "{name} asks for nothing");
    }
}

#[test]
fn a_query_that_asks_for_something_else_is_noticed() {
    let series = series();
    for (query, fault) in [
        ("bindguard_nonsense > 0", "there is no bindguard_nonsense"),
        ("up == 0", "there is no up"),
        (
            r#"bindguard_decisions_total{result="deny"}"#,
            "bindguard_decisions_total has no label result",
        ),
        (
            r#"bindguard_decisions_total{decision=~"deny|refuse"}"#,
            "bindguard_decisions_total: decision=~deny|refuse",
        ),
        (
            "sum by (reason) (rate(bindguard_decisions_total[5m]))",
            "nothing has the label reason",
        ),
        (
            "bindguard_leader and ignoring(kind) bindguard_ready",
            "nothing has the label kind",
        ),
    ] {
        let asked = selectors(&[query.to_owned()]);
        assert_eq!(faults(&asked[0], &series), [fault]);
    }
    let broken = selectors(&["sum(bindguard_leader".to_owned()]);
    assert!(
        faults(&broken[0], &series)[0].contains("parse error"),
        "{broken:?}"
    );
}

#[test]
fn every_metric_is_in_the_dashboard_or_is_one_of_these() {
    let (_, queries): (Vec<String>, Vec<String>) = panels().into_iter().unzip();
    let mut shown = BTreeSet::new();
    for asked in selectors(&queries) {
        for selector in asked["selectors"].as_array().unwrap() {
            shown.insert(selector["metric"].as_str().unwrap().to_owned());
        }
    }
    let left_out: BTreeSet<String> = series()
        .into_keys()
        .filter(|name| !shown.contains(name))
        .collect();
    let expected = [
        "bindguard_access_reviews_total",
        "bindguard_audit_lines_late_total",
        "bindguard_build_info",
        "bindguard_certificate_reloads_total",
        "bindguard_certificate_trusted",
        "bindguard_history_entries",
        "bindguard_history_evicted_total",
        "bindguard_history_garbage_total",
        "bindguard_history_waiting",
        "bindguard_persona_index_synced",
        "bindguard_policy_loaded_timestamp_seconds",
        "bindguard_provisioning_events_total",
        "bindguard_request_duration_seconds_count",
        "bindguard_request_duration_seconds_sum",
        "bindguard_rights_missing",
        "bindguard_watch_working",
    ];
    assert_eq!(left_out, expected.map(str::to_owned).into());
}

#[test]
fn the_dashboard_is_one_that_grafana_can_show() {
    let dashboard: Value = serde_json::from_str(&read(DASHBOARD)).unwrap();
    assert_eq!(dashboard["uid"], "bindguard");
    let panels = dashboard["panels"].as_array().unwrap();
    let (mut ids, mut taken) = (BTreeSet::new(), BTreeSet::new());
    for panel in panels {
        let title = panel["title"].as_str().unwrap();
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{title}");
        let at = |field: &str| panel["gridPos"][field].as_u64().unwrap();
        assert!(at("x") + at("w") <= 24, "{title}");
        for x in at("x")..at("x") + at("w") {
            for y in at("y")..at("y") + at("h") {
                assert!(taken.insert((x, y)), "{title} is upon another at {x}, {y}");
            }
        }
        if panel["type"] == "row" {
            continue;
        }
        assert!(
            panel["description"].as_str().unwrap().ends_with('.'),
            "{title}"
        );
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{title}");
        let mut references = BTreeSet::new();
        for target in panel["targets"].as_array().unwrap() {
            assert_eq!(target["datasource"]["uid"], "${datasource}", "{title}");
            assert!(references.insert(target["refId"].to_string()), "{title}");
            let expression = target["expr"].as_str().unwrap();
            assert!(
                expression.contains(r#"pod=~"$pod""#),
                "{title}: {expression}"
            );
        }
    }
    let variables = dashboard["templating"]["list"].as_array().unwrap();
    let names: Vec<&Value> = variables.iter().map(|variable| &variable["name"]).collect();
    assert_eq!(names, ["datasource", "pod"]);
}
