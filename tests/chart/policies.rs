//! The policy that the chart puts into its ConfigMap.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::chart::{NAMESPACE, RELEASE, Rendering, folder, template};
use crate::kept;
use crate::matrix::cases;
use crate::support::{Output, clean_command, fresh_folder, run};

fn bindguard(args: &[&str]) -> Output {
    let folder = fresh_folder("policy");
    let mut command = clean_command(Path::new(env!("CARGO_BIN_EXE_bindguard")), &folder);
    command.args(args);
    run(format!("bindguard {}", args.join(" ")), command, "")
}

/// The policy as the program understands it.
fn understood(policy: &str) -> Value {
    let file = fresh_folder("policy").join("policy.yaml");
    fs::write(&file, policy).unwrap();
    let file = file.to_str().unwrap();
    bindguard(&["policy", "check", file]).expect_success();
    let shown = bindguard(&["policy", "show", "--policy", file]).expect_success();
    serde_saphyr::from_str(&shown).unwrap()
}

#[test]
fn every_case_gives_a_policy_that_means_what_the_values_say() {
    let mut known = HashMap::new();
    for case in cases() {
        let text = case.rendering.policy();
        let policy = known.entry(text).or_insert_with(|| understood(text));
        let Some(given) = case.values.get("policy") else {
            continue;
        };
        holds(&policy["spec"], given, &case.name);
    }
}

/// Whether all that is given is there, defaults beside it.
fn holds(there: &Value, given: &Value, place: &str) {
    match given {
        Value::Object(fields) => {
            for (field, value) in fields {
                // The program leaves out what is only a spelling.
                if field != "apiGroup" {
                    holds(&there[field], value, &format!("{place}: {field}"));
                }
            }
        }
        Value::Array(items) => {
            assert_eq!(there.as_array().map(Vec::len), Some(items.len()), "{place}");
            for (number, item) in items.iter().enumerate() {
                holds(&there[number], item, &format!("{place}[{number}]"));
            }
        }
        other => assert_eq!(there, other, "{place}"),
    }
}

#[test]
fn the_defaults_of_the_chart_are_the_built_in_policy() {
    let shown = bindguard(&["policy", "show"]).expect_success();
    let built_in: Value = serde_saphyr::from_str(&shown).unwrap();
    let rendered: Value = serde_saphyr::from_str(Rendering::of(&json!({})).policy()).unwrap();
    assert_eq!(rendered, built_in);
}

fn preset(name: &str) -> Value {
    let text = kept::read(&format!("charts/bindguard/presets/{name}.yaml"));
    serde_saphyr::from_str(&text).unwrap()
}

#[test]
fn the_presets_are_the_three_and_do_what_they_are_called() {
    let mut names: Vec<String> = fs::read_dir(folder().join("presets"))
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["enforce.yaml", "roll-out.yaml", "warn-only.yaml"]);

    let actions = |name: &str| -> (String, Vec<Value>, Value, Value) {
        let rendering = Rendering::of(&preset(name));
        let policy = understood(rendering.policy());
        let personas = policy["spec"]["personas"].as_array().unwrap();
        let default = &policy["spec"]["action"];
        let own = personas
            .iter()
            .map(|persona| persona.get("action").unwrap_or(default).clone());
        let live = rendering.object("ValidatingWebhookConfiguration", "bindguard");
        (
            policy["metadata"]["name"].as_str().unwrap().to_owned(),
            own.collect(),
            policy["spec"]["companionRemoval"].clone(),
            live["webhooks"][0]["failurePolicy"].clone(),
        )
    };
    let expected = |name: &str, actions: [&str; 2], removal: &str, failure: &str| {
        (
            name.to_owned(),
            actions.map(Value::from).to_vec(),
            Value::from(removal),
            Value::from(failure),
        )
    };
    assert_eq!(
        actions("enforce"),
        expected("enforce", ["Deny", "Deny"], "Deny", "Fail")
    );
    assert_eq!(
        actions("roll-out"),
        expected("roll-out", ["Deny", "Warn"], "Warn", "Fail")
    );
    assert_eq!(
        actions("warn-only"),
        expected("warn-only", ["Warn", "Warn"], "Warn", "Ignore")
    );
}

#[test]
fn presets_set_the_same_values_so_that_one_may_follow_another() {
    let fields = |value: &Value| -> Vec<String> {
        let fields = value.as_object().unwrap().keys();
        fields.cloned().collect()
    };
    let first = preset("warn-only");
    for name in ["roll-out", "enforce"] {
        let next = preset(name);
        assert_eq!(fields(&first), fields(&next));
        assert_eq!(fields(&first["policy"]), fields(&next["policy"]));
    }
}

#[test]
fn the_preset_for_rolling_out_is_the_example_of_the_same_name() {
    let example = understood(&kept::read("examples/policies/roll-out.yaml"));
    let rendering = Rendering::of(&preset("roll-out"));
    assert_eq!(understood(rendering.policy()), example);
}

#[test]
fn what_only_the_whole_policy_shows_to_be_wrong_is_refused_while_rendering() {
    let persona = |name: &str, role: &str| json!({"name": name, "clusterRoles": [role]});
    for (policy, message) in [
        (
            json!({"personas": [persona("a", "x"), persona("b", "x")]}),
            r#"policy.personas: the ClusterRole "x" is there twice"#,
        ),
        (
            json!({"personas": [persona("a", "x"), persona("a", "y")]}),
            r#"policy.personas: the name "a" is there twice"#,
        ),
        (
            json!({"personas": [persona("a", "spectro-list-namespaces")]}),
            r#"policy.personas: the ClusterRole "spectro-list-namespaces" is a companion as well"#,
        ),
        (
            json!({"personas": [{"name": "a", "clusterRoles": ["x"], "companions": ["y"]}]}),
            r#"policy.personas: "y" of persona "a" is not one of policy.companions"#,
        ),
        (
            json!({"companions": [{"clusterRole": "c"}, {"clusterRole": "c", "impliedBy": ["d"]}]}),
            r#"policy.companions: "c" is there twice"#,
        ),
    ] {
        let output = template(RELEASE, NAMESPACE, &json!({ "policy": policy }), &[]);
        let told = output.expect_failure();
        assert!(told.contains(message), "{told}");
        // The program agrees that it is wrong.
        let document = json!({"apiVersion": "bindguard.dev/v1alpha1", "kind": "BindingPolicy", "spec": policy});
        let file = fresh_folder("policy").join("policy.yaml");
        fs::write(&file, document.to_string()).unwrap();
        bindguard(&["policy", "check", file.to_str().unwrap()]).expect_failure();
    }
}
