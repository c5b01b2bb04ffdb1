//! `bindguard verify` and `bindguard unregister` on a real API server.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::lab::lab;
use crate::objects::{cluster_role_binding, group, role_binding, user};
use crate::stage::create;
use crate::support::{
    ADMIN, ControlPlane, Output, User, clean_command, eventually, fresh_folder, run, unique,
};

pub(crate) fn bindguard(kubeconfig: &Path, args: &[&str]) -> Output {
    bindguard_with(kubeconfig, args, "")
}

/// The same with an input.
pub(crate) fn bindguard_with(kubeconfig: &Path, args: &[&str], input: &str) -> Output {
    let binary = Path::new(env!("CARGO_BIN_EXE_bindguard"));
    let mut command = clean_command(binary, &fresh_folder("command"));
    command.args(args).env("KUBECONFIG", kubeconfig);
    run(format!("bindguard {}", args.join(" ")), command, input)
}

/// `bindguard verify -o json` with a short time limit; its exit code and its answer.
fn verify(plane: &ControlPlane, user: impl Into<User>, args: &[&str]) -> (Output, Value) {
    let args = [&["verify", "--output=json", "--timeout=6s"], args].concat();
    let output = bindguard(&plane.kubeconfig(user), &args);
    let answer = serde_json::from_str(&output.stdout).unwrap_or_default();
    (output, answer)
}

pub(crate) fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

/// A user with these rights on bindings and roles, and no other.
pub(crate) fn with_rights(plane: &ControlPlane, rules: &Value) -> String {
    let name = unique("verifier");
    let role = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name},
        "rules": rules,
    });
    create(
        plane,
        &[role, cluster_role_binding(&name, &name, [user(&name)])],
    );
    name
}

pub(crate) fn rule(group: &str, resource: &str, verb: &str, names: &[&str]) -> Value {
    json!({"apiGroups": [group], "resources": [resource], "verbs": [verb], "resourceNames": names})
}

const RBAC: &str = "rbac.authorization.k8s.io";

#[test]
fn verify_says_whether_bindguard_judges_and_unregister_ends_it() {
    let lab = lab();
    let plane = &lab.plane;
    plane.install_roles();
    let (output, answer) = verify(plane, ADMIN, &[]);
    assert_eq!(code(&output), Some(1), "{output}");
    assert_eq!(answer["saw"], "silence", "{output}");
    let plain = bindguard(&plane.kubeconfig(ADMIN), &["verify", "--timeout", "0s"]);
    assert_eq!(code(&plain), Some(1), "{plain}");
    let hint = "there is no ValidatingWebhookConfiguration \"bindguard\"";
    assert!(plain.stdout.contains(hint), "{plain}");

    let server = lab.bindguard("action: Deny");
    let registration = server.register(plane);
    let (output, answer) = verify(plane, ADMIN, &[]);
    assert_eq!(code(&output), Some(0), "{output}");
    assert_eq!(answer["saw"], "denial", "{output}");
    assert_eq!(answer["role"], "spectro-vm-admin", "{output}");
    assert_eq!(answer["judged"], true, "{output}");

    server.signal("KILL");
    server.wait();
    let (output, answer) = verify(plane, ADMIN, &[]);
    assert_eq!(code(&output), Some(1), "{output}");
    assert_eq!(answer["saw"], "failure", "{output}");
    let reason = answer["message"].to_string();
    assert!(reason.contains("connection refused"), "{output}");
    assert!(output.stderr.contains("asks bindguard in vain"), "{output}");

    unregister(plane);
    let free = eventually(Duration::from_secs(10), || {
        let binding = role_binding("default", &unique("free"), "view", [user("nobody")]);
        lab.create(&binding).succeeded().then_some(())
    });
    assert!(free.is_some());
    drop(registration);
}

/// By somebody who may do just that.
fn unregister(plane: &ControlPlane) {
    let group = "admissionregistration.k8s.io";
    let configurations = [
        "validatingwebhookconfigurations",
        "mutatingwebhookconfigurations",
    ];
    let rules = configurations.map(|resource| rule(group, resource, "delete", &["bindguard"]));
    let remover = plane.kubeconfig(&*with_rights(plane, &json!(rules)));

    let output = bindguard(&remover, &["unregister", "--webhook-configuration=other"]);
    assert_eq!(code(&output), Some(2), "{output}");
    let words = "cannot delete ValidatingWebhookConfiguration \"other\"";
    assert!(output.stderr.contains(words), "{output}");
    assert!(output.stderr.contains("is forbidden"), "{output}");

    let deleted = bindguard(&remover, &["unregister"]).expect_success();
    assert_eq!(
        deleted,
        "ValidatingWebhookConfiguration \"bindguard\" deleted\n\
         MutatingWebhookConfiguration \"bindguard\" deleted\n"
    );
    let again = bindguard(&remover, &["unregister", "-o", "json"]).expect_success();
    let again: Value = serde_json::from_str(&again).unwrap();
    assert_eq!(again["deleted"], json!([]));
    assert_eq!(again["absent"].as_array().unwrap().len(), 2);
}

#[test]
fn verify_sees_a_warning_as_well_as_a_denial() {
    let lab = lab();
    let server = lab.bindguard("action: Warn");
    let _registration = server.register(&lab.plane);
    let (output, answer) = verify(&lab.plane, ADMIN, &["--namespace", "default"]);
    assert_eq!(code(&output), Some(0), "{output}");
    assert_eq!(answer["saw"], "warning", "{output}");
}

#[test]
fn verify_takes_the_persona_that_it_may_bind_and_says_what_right_is_missing() {
    let lab = lab();
    let plane = &lab.plane;
    let server = lab.bindguard("action: Deny");
    let _registration = server.register(plane);

    let create_only = json!([
        {"apiGroups": [RBAC], "resources": ["rolebindings"], "verbs": ["create"]},
        rule(RBAC, "clusterroles", "bind", &["spectro-vm-viewer"]),
    ]);
    let verifier = with_rights(plane, &create_only);
    let (output, answer) = verify(plane, &*verifier, &[]);
    assert_eq!(code(&output), Some(0), "{output}");
    assert_eq!(answer["role"], "spectro-vm-viewer", "{output}");

    let (output, _) = verify(plane, &*unique("nobody"), &[]);
    assert_eq!(code(&output), Some(2), "{output}");
    for words in ["cannot tell", "cannot create resource \"rolebindings\""] {
        assert!(output.stderr.contains(words), "{output}");
    }
    let (output, _) = verify(plane, ADMIN, &["--namespace", "not-there"]);
    assert_eq!(code(&output), Some(2), "{output}");
    let words = "namespaces \"not-there\" not found";
    assert!(output.stderr.contains(words), "{output}");
}

#[test]
fn verify_sees_through_companions_that_everyone_has() {
    let lab = lab();
    let plane = &lab.plane;
    let server = lab.bindguard("action: Deny");
    let _registration = server.register(plane);
    let everyone = ["spectro-list-namespaces", "spectro-list-vmtemplates"]
        .map(|role| cluster_role_binding(&unique("all"), role, [group("system:authenticated")]));
    create(plane, &everyone);
    let (output, answer) = verify(plane, ADMIN, &[]);
    lab.delete(&everyone);
    assert_eq!(code(&output), Some(0), "{output}");
    assert!(
        answer["message"].to_string().contains("system:anonymous"),
        "{output}"
    );
}
