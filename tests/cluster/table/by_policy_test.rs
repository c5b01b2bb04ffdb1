//! The same cases by `bindguard policy test`, which knows no cluster.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::{Call, Case};
use crate::commands::{bindguard, code};
use crate::support::fresh_folder;

/// A case as a file of tests has it; nothing for a deletion, which no policy refuses.
fn written(case: &Case) -> Option<Value> {
    let (previous, binding) = match case.call() {
        Call::Create(object) => (None, object),
        Call::Replace(object) | Call::Label(object) => (case.before.as_ref(), object),
        Call::Delete(_) => return None,
    };
    let is_binding = |object: &&Value| {
        ["RoleBinding", "ClusterRoleBinding"]
            .iter()
            .any(|kind| object["kind"] == *kind)
    };
    let given = case.given.iter().chain(&case.before).filter(is_binding);
    let holdings: Vec<Value> = given.map(|object| json!({"manifest": object})).collect();
    let expected = if case.refused {
        "Deny"
    } else if !case.warned.is_empty() {
        "Warn"
    } else if case.recorded {
        "Audit"
    } else {
        "Allow"
    };
    let mut written = json!({
        "name": case.sentence,
        "manifest": binding,
        "holdings": holdings,
        "expect": expected,
    });
    if let Some(previous) = previous {
        written["previousManifest"] = previous.clone();
    }
    Some(written)
}

/// Every case comes out by `policy test` as it does on the API server. `beside` are bindings that
/// are there in all of them.
pub(super) fn check(policy: Option<&Path>, cases: &[Case], beside: &[Value]) {
    let written: Vec<Value> = cases.iter().filter_map(written).collect();
    let mut document = json!({
        "apiVersion": "bindguard.dev/v1alpha1",
        "kind": "PolicyTest",
        "holdings": beside.iter().map(|one| json!({"manifest": one})).collect::<Vec<_>>(),
        "cases": written,
    });
    if let Some(policy) = policy {
        document["policyFile"] = policy.display().to_string().into();
    }
    let file = fresh_folder("cases").join("cases.yaml");
    fs::write(&file, document.to_string()).expect("our own folder can be written");
    let file = file.display().to_string();
    let output = bindguard(Path::new("/dev/null"), &["policy", "test", &file]);
    assert_eq!(code(&output), Some(0), "{output}");
    assert!(
        written.len() * 2 > cases.len(),
        "most cases are bindings that are written"
    );
}
