//! What a real API server says of every object of the matrix.

use std::collections::BTreeSet;
use std::sync::Once;

use serde_json::{Value, json};

use crate::chart::{NAMESPACE, at};
use crate::kept;
use crate::matrix::cases;
use crate::support::{ADMIN, ControlPlane, Output};

/// Without these the API server knows nothing of the objects of other projects.
const DEFINITIONS: &str = "tests/chart/definitions.yaml";

/// A control plane with the namespace at the restricted level, and what Pods refer to.
pub(crate) fn plane() -> &'static ControlPlane {
    static READY: Once = Once::new();
    let plane = ControlPlane::shared();
    READY.call_once(|| {
        let levels = ["enforce", "warn", "audit"];
        let labels = levels.map(|mode| (format!("pod-security.kubernetes.io/{mode}"), json!("restricted")));
        let labels: Value = labels.into_iter().collect::<serde_json::Map<_, _>>().into();
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}});
        plane.apply(ADMIN, &namespace.to_string()).expect_success();
        plane.apply(ADMIN, &kept::read(DEFINITIONS)).expect_success();
        for name in ["certificates.cert-manager.io", "issuers.cert-manager.io", "podmonitors.monitoring.coreos.com", "prometheusrules.monitoring.coreos.com"] {
            let crd = format!("crd/{name}");
            plane.kubectl(ADMIN, &["wait", "--for=condition=Established", "--timeout=30s", &crd]).expect_success();
        }
        for name in ["bindguard", "bindguard-controller", "bindguard-verify", "bindguard-unregister"] {
            plane.kubectl(ADMIN, &["create", "serviceaccount", name, "--namespace", NAMESPACE]).expect_success();
        }
    });
    plane
}

/// Creates objects without storing them.
pub(crate) fn dry_run(objects: &BTreeSet<String>) -> Output {
    let objects: Vec<Value> = objects
        .iter()
        .map(|text| serde_json::from_str(text).unwrap())
        .collect();
    let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
    let args = [
        "create",
        "--dry-run=server",
        "--validate=strict",
        "--filename",
        "-",
    ];
    plane().kubectl_stdin(ADMIN, &args, &list.to_string())
}

/// Every object that any case renders, each once. Accounts are there already.
fn objects(on_host: bool) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for case in cases() {
        for object in &case.rendering.objects {
            let is_on_host = object.pointer("/spec/template/spec/hostNetwork").is_some();
            if object["kind"] != "ServiceAccount" && is_on_host == on_host {
                all.insert(object.to_string());
            }
        }
    }
    all
}

#[test]
fn every_object_is_accepted_without_a_warning() {
    let all = objects(false);
    assert!(all.len() > 150, "{}", all.len());
    let output = dry_run(&all);
    assert_eq!(output.stderr, "");
    assert_eq!(output.clone().expect_success().lines().count(), all.len());
}

#[test]
fn pods_on_the_network_of_their_node_are_warned_of_for_that_alone() {
    let all = objects(true);
    assert!(!all.is_empty());
    let output = dry_run(&all);
    for warning in output.stderr.lines() {
        assert_eq!(
            warning,
            r#"Warning: would violate PodSecurity "restricted:latest": host namespaces (hostNetwork=true)"#
        );
    }
    assert!(output.stderr.contains("Warning"), "{output}");
    assert_eq!(output.expect_success().lines().count(), all.len());
}

/// The Pods that Deployments and Jobs would make.
fn pods(on_host: bool) -> BTreeSet<String> {
    let mut pods = BTreeSet::new();
    for text in objects(on_host) {
        let workload: Value = serde_json::from_str(&text).unwrap();
        if let Some(template) = workload.pointer("/spec/template") {
            let mut pod = template.clone();
            pod["apiVersion"] = "v1".into();
            pod["kind"] = "Pod".into();
            pod["metadata"]["name"] = at(&workload, "/metadata/name").clone();
            pod["metadata"]["namespace"] = NAMESPACE.into();
            pods.insert(pod.to_string());
        }
    }
    pods
}

#[test]
fn the_pods_themselves_are_admitted_at_the_restricted_level() {
    let pods = pods(false);
    assert!(pods.len() > 10, "{}", pods.len());
    let output = dry_run(&pods);
    assert_eq!(output.stderr, "");
    assert_eq!(output.expect_success().lines().count(), pods.len());
}

#[test]
fn pods_on_the_network_of_their_node_are_not_which_shows_that_the_level_is_in_force() {
    let told = dry_run(&pods(true)).expect_failure();
    assert!(
        told.contains(r#"violates PodSecurity "restricted:latest""#),
        "{told}"
    );
}

#[test]
fn an_object_with_an_unknown_field_is_refused_which_shows_that_fields_are_looked_at() {
    let mut deployment = cases()[0]
        .rendering
        .object("Deployment", "bindguard")
        .clone();
    deployment["spec"]["template"]["spec"]["tolerationz"] = json!([]);
    let told = dry_run(&[deployment.to_string()].into()).expect_failure();
    assert!(told.contains(r#"unknown field "tolerationz""#), "{told}");

    let managed = cases()
        .iter()
        .find(|case| case.name.starts_with("cert-manager"))
        .unwrap();
    let mut certificate = managed.rendering.object("Certificate", "bindguard").clone();
    certificate["spec"]["renewbefore"] = "1h".into();
    let told = dry_run(&[certificate.to_string()].into()).expect_failure();
    assert!(told.contains(r#"unknown field "renewbefore""#), "{told}");
}
