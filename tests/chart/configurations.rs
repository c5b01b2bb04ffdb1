//! The webhook configurations of the chart are those that `bindguard manifests` prints.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Value, json};

use crate::chart::{NAMESPACE, Rendering, at};
use crate::matrix::{cases, policies};
use crate::printed::printed;

const VALIDATING: &str = "ValidatingWebhookConfiguration";
const MUTATING: &str = "MutatingWebhookConfiguration";

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

/// Both configurations of a rendering; of those that nobody orders by, the one that there is.
fn configurations(rendering: &Rendering) -> impl Iterator<Item = &Value> {
    let all = rendering.objects.iter();
    all.filter(|object| {
        [VALIDATING, MUTATING]
            .map(Value::from)
            .contains(&object["kind"])
    })
}

#[test]
fn every_case_has_the_webhooks_that_the_program_prints_for_its_policy() {
    let mut known = HashMap::new();
    for case in cases() {
        let printed = known
            .entry(case.rendering.policy())
            .or_insert_with(|| printed(&case.rendering));
        for kind in [VALIDATING, MUTATING] {
            let wanted: Vec<&Value> = printed.iter().filter(|one| one["kind"] == kind).collect();
            let live = case.rendering.of_kind(kind);
            assert_eq!(live.len(), wanted.len(), "{}: {kind}", case.name);
            for (live, wanted) in live.into_iter().zip(wanted) {
                let (found, mut expected) = (webhooks(live), webhooks(wanted));
                for field in ["failurePolicy", "timeoutSeconds"] {
                    if let (Some(value), VALIDATING) = (case.values.get(field), kind) {
                        expected[0][field] = value.clone();
                    }
                }
                assert_eq!(found, expected, "{}", case.name);
                for (key, value) in wanted["metadata"]["labels"].as_object().unwrap() {
                    assert_eq!(live["metadata"]["labels"][key], *value, "{}", case.name);
                }
                assert_eq!(live["metadata"]["name"], wanted["metadata"]["name"]);
                assert_eq!(live["apiVersion"], wanted["apiVersion"]);
            }
        }
    }
    assert!(known.len() >= policies().len(), "{}", known.len());
}

#[test]
fn the_default_configurations_are_printed_byte_for_byte_but_for_labels() {
    let rendering = Rendering::of(&json!({}));
    let printed = printed(&rendering);
    for (kind, wanted) in [VALIDATING, MUTATING].into_iter().zip(&printed) {
        let mut live = rendering.object(kind, "bindguard").clone();
        live["metadata"]["labels"] = json!({"app.kubernetes.io/part-of": "bindguard"});
        assert_eq!(live, *wanted);
    }
}

#[test]
fn what_patches_is_registered_unless_nobody_orders() {
    let mut none = 0;
    for case in cases() {
        let mode = case.values.pointer("/policy/provisioning/mode");
        let is_disabled = mode == Some(&json!("Disabled"));
        let found = case.rendering.of_kind(MUTATING).len();
        assert_eq!(found, usize::from(!is_disabled), "{}", case.name);
        none += usize::from(is_disabled);
    }
    assert!(none > 0);
}

#[test]
fn the_api_server_calls_the_service_or_the_url() {
    let url = "https://[2001:db8::1]:8443";
    let values = json!({"webhook": {"url": format!("{url}/")}});
    let (by_service, by_url) = (Rendering::of(&json!({})), Rendering::of(&values));
    for (kind, path) in [(VALIDATING, "/validate"), (MUTATING, "/mutate")] {
        let service = json!({"namespace": NAMESPACE, "name": "bindguard", "path": path});
        for (rendering, expected) in [
            (&by_service, json!({ "service": service })),
            (&by_url, json!({"url": format!("{url}{path}")})),
        ] {
            let live = rendering.object(kind, "bindguard");
            for webhook in live["webhooks"].as_array().unwrap() {
                assert_eq!(webhook["clientConfig"], expected);
            }
        }
    }
}

#[test]
fn a_ca_bundle_is_rendered_only_where_somebody_has_given_one() {
    let mut given = BTreeSet::new();
    for case in cases() {
        for live in configurations(&case.rendering) {
            for webhook in live["webhooks"].as_array().unwrap() {
                let bundle = webhook["clientConfig"].get("caBundle");
                let value = case.values.pointer("/certificates/provided/caBundle");
                assert_eq!(bundle.is_some(), value.is_some(), "{}", case.name);
                if bundle.is_some() {
                    given.insert(webhook["name"].as_str().unwrap());
                }
            }
            let injected = live.pointer("/metadata/annotations/cert-manager.io~1inject-ca-from");
            let is_cert_manager =
                case.values.pointer("/certificates/mode") == Some(&json!("cert-manager"));
            assert_eq!(injected.is_some(), is_cert_manager, "{}", case.name);
        }
    }
    assert_eq!(given.len(), 3, "each webhook was looked at: {given:?}");
    let pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let provided = json!({"secretName": "mine", "caBundle": pem});
    let rendering =
        Rendering::of(&json!({"certificates": {"mode": "provided", "provided": provided}}));
    let encoded =
        "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCkFBQUEKLS0tLS1FTkQgQ0VSVElGSUNBVEUtLS0tLQo=";
    for live in configurations(&rendering) {
        assert_eq!(*at(live, "/webhooks/0/clientConfig/caBundle"), encoded);
    }
}
