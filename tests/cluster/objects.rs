//! Subjects and bindings, as tests write them and kubectl takes them.

use serde_json::{Value, json};

/// The first companion of the built-in policy.
pub(crate) const NAMESPACES: &str = "spectro-list-namespaces";
/// The second companion of the built-in policy.
pub(crate) const TEMPLATES: &str = "spectro-list-vmtemplates";
/// Both, as messages list them.
pub(crate) const BOTH: &str = "spectro-list-namespaces, spectro-list-vmtemplates";

const RBAC: &str = "rbac.authorization.k8s.io";

pub(crate) fn user(name: &str) -> Value {
    json!({"apiGroup": RBAC, "kind": "User", "name": name})
}

pub(crate) fn group(name: &str) -> Value {
    json!({"apiGroup": RBAC, "kind": "Group", "name": name})
}

pub(crate) fn account(namespace: &str, name: &str) -> Value {
    json!({"kind": "ServiceAccount", "namespace": namespace, "name": name})
}

/// A ServiceAccount of the namespace of the binding that it stands in.
pub(crate) fn account_here(name: &str) -> Value {
    json!({"kind": "ServiceAccount", "name": name})
}

/// A RoleBinding to a ClusterRole.
pub(crate) fn role_binding(
    namespace: &str,
    name: &str,
    role: &str,
    subjects: impl Into<Vec<Value>>,
) -> Value {
    json!({
        "apiVersion": format!("{RBAC}/v1"),
        "kind": "RoleBinding",
        "metadata": {"namespace": namespace, "name": name},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": role},
        "subjects": subjects.into(),
    })
}

pub(crate) fn cluster_role_binding(
    name: &str,
    role: &str,
    subjects: impl Into<Vec<Value>>,
) -> Value {
    json!({
        "apiVersion": format!("{RBAC}/v1"),
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": role},
        "subjects": subjects.into(),
    })
}

/// Bindings of both companions to one subject.
pub(crate) fn companions(name: &str, subject: &Value) -> [Value; 2] {
    [NAMESPACES, TEMPLATES].map(|companion| {
        cluster_role_binding(&format!("{name}-{companion}"), companion, [subject.clone()])
    })
}

pub(crate) fn namespace(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
}

/// One file with all these objects, in this order.
pub(crate) fn file(objects: &[Value]) -> String {
    json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string()
}
