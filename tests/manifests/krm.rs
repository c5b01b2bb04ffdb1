//! `bindguard krm`: what Kustomize gives to a function and takes from it.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::command::piped;
use super::sandbox::Sandbox;

/// The list that Kustomize makes of `examples/kustomize`, as it writes it.
fn list(config: &str) -> String {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/kustomize/base/team.yaml");
    let team: Value = serde_saphyr::from_str(&fs::read_to_string(example).unwrap()).unwrap();
    let mut list = json!({
        "apiVersion": "config.kubernetes.io/v1",
        "kind": "ResourceList",
        "items": [{"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "on"}}, team],
    });
    if !config.is_empty() {
        list["functionConfig"] = serde_saphyr::from_str(config).unwrap();
    }
    list.to_string()
}

fn read(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap()
}

#[test]
fn the_missing_companions_come_before_the_items_which_stay_as_they_are() {
    let sandbox = Sandbox::new();
    let given = list("");
    let output = read(&piped(&sandbox, &["krm"], &given).expect_success());
    let items = output["items"].as_array().unwrap();
    assert_eq!(items.len(), 4);
    let roles: Vec<_> = items[..2]
        .iter()
        .map(|item| item["roleRef"]["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        roles,
        ["spectro-list-namespaces", "spectro-list-vmtemplates"]
    );
    assert_eq!(items[2..], *read(&given)["items"].as_array().unwrap());
    let results = output["results"].as_array().unwrap();
    assert_eq!(results.len(), 2);
    assert_eq!(
        results[0],
        json!({
            "message": "added, since it is needed for RoleBinding default/vm-users",
            "severity": "info",
            "resourceRef": {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "ClusterRoleBinding",
                "name": items[0]["metadata"]["name"],
            },
        })
    );
}

#[test]
fn a_list_that_lacks_nothing_comes_back_as_it_was() {
    let sandbox = Sandbox::new();
    let first = piped(&sandbox, &["krm"], &list("")).expect_success();
    let again = piped(&sandbox, &["krm"], &first).expect_success();
    let (mut first, again) = (read(&first), read(&again));
    first.as_object_mut().unwrap().remove("results");
    assert_eq!(again, first);
}

#[test]
fn the_configuration_of_the_example_is_its_policy() {
    let sandbox = Sandbox::new();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/kustomize/companions.yaml");
    let config = fs::read_to_string(example).unwrap();
    let output = read(&piped(&sandbox, &["krm"], &list(&config)).expect_success());
    assert_eq!(output["items"].as_array().unwrap().len(), 4);
    assert_eq!(output["functionConfig"], read(&config));

    let exempt = format!("{config}spec: {{exempt: {{namespaces: [default]}}}}\n");
    let output = read(&piped(&sandbox, &["krm"], &list(&exempt)).expect_success());
    assert_eq!(output["items"].as_array().unwrap().len(), 2);
}

#[test]
fn nothing_is_printed_when_something_cannot_be_read() {
    let sandbox = Sandbox::new();
    let broken = list("").replace("\"kind\":\"User\"", "\"kind\":\"Person\"");
    for (input, told) in [
        (broken.as_str(), "Person"),
        ("kind: List", "this is no ResourceList"),
        (&list("{kind: ConfigMap}"), "kind BindingPolicy"),
    ] {
        let output = piped(&sandbox, &["krm"], input);
        assert_eq!(output.status.code(), Some(2), "{output}");
        assert_eq!(output.stdout, "", "{output}");
        assert!(output.stderr.contains(told), "{output}");
    }
}
