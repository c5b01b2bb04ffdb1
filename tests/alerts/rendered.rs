//! What the chart makes of the rules.

use std::fs;

use serde_json::{Value, json};

use crate::promtool::{Alert, RULES, alerts, alerts_of, parse, path, promtool, read};
use crate::support::{Output, assets_folder, clean_command, fresh_folder, run};

fn template(values: &Value) -> Output {
    let folder = fresh_folder("rendered");
    let file = folder.join("values.yaml");
    fs::write(&file, values.to_string()).unwrap();
    let mut command = clean_command(&assets_folder().join("helm"), &folder);
    command
        .args(["template", "bindguard"])
        .arg(path("charts/bindguard"));
    command.arg("--values").arg(file);
    for shown in ["prometheusrule", "dashboard"] {
        command
            .arg("--show-only")
            .arg(format!("templates/{shown}.yaml"));
    }
    run(format!("helm template {values}"), command, "")
}

/// The `PrometheusRule` for these values.
fn rule(values: Value) -> Value {
    let mut all = json!({"prometheusRule": {"enabled": true}, "dashboard": {"enabled": true}});
    merge(&mut all, values);
    let text = template(&all).expect_success();
    let mut objects: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
    objects.retain(|object| object["kind"] == "PrometheusRule");
    assert_eq!(objects.len(), 1, "{text}");
    objects.remove(0)
}

fn merge(under: &mut Value, over: Value) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) => {
            for (key, value) in over {
                merge(under.entry(key).or_insert(Value::Null), value);
            }
        }
        (under, over) => *under = over,
    }
}

/// Has promtool check what is rendered.
fn checked(rule: &Value) -> Vec<Alert> {
    let file = fresh_folder("rendered").join("rules.yaml");
    fs::write(&file, rule["spec"].to_string()).unwrap();
    promtool(&["check", "rules", file.to_str().unwrap()]).expect_success();
    alerts_of(&rule["spec"])
}

#[test]
fn by_default_every_rule_is_there_as_it_is_tested() {
    let rendered = rule(json!({}));
    checked(&rendered);
    assert_eq!(rendered["spec"], parse(&read(RULES)));
}

#[test]
fn nothing_is_rendered_unless_it_is_asked_for() {
    let told = template(&json!({})).expect_failure();
    assert!(told.contains("could not find template"), "{told}");
}

#[test]
fn where_nobody_orders_no_alert_is_about_orders() {
    let rendered = checked(&rule(
        json!({"policy": {"provisioning": {"mode": "Disabled"}}}),
    ));
    let expected: Vec<String> = alerts()
        .into_iter()
        .filter(|alert| alert.group != "bindguard-orders")
        .map(|alert| alert.name)
        .collect();
    let names: Vec<String> = rendered.into_iter().map(|alert| alert.name).collect();
    assert_eq!(names, expected);
    assert!(expected.len() < alerts().len());
}

#[test]
fn an_alert_that_is_left_out_is_and_one_that_there_is_not_is_refused() {
    let out = ["BindguardManyDenials", "BindguardNoLeader"];
    let rendered = checked(&rule(json!({"prometheusRule": {"without": out}})));
    assert_eq!(rendered.len() + out.len(), alerts().len());
    assert!(
        rendered
            .iter()
            .all(|alert| !out.contains(&alert.name.as_str()))
    );

    let values = json!({"prometheusRule": {"enabled": true, "without": ["BindguardNoLeaders"]}});
    let told = template(&values).expect_failure();
    assert!(
        told.contains("prometheusRule.without: there is no alert BindguardNoLeaders"),
        "{told}"
    );
}

#[test]
fn runbooks_are_where_people_read_them() {
    let base = "https://wiki.example.com/bindguard/alerts";
    for alert in checked(&rule(json!({"prometheusRule": {"runbook": base}}))) {
        let expected = format!("{base}#{}", alert.name.to_lowercase());
        assert_eq!(alert.text("/annotations/runbook_url"), expected);
    }
}

#[test]
fn what_fails_open_on_purpose_is_no_drift_and_anything_else_is() {
    let rendered = rule(json!({"failurePolicy": "Ignore"}));
    checked(&rendered);
    let test = |validating: i64, mutating: i64, fires: &str| {
        format!(
            "rule_files: [rules.yaml]\nevaluation_interval: 30s\ntests:\n  - interval: 30s\n    input_series:\n      \
             - {{series: 'bindguard_index_synced{{pod=\"a\"}}', values: 1x40}}\n      \
             - {{series: 'bindguard_configuration_drift{{kind=\"validating\",pod=\"a\"}}', values: {validating}x40}}\n      \
             - {{series: 'bindguard_configuration_drift{{kind=\"mutating\",pod=\"a\"}}', values: {mutating}x40}}\n    \
             promql_expr_test:\n      - expr: count by (kind) (ALERTS{{alertname=\"BindguardConfigurationDrift\",alertstate=\"firing\"}})\n        \
             eval_time: 10m\n        exp_samples: [{fires}]\n"
        )
    };
    let folder = fresh_folder("rendered");
    fs::write(folder.join("rules.yaml"), rendered["spec"].to_string()).unwrap();
    let of = |kind: &str| format!("{{labels: '{{kind=\"{kind}\"}}', value: 1}}");
    for (validating, mutating, fires) in [
        (1, 0, String::new()),
        (2, 0, of("validating")),
        (-1, 0, of("validating")),
        (1, 1, of("mutating")),
    ] {
        let file = folder.join("test.yaml");
        fs::write(&file, test(validating, mutating, &fires)).unwrap();
        promtool(&["test", "rules", file.to_str().unwrap()]).expect_success();
    }
}
