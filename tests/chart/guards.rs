//! The guards of the chart are those that `bindguard manifests` prints, wherever there can be any.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Value, json};

use crate::chart::{NAMESPACE, RELEASE, Rendering, documents, folder, template};
use crate::matrix::{cases, policies};
use crate::printed::{certificates, printed, printed_for};
use crate::support::{ADMIN, ControlPlane};

const POLICY: &str = "ValidatingAdmissionPolicy";
const BINDING: &str = "ValidatingAdmissionPolicyBinding";
const ORDERS: &str = "orders.bindguard.dev";

/// The guards among objects, by kind and name.
fn guards(objects: &[Value]) -> Vec<Value> {
    let mut guards: Vec<Value> = objects
        .iter()
        .filter(|object| [POLICY, BINDING].map(Value::from).contains(&object["kind"]))
        .cloned()
        .collect();
    let key = |guard: &Value| {
        (
            guard["kind"].to_string(),
            guard["metadata"]["name"].to_string(),
        )
    };
    guards.sort_by_key(key);
    guards
}

/// Without the labels and annotations that only the chart has.
fn bare(mut guard: Value) -> Value {
    let metadata = guard["metadata"].as_object_mut().unwrap();
    metadata.remove("annotations");
    let labels = metadata["labels"].as_object_mut().unwrap();
    labels.retain(|key, _| key == "app.kubernetes.io/part-of");
    guard
}

#[track_caller]
fn same(rendering: &Rendering, printed: &[Value], place: &str) {
    let live: Vec<Value> = guards(&rendering.objects).into_iter().map(bare).collect();
    let wanted = guards(printed);
    assert_eq!(live.len(), wanted.len(), "{place}");
    for (live, wanted) in live.iter().zip(&wanted) {
        assert_eq!(live, wanted, "{place}");
    }
}

#[test]
fn every_case_has_the_guards_that_the_program_prints_for_its_policy() {
    let mut known = HashMap::new();
    let mut sizes = BTreeSet::new();
    for case in cases() {
        let kept_by = certificates(&case.rendering, "bindguard");
        let printed = known
            .entry((case.rendering.policy(), kept_by))
            .or_insert_with(|| printed(&case.rendering));
        same(&case.rendering, printed, &case.name);
        sizes.insert(guards(printed).len());
    }
    assert!(known.len() >= policies().len(), "{}", known.len());
    // Four with their bindings, or three where nobody orders.
    assert_eq!(sizes, [6, 8].into());
    let kept_by: BTreeSet<&str> = known.keys().map(|(_, kept_by)| *kept_by).collect();
    assert_eq!(kept_by.len(), 2, "{kept_by:?}");
}

#[test]
fn they_know_the_release_the_namespace_and_the_name_of_the_webhook_configurations() {
    for (release, namespace, values, name) in [
        ("vmo", "other", json!({}), "vmo-bindguard"),
        ("vmo", "12", json!({"fullnameOverride": "x"}), "x"),
        ("a.b", "kube-system", json!({"nameOverride": "y"}), "a-b-y"),
    ] {
        let rendering = Rendering::in_release(release, namespace, &values);
        let printed = printed_for(&rendering, namespace, name);
        same(&rendering, &printed, name);
        let text = json!(guards(&rendering.objects)).to_string();
        let account = format!("'system:serviceaccount:{namespace}:{name}-controller'");
        assert_eq!(text.matches(&account).count(), 3, "{text}");
        let configuration = format!("object.metadata.name == '{name}'");
        assert_eq!(text.matches(&configuration).count(), 2, "{text}");
    }
}

/// What is rendered for an API like this, said in flags.
fn on(api: &[&str], values: &Value) -> Rendering {
    let text = template(RELEASE, NAMESPACE, values, api).expect_success();
    Rendering {
        objects: documents(&text),
    }
}

#[test]
fn where_the_api_has_none_nobody_orders_and_whoever_takes_orders_has_a_guard() {
    let always = json!({"policy": {"provisioning": {"mode": "Always"}}});
    let guard = "admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy";
    let cluster = ["--api-versions", "v1/Pod"];
    let with = [&cluster[..], &["--api-versions", guard]].concat();
    let old = ["--kube-version", "1.29.9"];
    let old_with = [&old[..], &with].concat();
    let new = ["--kube-version", "1.30.0"];
    let new_without = [&new[..], &cluster].concat();
    for (api, has_guards) in [
        // Helm knows the cluster: what it has is what counts.
        (&with[..], true),
        (&cluster, false),
        (&old_with, true),
        (&new_without, false),
        // Helm knows nothing but a version.
        (&[], true),
        (&new, true),
        (&old, false),
    ] {
        let rendering = on(api, &always);
        let policy: Value = serde_saphyr::from_str(rendering.policy()).unwrap();
        let mode = if has_guards { "Always" } else { "Disabled" };
        assert_eq!(policy["spec"]["provisioning"]["mode"], mode, "{api:?}");
        let patches = rendering.of_kind("MutatingWebhookConfiguration");
        assert_eq!(!patches.is_empty(), has_guards, "{api:?}");
        if has_guards {
            same(&rendering, &printed(&rendering), &format!("{api:?}"));
            rendering.object(POLICY, ORDERS);
            rendering.object(BINDING, ORDERS);
        } else {
            assert_eq!(guards(&rendering.objects), [json!(null); 0], "{api:?}");
        }
        // All else that the policy says stays.
        assert_eq!(policy["spec"]["provisioning"]["maxCompanions"], 50000);
    }
}

#[test]
fn where_nobody_orders_the_controller_is_confined_all_the_same() {
    let disabled = json!({"policy": {"provisioning": {"mode": "Disabled"}}});
    let names: Vec<Value> = guards(&Rendering::of(&disabled).objects)
        .iter()
        .map(|guard| guard["metadata"]["name"].clone())
        .collect();
    let kinds = [
        "companions.bindguard.dev",
        "trust.bindguard.dev",
        "webhooks.bindguard.dev",
    ];
    assert_eq!(names, [kinds, kinds].concat());
}

#[test]
fn helm_finds_out_that_a_cluster_has_none_and_says_so() {
    let plane = ControlPlane::start(&[
        "--runtime-config=admissionregistration.k8s.io/v1/validatingadmissionpolicies=false,\
         admissionregistration.k8s.io/v1/validatingadmissionpolicybindings=false",
        "--disable-admission-plugins=ValidatingAdmissionPolicy",
    ]);
    let namespace = plane.namespace();
    let chart = folder();
    let chart = chart.to_str().unwrap();
    let flags = ["--namespace", &namespace, "--no-hooks"];
    let args = [&["install", RELEASE, chart][..], &flags].concat();
    let told = plane.helm(ADMIN, &args).expect_success();
    let note = "This cluster has no ValidatingAdmissionPolicies, which Kubernetes has since 1.30.";
    assert!(told.contains(note), "{told}");
    let args = [
        "get",
        "configmap",
        "bindguard-policy",
        "--namespace",
        &namespace,
        "--output=jsonpath={.data.policy\\.yaml}",
    ];
    let policy = plane.kubectl(ADMIN, &args).expect_success();
    assert!(policy.contains("mode: Disabled"), "{policy}");
}
