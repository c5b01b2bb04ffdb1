//! Tests of the harness itself: a test that passes because the cluster is not real proves nothing.

#![allow(clippy::expect_used, reason = "a panic is how a test fails")]

use std::fs;
use std::time::Duration;

use serde_json::Value;

use super::support::{ADMIN, ControlPlane, User, eventually, unique};

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("kubectl prints JSON")
}

#[test]
fn an_ordinary_user_is_refused_by_rbac() {
    let control_plane = ControlPlane::shared();
    let namespace = control_plane.namespace();
    let args = ["get", "pods", "--namespace", &namespace];

    control_plane.kubectl(ADMIN, &args).expect_success();
    let refusal = control_plane.kubectl("alice", &args).expect_failure();
    assert!(
        refusal.contains(r#"User "alice" cannot list resource "pods""#),
        "{refusal}"
    );
}

#[test]
fn a_user_has_exactly_the_name_and_groups_given() {
    let groups = ["team a", "équipe-b", "oidc:c", "system:masters-not"];
    let long = "x".repeat(300);
    for name in [
        "alice@example.com",
        "Zoë \"Z\" O'Neil",
        "line\nbreak",
        &long,
    ] {
        let user = groups
            .iter()
            .fold(User::named(name), |user, group| user.in_group(*group));
        let args = ["auth", "whoami", "--output", "json"];
        let review = json(
            &ControlPlane::shared()
                .kubectl(&user, &args)
                .expect_success(),
        );
        let seen = &review["status"]["userInfo"];

        assert_eq!(seen["username"], name);
        let mut expected = groups.to_vec();
        expected.push("system:authenticated");
        assert_eq!(seen["groups"], Value::from(expected));
    }
}

#[test]
fn a_service_account_acts_by_its_own_kubeconfig() {
    let control_plane = ControlPlane::shared();
    let namespace = control_plane.namespace();
    let args = [
        "create",
        "serviceaccount",
        "robot",
        "--namespace",
        &namespace,
    ];
    control_plane.kubectl(ADMIN, &args).expect_success();

    let kubeconfig = control_plane.service_account_kubeconfig(&namespace, "robot");
    let output =
        control_plane.kubectl_with(&kubeconfig, &["auth", "whoami", "--output", "json"], "");
    let name = format!("system:serviceaccount:{namespace}:robot");
    assert_eq!(
        json(&output.expect_success())["status"]["userInfo"]["username"],
        name
    );
}

#[test]
fn the_roles_that_palette_brings_are_installed() {
    let control_plane = ControlPlane::shared().install_roles();
    for role in [
        "spectro-vm-user",
        "spectro-list-namespaces",
        "spectro-list-vmtemplates",
    ] {
        control_plane
            .kubectl(ADMIN, &["get", "clusterrole", role])
            .expect_success();
    }
}

#[test]
fn the_versions_are_the_pinned_ones() {
    if std::env::var_os("KUBEBUILDER_ASSETS").is_some() {
        return;
    }
    let control_plane = ControlPlane::shared();
    let module = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/control-plane/go.mod");
    let module = fs::read_to_string(module).expect("the module that pins the control plane");
    let pinned = |path: &str| {
        let line = module
            .lines()
            .find_map(|line| line.trim().strip_prefix(path)?.strip_prefix(" v"));
        let version = line.and_then(|rest| rest.split(' ').next());
        format!(
            "v{}",
            version.unwrap_or_else(|| panic!("go.mod requires {path}"))
        )
    };

    let versions = control_plane
        .kubectl(ADMIN, &["version", "--output", "json"])
        .expect_success();
    let versions = json(&versions);
    assert_eq!(
        versions["clientVersion"]["gitVersion"],
        pinned("k8s.io/kubernetes")
    );
    assert_eq!(
        versions["serverVersion"]["gitVersion"],
        pinned("k8s.io/kubernetes")
    );

    let helm = control_plane
        .helm(ADMIN, &["version", "--template", "{{.Version}}"])
        .expect_success();
    assert_eq!(helm, pinned("helm.sh/helm/v4"));
}

#[test]
fn with_a_controller_manager_deleted_namespaces_go() {
    let control_plane = ControlPlane::shared().with_controller_manager();
    let namespace = control_plane.namespace();
    let args = ["delete", "namespace", &namespace, "--timeout=30s"];
    control_plane.kubectl(ADMIN, &args).expect_success();
}

#[test]
fn a_stopped_api_server_comes_back_with_its_data() {
    let control_plane = ControlPlane::start(&["--profiling=false"]);
    let namespace = control_plane.namespace();

    control_plane.stop_api_server();
    control_plane
        .kubectl(ADMIN, &["get", "namespace", &namespace])
        .expect_failure();

    control_plane.start_api_server();
    control_plane
        .kubectl(ADMIN, &["get", "namespace", &namespace])
        .expect_success();
}

#[test]
fn names_are_unique() {
    assert_ne!(unique("a"), unique("a"));
}

#[test]
fn waiting_is_bounded() {
    assert_eq!(eventually(Duration::from_millis(1), || None::<()>), None);
}
