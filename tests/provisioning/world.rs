//! Users, guards and bindings.

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{
    ADMIN, ControlPlane, Output, User, clean_command, eventually, fresh_folder, run, unique,
};

pub(crate) const ORDER: &str = "bindguard.dev/order";
pub(crate) const ORDERED_BY: &str = "bindguard.dev/ordered-by";
pub(crate) const ORDERS: &str = "orders.bindguard.dev";

/// The policy with which most tests work: the built-in one, and some who may or may not order.
pub(crate) const POLICY: &str = "apiVersion: bindguard.dev/v1alpha1
kind: BindingPolicy
spec:
  provisioning:
    serviceAccounts: [{namespace: ci, name: listed}]
    notOrdering: [{kind: User, name: \"it's a robot\"}, {kind: Group, name: robots}]
";

/// A file of this text.
pub(crate) fn policy_file(text: &str) -> PathBuf {
    let file = fresh_folder("policy").join("policy.yaml");
    fs::write(&file, text).expect("a policy can be written");
    file
}

/// A control plane with users and the guards of a policy in force, for tests that leave those alone.
pub(crate) fn guarded() -> &'static ControlPlane {
    static GUARDED: OnceLock<ControlPlane> = OnceLock::new();
    GUARDED.get_or_init(|| {
        let plane = ControlPlane::start(&[]);
        furnish(&plane);
        plane.apply(ADMIN, &guards(POLICY)).expect_success();
        wait_for_guard(&plane);
        plane
    })
}

/// Makes roles and users.
pub(crate) fn furnish(plane: &ControlPlane) {
    plane.install_roles();
    plane
        .apply(ADMIN, include_str!("world.yaml"))
        .expect_success();
}

/// Somebody who writes persona bindings and has these rights besides, by group.
pub(crate) fn user(name: &str, rights: &[&str]) -> User {
    let user = User::named(name).in_group("writers");
    rights
        .iter()
        .fold(user, |user, right| user.in_group(*right))
}

/// Somebody who may make companions by hand.
pub(crate) fn both() -> User {
    user("boris", &["create", "bind"])
}

/// Somebody who may do everything in one namespace, and nothing outside.
pub(crate) fn namespace_admin(plane: &ControlPlane, namespace: &str) -> User {
    let name = format!("nora-{namespace}");
    let args = [
        "create",
        "rolebinding",
        "nora",
        "--clusterrole=everything",
        &format!("--user={name}"),
        "--namespace",
        namespace,
    ];
    plane.kubectl(ADMIN, &args).expect_success();
    User::named(name)
}

pub(crate) fn bindguard(args: &[&str]) -> Output {
    let folder = fresh_folder("command");
    let mut command = clean_command(&PathBuf::from(env!("CARGO_BIN_EXE_bindguard")), &folder);
    command.args(args);
    run(format!("bindguard {}", args.join(" ")), command, "")
}

/// What `bindguard manifests` prints for a policy, without the webhooks: nobody answers them.
pub(crate) fn guards(policy: &str) -> String {
    let file = policy_file(policy).display().to_string();
    let args = [
        "manifests",
        "--service",
        "bindguard/webhook",
        "--policy",
        &file,
    ];
    let printed = bindguard(&args).expect_success();
    let guards: Vec<&str> = printed
        .split("---\n")
        .filter(|document| document.contains("kind: ValidatingAdmissionPolicy"))
        .collect();
    guards.join("---\n")
}

/// Waits until an order by somebody with no right to it is refused.
pub(crate) fn wait_for_guard(plane: &ControlPlane) {
    let probe = ordered(role_binding("default", &unique("probe")), "x", "nobody");
    let refused = eventually(Duration::from_secs(20), || {
        let args = ["create", "--dry-run=server", "--filename", "-"];
        let output = plane.kubectl_stdin(ADMIN, &args, &probe.to_string());
        (!output.succeeded()).then_some(output)
    });
    refused.expect("a guard in force").refusal_by(ORDERS);
}

pub(crate) fn role_binding(namespace: &str, name: &str) -> Value {
    binding(
        "RoleBinding",
        &json!({"namespace": namespace, "name": name}),
    )
}

pub(crate) fn cluster_role_binding(name: &str) -> Value {
    binding("ClusterRoleBinding", &json!({"name": name}))
}

fn binding(kind: &str, metadata: &Value) -> Value {
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": kind,
        "metadata": metadata,
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "spectro-vm-user"
        },
        "subjects": [
            {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "alice"}
        ],
    })
}

/// The object with an order by somebody.
pub(crate) fn ordered(mut object: Value, order: &str, by: &str) -> Value {
    object["metadata"]["annotations"] = json!({ORDER: order, ORDERED_BY: by});
    object
}

impl Output {
    /// What a guard said to a command that it refused, as kubectl printed it.
    #[track_caller]
    pub(crate) fn refusal_by(&self, guard: &str) -> &str {
        assert!(!self.succeeded(), "{self}");
        assert!(
            self.stderr.contains("(Forbidden)") || self.stderr.contains("is forbidden"),
            "{self}"
        );
        let refused =
            format!("ValidatingAdmissionPolicy '{guard}' with binding '{guard}' denied request: ");
        let (_, told) = self
            .stderr
            .split_once(&refused)
            .unwrap_or_else(|| panic!("another refusal: {self}"));
        told.trim_end()
    }
}
