//! Users, bindings and what kubectl says of them.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::{ADMIN, ControlPlane, Output, Serve, User};

pub(crate) const NAMESPACES: &str = "spectro-list-namespaces";
pub(crate) const TEMPLATES: &str = "spectro-list-vmtemplates";

/// Somebody who may do everything, and is not in `system:masters`.
pub(crate) fn platform() -> User {
    User::named("olga").in_group("platform")
}

/// Makes roles and users.
pub(crate) fn furnish(plane: &ControlPlane) {
    plane.install_roles();
    plane
        .apply(ADMIN, include_str!("world.yaml"))
        .expect_success();
}

/// bindguard as the account that the chart makes for it.
pub(crate) fn serve(plane: &ControlPlane) -> Serve {
    serve_as(plane.accounts().serve.clone())
}

pub(crate) fn serve_as(kubeconfig: PathBuf) -> Serve {
    Serve::new(env!("CARGO_BIN_EXE_bindguard")).kubeconfig(kubeconfig)
}

fn subject(text: &str) -> Value {
    match text.split_once(' ') {
        Some(("ServiceAccount", name)) => {
            let (namespace, name) = name.split_once('/').expect("NAMESPACE/NAME");
            json!({"kind": "ServiceAccount", "namespace": namespace, "name": name})
        }
        Some((kind, name)) => {
            json!({"kind": kind, "apiGroup": "rbac.authorization.k8s.io", "name": name})
        }
        None => json!({"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": text}),
    }
}

pub(crate) fn subjects(texts: &[&str]) -> Value {
    texts.iter().map(|text| subject(text)).collect()
}

fn binding(kind: &str, metadata: &Value, role: &str, texts: &[&str]) -> Value {
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": kind,
        "metadata": metadata,
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role
        },
        "subjects": subjects(texts),
    })
}

pub(crate) fn role_binding(namespace: &str, name: &str, role: &str, subjects: &[&str]) -> Value {
    let metadata = json!({"namespace": namespace, "name": name});
    binding("RoleBinding", &metadata, role, subjects)
}

pub(crate) fn cluster_role_binding(name: &str, role: &str, subjects: &[&str]) -> Value {
    binding("ClusterRoleBinding", &json!({"name": name}), role, subjects)
}

/// Both companions for these subjects: `NAME-namespaces` and `NAME-templates`, labelled `of=NAME`.
pub(crate) fn both(name: &str, subjects: &[&str]) -> Vec<Value> {
    [("namespaces", NAMESPACES), ("templates", TEMPLATES)]
        .map(|(suffix, role)| {
            let mut binding = cluster_role_binding(&format!("{name}-{suffix}"), role, subjects);
            binding["metadata"]["labels"] = json!({"of": name});
            binding
        })
        .into()
}

/// Creates objects, in their order.
pub(crate) fn create(plane: &ControlPlane, objects: &[Value]) {
    let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
    plane
        .kubectl_stdin(ADMIN, &["create", "--filename", "-"], &list.to_string())
        .expect_success();
}

impl Output {
    /// The warnings that kubectl printed, of a command that succeeded.
    #[track_caller]
    pub(crate) fn warnings(&self) -> Vec<&str> {
        assert!(self.succeeded(), "{self}");
        self.stderr
            .lines()
            .filter_map(|line| line.strip_prefix("Warning: "))
            // kubectl's own, about objects without a namespace.
            .filter(|warning| !warning.starts_with("deleting cluster-scoped"))
            .collect()
    }

    /// What a webhook said to a command that it refused.
    #[track_caller]
    pub(crate) fn refusal(&self) -> &str {
        assert!(!self.succeeded(), "{self}");
        let denied = "admission webhook \"removal.bindguard.dev\" denied the request: ";
        let (_, refusal) = self
            .stderr
            .split_once(denied)
            .unwrap_or_else(|| panic!("another refusal: {self}"));
        refusal
    }
}
