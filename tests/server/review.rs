//! Reviews, as prose.

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

const RBAC: &str = "rbac.authorization.k8s.io";

pub(crate) fn user(name: &str) -> Value {
    json!({"apiGroup": RBAC, "kind": "User", "name": name})
}

pub(crate) fn group(name: &str) -> Value {
    json!({"apiGroup": RBAC, "kind": "Group", "name": name})
}

pub(crate) fn service_account(namespace: &str, name: &str) -> Value {
    json!({"kind": "ServiceAccount", "namespace": namespace, "name": name})
}

/// A RoleBinding in the namespace `dev`.
pub(crate) fn role_binding(role: &str, subjects: &[Value]) -> Value {
    json!({
        "apiVersion": format!("{RBAC}/v1"),
        "kind": "RoleBinding",
        "metadata": {"name": "vm-users", "namespace": "dev"},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": role},
        "subjects": subjects,
    })
}

pub(crate) fn cluster_role_binding(role: &str, subjects: &[Value]) -> Value {
    json!({
        "apiVersion": format!("{RBAC}/v1"),
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "vm-users"},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": role},
        "subjects": subjects,
    })
}

/// A whole `AdmissionReview`, by the user `bob`.
pub(crate) fn create(object: &Value) -> Value {
    review("CREATE", object, &Value::Null)
}

pub(crate) fn update(old: &Value, new: &Value) -> Value {
    review("UPDATE", new, old)
}

pub(crate) fn delete(object: &Value) -> Value {
    review("DELETE", &Value::Null, object)
}

/// The same as a dry run.
pub(crate) fn dry_run(mut review: Value) -> Value {
    review["request"]["dryRun"] = true.into();
    review
}

fn review(operation: &str, object: &Value, old_object: &Value) -> Value {
    static UID: AtomicU32 = AtomicU32::new(1);
    let uid = UID.fetch_add(1, Ordering::Relaxed);
    let known = if object.is_null() { old_object } else { object };
    let kind = known["kind"].as_str().unwrap();
    let mut review = json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": format!("00000000-0000-4000-8000-{uid:012}"),
            "kind": {"group": RBAC, "version": "v1", "kind": kind},
            "resource": {"group": RBAC, "version": "v1", "resource": format!("{}s", kind.to_lowercase())},
            "name": known["metadata"]["name"],
            "operation": operation,
            "userInfo": {"username": "bob", "groups": ["system:authenticated"]},
            "object": object,
            "oldObject": old_object,
            "dryRun": false,
        },
    });
    if let Some(namespace) = known["metadata"].get("namespace") {
        review["request"]["namespace"] = namespace.clone();
    }
    review
}
