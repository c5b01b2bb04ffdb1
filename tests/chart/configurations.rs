//! The webhook configuration of the chart is the one that `bindguard manifests` prints.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::chart::{NAMESPACE, Rendering, at, documents};
use crate::matrix::{cases, policies};
use crate::support::{clean_command, fresh_folder, run};

/// What the program prints for the policy of a rendering.
fn printed(rendering: &Rendering) -> Vec<Value> {
    let folder = fresh_folder("manifests");
    let file = folder.join("policy.yaml");
    fs::write(&file, rendering.policy()).unwrap();
    let mut command = clean_command(Path::new(env!("CARGO_BIN_EXE_bindguard")), &folder);
    command.args(["manifests", "--service", "bindguard/bindguard", "--policy"]);
    command.arg(&file);
    documents(&run("bindguard manifests".to_owned(), command, "").expect_success())
}

fn of_kind(objects: &[Value], kind: &str) -> Value {
    let found = objects.iter().find(|object| object["kind"] == kind);
    found
        .unwrap_or_else(|| panic!("there is no {kind}"))
        .clone()
}

/// The webhooks without what is up to the values: where they are, and whom the API server trusts.
fn webhooks(configuration: &Value) -> Value {
    let mut webhooks = configuration["webhooks"].clone();
    for webhook in webhooks.as_array_mut().unwrap() {
        webhook
            .as_object_mut()
            .unwrap()
            .remove("clientConfig")
            .unwrap();
    }
    webhooks
}

#[test]
fn every_case_has_the_webhooks_that_the_program_prints_for_its_policy() {
    let mut known = HashMap::new();
    for case in cases() {
        let live = case
            .rendering
            .object("ValidatingWebhookConfiguration", "bindguard");
        let printed = known
            .entry(case.rendering.policy())
            .or_insert_with(|| printed(&case.rendering));
        let wanted = of_kind(printed, "ValidatingWebhookConfiguration");
        let (found, mut expected) = (webhooks(live), webhooks(&wanted));
        for (value, field) in [
            ("failurePolicy", "failurePolicy"),
            ("timeoutSeconds", "timeoutSeconds"),
        ] {
            if let Some(value) = case.values.get(value) {
                expected[0][field] = value.clone();
            }
        }
        assert_eq!(found, expected, "{}", case.name);
        for (key, value) in wanted["metadata"]["labels"].as_object().unwrap() {
            assert_eq!(live["metadata"]["labels"][key], *value, "{}", case.name);
        }
        assert_eq!(live["apiVersion"], wanted["apiVersion"]);
    }
    assert!(known.len() >= policies().len(), "{}", known.len());
}

#[test]
fn the_default_configuration_is_printed_byte_for_byte_but_for_labels() {
    let rendering = Rendering::of(&json!({}));
    let mut live = rendering
        .object("ValidatingWebhookConfiguration", "bindguard")
        .clone();
    live["metadata"]["labels"] = json!({"app.kubernetes.io/part-of": "bindguard"});
    assert_eq!(
        live,
        of_kind(&printed(&rendering), "ValidatingWebhookConfiguration")
    );
}

#[test]
fn nothing_that_patches_is_registered_yet() {
    for case in cases() {
        let none = case.rendering.of_kind("MutatingWebhookConfiguration");
        assert!(none.is_empty(), "{}", case.name);
    }
}

#[test]
fn the_api_server_calls_the_service_or_the_url() {
    let service = json!({"namespace": NAMESPACE, "name": "bindguard", "path": "/validate"});
    let by_service = Rendering::of(&json!({}));
    let values = json!({"webhook": {"url": "https://[2001:db8::1]:8443/"}});
    let by_url = Rendering::of(&values);
    for (rendering, expected) in [
        (by_service, json!({ "service": service })),
        (
            by_url,
            json!({"url": "https://[2001:db8::1]:8443/validate"}),
        ),
    ] {
        let live = rendering.object("ValidatingWebhookConfiguration", "bindguard");
        for webhook in live["webhooks"].as_array().unwrap() {
            assert_eq!(webhook["clientConfig"], expected);
        }
    }
}

#[test]
fn a_ca_bundle_is_rendered_only_where_somebody_has_given_one() {
    let mut given = 0;
    for case in cases() {
        let live = case
            .rendering
            .object("ValidatingWebhookConfiguration", "bindguard");
        for webhook in live["webhooks"].as_array().unwrap() {
            let bundle = webhook["clientConfig"].get("caBundle");
            let value = case.values.pointer("/certificates/provided/caBundle");
            assert_eq!(bundle.is_some(), value.is_some(), "{}", case.name);
            given += usize::from(bundle.is_some());
        }
        let injected = live.pointer("/metadata/annotations/cert-manager.io~1inject-ca-from");
        let is_cert_manager =
            case.values.pointer("/certificates/mode") == Some(&json!("cert-manager"));
        assert_eq!(injected.is_some(), is_cert_manager, "{}", case.name);
    }
    assert!(given > 0);
    let pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let provided = json!({"secretName": "mine", "caBundle": pem});
    let rendering =
        Rendering::of(&json!({"certificates": {"mode": "provided", "provided": provided}}));
    let live = rendering.object("ValidatingWebhookConfiguration", "bindguard");
    let encoded =
        "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCkFBQUEKLS0tLS1FTkQgQ0VSVElGSUNBVEUtLS0tLQo=";
    assert_eq!(*at(live, "/webhooks/0/clientConfig/caBundle"), encoded);
}
