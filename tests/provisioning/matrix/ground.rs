//! The cluster in which the matrix is tried: who there is, and what is there before.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::case::Requester;
use crate::support::{ADMIN, ControlPlane, User};
use crate::world::user;

pub(super) const NAMESPACE: &str = "matrix";
/// Where the bindings are whose orders are copied.
pub(super) const SOURCES: &str = "sources";
pub(super) const EXEMPT: &str = "exempt";
/// Its ServiceAccounts, and a group of this name, are exempt requesters.
const EXCUSED: &str = "excused";
/// Has both companions.
pub(super) const COVERED: &str = "covered-already";
pub(super) const COMPANIONS: [&str; 2] = ["spectro-list-namespaces", "spectro-list-vmtemplates"];

pub(super) const POLICY: &str = "apiVersion: bindguard.dev/v1alpha1
kind: BindingPolicy
spec:
  personas:
  - {name: vm, clusterRoles: [spectro-vm-user]}
  - {name: lenient, clusterRoles: [spectro-vm-viewer], action: Warn}
  provisioning:
    serviceAccounts: [{namespace: ci, name: listed}, {namespace: excused, name: listed}]
    notOrdering: [{kind: Group, name: robots}]
    orderLifetime: 1h
  exempt:
    namespaces: [kube-system, exempt]
    requesters: [{kind: Group, name: excused}, {kind: Group, name: 'system:serviceaccounts:excused'}]
";

/// Makes all of it, for a control plane that has the users of `world.yaml`.
pub(super) fn lay(plane: &ControlPlane) {
    let mut objects: Vec<Value> = [NAMESPACE, SOURCES, EXEMPT, EXCUSED]
        .map(|name| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}))
        .into();
    let account = |namespace: &str, name: &str| json!({"kind": "ServiceAccount", "namespace": namespace, "name": name});
    let named = |kind: &str, name: &str| json!({"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name});
    let mut accounts = Vec::new();
    for name in ["listed", "unlisted"] {
        objects.push(json!({"apiVersion": "v1", "kind": "ServiceAccount",
            "metadata": {"namespace": EXCUSED, "name": name}}));
        accounts.push(account(EXCUSED, name));
    }
    for role in ["writes-persona-bindings", "creates", "binds"] {
        objects.push(bind(&format!("{role}-excused"), None, role, &accounts));
    }
    objects.push(json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
        "metadata": {"name": "binds-viewer"},
        "rules": [{"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["clusterroles"],
            "resourceNames": ["spectro-vm-viewer"], "verbs": ["bind"]}],
    }));
    let mut writers = accounts;
    writers.extend(["listed", "unlisted"].map(|name| account("ci", name)));
    writers.push(named("Group", "writers"));
    objects.push(bind("binds-viewer", None, "binds-viewer", &writers));
    for namespace in [NAMESPACE, EXEMPT] {
        objects.push(bind(
            "nora",
            Some(namespace),
            "everything",
            &[named("User", "nora")],
        ));
    }
    for role in COMPANIONS {
        objects.push(bind(
            &format!("by-hand-{role}"),
            None,
            role,
            &[named("User", COVERED)],
        ));
    }
    let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
    plane.apply(ADMIN, &list.to_string()).expect_success();
}

fn bind(name: &str, namespace: Option<&str>, role: &str, subjects: &[Value]) -> Value {
    let kind = namespace.map_or("ClusterRoleBinding", |_| "RoleBinding");
    let mut object = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind,
        "metadata": {"name": name},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": subjects,
    });
    if let Some(namespace) = namespace {
        object["metadata"]["namespace"] = json!(namespace);
    }
    object
}

/// The name and kubeconfig of a requester, or of one like it whom the policy exempts.
pub(super) fn user_of(
    plane: &ControlPlane,
    requester: Requester,
    is_exempt: bool,
) -> (String, PathBuf) {
    let by_user = |user: User| {
        let user = if is_exempt {
            user.in_group(EXCUSED)
        } else {
            user
        };
        (user.name().to_owned(), plane.kubeconfig(&user))
    };
    let by_account = |name: &str| {
        let namespace = if is_exempt { EXCUSED } else { "ci" };
        let kubeconfig = plane.service_account_kubeconfig(namespace, name);
        (
            format!("system:serviceaccount:{namespace}:{name}"),
            kubeconfig,
        )
    };
    match requester {
        Requester::None => by_user(user("norman", &[])),
        Requester::CreateOnly => by_user(user("carol", &["create"])),
        Requester::BindOnly => by_user(user("bea", &["bind"])),
        Requester::Holds => by_user(user("hugo", &["create", "hold"])),
        Requester::NamespaceAdmin => by_user(User::named("nora")),
        Requester::Robot => by_user(user("rosa", &["create", "bind", "robots"])),
        Requester::UnlistedAccount => by_account("unlisted"),
        Requester::ListedAccount => by_account("listed"),
        Requester::Both => by_user(user("boris", &["create", "bind"])),
        Requester::ClusterAdmin => by_user(User::from(ADMIN)),
    }
}
