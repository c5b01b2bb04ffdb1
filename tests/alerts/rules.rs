//! The rules themselves, and that each is tested both ways.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::promtool::{RULES, TESTS, alerts, parse, path, promtool, test_files};

#[test]
fn promtool_takes_the_rules() {
    let file = path(RULES);
    let told = promtool(&[
        "check",
        "rules",
        "--lint=all",
        "--lint-fatal",
        file.to_str().unwrap(),
    ]);
    let told = told.expect_success();
    let expected = format!("SUCCESS: {} rules found", alerts().len());
    assert!(told.contains(&expected), "{told}");
}

#[test]
fn each_alert_fires_when_it_should_and_at_no_other_time() {
    let files: Vec<String> = test_files()
        .into_iter()
        .map(|(name, _)| path(TESTS).join(name).display().to_string())
        .collect();
    let mut args = vec!["test", "rules"];
    args.extend(files.iter().map(String::as_str));
    let told = promtool(&args).expect_success();
    assert_eq!(told.matches("SUCCESS").count(), files.len(), "{told}");
}

#[test]
fn each_alert_is_seen_to_fire_and_seen_not_to() {
    let (mut fires, mut rests) = (BTreeSet::new(), BTreeSet::new());
    for (file, text) in test_files() {
        let tests = parse(&text)["tests"].take();
        for test in tests.as_array().unwrap() {
            let name = test["name"].as_str().unwrap().split(' ').next().unwrap();
            // Where only some alerts are named, another test of the same moment sees the rest.
            for look in test["promql_expr_test"].as_array().into_iter().flatten() {
                let labels: Vec<String> = look["exp_samples"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|sample| sample["labels"].as_str().unwrap().to_owned())
                    .collect();
                let is_there = labels
                    .iter()
                    .any(|label| label.contains(&format!("alertname=\"{name}\"")));
                if is_there {
                    fires.insert(name.to_owned());
                } else {
                    assert_eq!(labels, [""; 0], "{file}: {name}");
                    rests.insert(name.to_owned());
                }
            }
        }
    }
    let all: BTreeSet<String> = alerts().into_iter().map(|alert| alert.name).collect();
    assert_eq!(fires, all);
    assert_eq!(rests, all);
}

#[test]
fn each_alert_says_how_bad_it_is_what_it_is_and_where_that_is_explained() {
    let mut names = BTreeSet::new();
    for alert in alerts() {
        let name = &alert.name;
        assert!(names.insert(name.clone()), "two are called {name}");
        assert!(name.starts_with("Bindguard"), "{name}");
        let severity = alert.text("/labels/severity");
        assert!(
            ["critical", "warning", "info"].contains(&severity),
            "{name}"
        );
        let summary = alert.text("/annotations/summary");
        assert!(!summary.ends_with('.') && summary.len() < 80, "{name}");
        let description = alert.text("/annotations/description");
        assert!(description.ends_with(['.', ')']), "{name}: {description}");
        let runbook = format!("docs/alerts.md#{}", name.to_lowercase());
        assert_eq!(alert.text("/annotations/runbook_url"), runbook, "{name}");
        let known = ["alert", "expr", "for", "labels", "annotations"];
        let fields = alert.rule.as_object().unwrap().keys();
        for field in fields {
            assert!(known.contains(&field.as_str()), "{name}: {field}");
        }
    }
}

#[test]
fn what_descriptions_say_is_filled_in() {
    // promtool compares whole texts here, so that a label that is not there would show.
    let told = [
        (
            "BindguardNotReady",
            r#"bindguard_ready{instance="10.0.0.1:8080",pod="a"}"#,
            "0x40",
            r#"{instance: "10.0.0.1:8080", pod: a}"#,
            "a has not been ready for 5 minutes; its /readyz says what it waits for.",
        ),
        (
            "BindguardNotReady",
            r#"bindguard_ready{instance="10.0.0.1:8080"}"#,
            "0x40",
            r#"{instance: "10.0.0.1:8080"}"#,
            "10.0.0.1:8080 has not been ready for 5 minutes; its /readyz says what it waits for.",
        ),
        (
            "BindguardStateIsOld",
            r#"bindguard_holdings_stale_seconds{pod="a"}"#,
            "420x40",
            "{pod: a}",
            "What a knows is 7m 0s old.",
        ),
        (
            "BindguardCallsFail",
            r#"bindguard_requests_total{endpoint="validate",outcome="busy",pod="a"}"#,
            "0+15x40",
            "{outcome: busy}",
            "They end as busy, 500m a second; the API server repeats those that are told to come again.",
        ),
    ];
    let alerts = alerts();
    for (name, series, values, labels, description) in told {
        let alert = alerts.iter().find(|alert| alert.name == name).unwrap();
        let severity = alert.text("/labels/severity");
        let labels = labels.replacen('{', &format!("{{severity: {severity}, "), 1);
        let (summary, runbook) = (
            alert.text("/annotations/summary"),
            alert.text("/annotations/runbook_url"),
        );
        let test = format!(
            "rule_files: [{}]\nevaluation_interval: 30s\ntests:\n  - interval: 30s\n    input_series:\n      \
             - {{series: '{series}', values: {values}}}\n    alert_rule_test:\n      - alertname: {name}\n        \
             eval_time: 12m\n        exp_alerts:\n          - exp_labels: {labels}\n            \
             exp_annotations:\n              summary: {summary}\n              runbook_url: {runbook}\n              \
             description: \"{description}\"\n",
            path(RULES).display()
        );
        let file = crate::support::fresh_folder("descriptions").join("test.yaml");
        std::fs::write(&file, test).unwrap();
        promtool(&["test", "rules", file.to_str().unwrap()]).expect_success();
    }
}

#[test]
fn no_template_asks_for_a_label_that_its_alert_has_not() {
    let all = alerts();
    let queries: Vec<String> = all
        .iter()
        .map(|alert| alert.text("/expr").to_owned())
        .collect();
    for (alert, query) in all.iter().zip(crate::promtool::selectors(&queries)) {
        let expression = alert.text("/expr");
        let aggregates = ["sum", "absent", "histogram_quantile"];
        let keeps_pods = !aggregates.iter().any(|word| expression.starts_with(word));
        let mut labels: BTreeSet<String> = query["labels"]
            .as_array()
            .unwrap()
            .iter()
            .map(|label| label.as_str().unwrap().to_owned())
            .collect();
        if keeps_pods {
            labels.extend(["pod", "instance", "kind", "certificate"].map(str::to_owned));
        }
        let description = alert.text("/annotations/description");
        for asked in description.split("$labels.").skip(1) {
            let asked: String = asked
                .chars()
                .take_while(|character| character.is_alphanumeric() || *character == '_')
                .collect();
            assert!(labels.contains(&asked), "{}: {asked}", alert.name);
        }
        let mentions = description.contains("$labels.pod");
        assert!(!mentions || keeps_pods, "{}", alert.name);
        assert!(Value::is_string(&alert.rule["expr"]));
    }
}
