//! Kubernetes says no, and calls are answered as ever.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use crate::denials::{calls, denials, entries, watch};
use crate::kubelet::inside;
use crate::support::{ADMIN, Bindguard, ControlPlane, Serve, User, eventually, unique};

const LIMIT: Duration = Duration::from_secs(40);
const HOME: &str = "guard-home";
const HISTORY: &str = "bindguard-history";
const RBAC: &str = "rbac.authorization.k8s.io";

#[test]
fn without_rights_namespace_or_object_calls_are_refused_as_ever_and_the_history_comes_later() {
    inside();
    let plane = ControlPlane::shared();
    plane.install_roles();
    let guard = User::named("guard");
    rights(
        plane,
        "guard-reads",
        &json!([
            {"apiGroups": [RBAC], "resources": ["clusterrolebindings", "rolebindings"], "verbs": ["list", "watch"]},
        ]),
    );
    let bindguard = serve(plane, &guard).start();
    let _registration = bindguard.register(plane);
    let namespace = plane.namespace();

    // No namespace, and no right to anything in it.
    refuse(plane, &namespace, 3);
    counts(&bindguard, "history_writes_total{result=\"forbidden\"}");
    counts(&bindguard, "events_total{result=\"forbidden\"}");
    // The right, and nothing to write into.
    rights(
        plane,
        "guard-writes",
        &json!([
            {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": [HISTORY], "verbs": ["get", "update"]},
            {"apiGroups": ["events.k8s.io"], "resources": ["events"], "verbs": ["create", "patch"]},
        ]),
    );
    counts(&bindguard, "history_writes_total{result=\"absent\"}");
    refuse(plane, &namespace, 2);
    let log = bindguard.stderr();
    let told = |what: &str| log.matches(what).count();
    assert_eq!(told("is not written to the ConfigMap"), 2, "{log}");
    assert_eq!(told("bindguard may not get and update it"), 1, "{log}");
    assert_eq!(told("there is none"), 1, "{log}");
    assert_eq!(
        told("an Event about a denial could not be written"),
        1,
        "{log}"
    );

    // At last: nothing is lost.
    let kubectl = |args: &[&str]| plane.kubectl(ADMIN, args).expect_success();
    kubectl(&["create", "namespace", HOME]);
    kubectl(&["create", "configmap", HISTORY, "--namespace", HOME]);
    let known = || {
        calls(&entries(denials(
            plane,
            ADMIN,
            &["--bindguard-namespace", HOME],
        )))
    };
    wait("all five are in the history", &bindguard, || {
        (known() == 5).then_some(())
    });
    assert_eq!(bindguard.stderr().matches("is written again").count(), 1);

    // Whoever watches sees what is there, and then what comes.
    let watch = watch(plane, &["--bindguard-namespace", HOME]);
    let lines = || -> Vec<Value> {
        let stdout = watch.stdout();
        let whole = stdout.rfind('\n').map_or("", |end| &stdout[..end]);
        let lines = whole.lines().map(serde_json::from_str);
        lines.map(|line| line.expect("a line is JSON")).collect()
    };
    wait("what is there is printed", &bindguard, || {
        (lines().len() == 5).then_some(())
    });

    // Garbage costs nothing that is good.
    let patch = "--patch={\"data\": {\"mine\": \"x\"}}";
    let patch = ["patch", "configmap", HISTORY, "--type=merge", patch];
    kubectl(&[&patch[..], &["--namespace", HOME]].concat());
    refuse(plane, &namespace, 1);
    counts(&bindguard, "history_garbage_total");
    assert_eq!(known(), 6);
    wait("what came is printed", &bindguard, || {
        (lines().len() == 6).then_some(())
    });
    let seen: BTreeSet<String> = lines()
        .iter()
        .map(|line| line["missing"].to_string())
        .collect();
    assert_eq!(seen.len(), 6, "each is printed once: {seen:?}");
    let stderr = watch.stderr();
    let mut told = stderr.lines();
    // It may have looked while the garbage was there.
    assert!(
        told.all(|line| line.starts_with("skipped what is no denial")),
        "{stderr}"
    );
    drop(watch);
    event(plane, &bindguard, &namespace, "RoleBinding");
    let create = [
        "create",
        "clusterrolebinding",
        "refused",
        "--clusterrole=spectro-vm-user",
    ];
    let told = plane.kubectl(ADMIN, &[&create[..], &["--user=nobody"]].concat());
    assert!(told.expect_failure().contains("denied the request"));
    event(plane, &bindguard, "default", "ClusterRoleBinding");

    // What was refused at the last moment is there when the process is gone.
    refuse(plane, &namespace, 1);
    bindguard.terminate();
    assert!(bindguard.wait().success());
    assert_eq!(known(), 8);
}

/// Waits for an Event about a binding of this kind, with all that people and programs look at.
#[track_caller]
fn event(plane: &ControlPlane, bindguard: &Bindguard, namespace: &str, kind: &str) {
    let field = "--field-selector=reportingController=bindguard.dev/serve";
    let get = [
        "get",
        "events.events.k8s.io",
        "--output=json",
        field,
        "--namespace",
        namespace,
    ];
    let event = wait(&format!("an Event in {namespace}"), bindguard, || {
        let events = plane.kubectl(ADMIN, &get).expect_success();
        let events: Value = serde_json::from_str(&events).ok()?;
        events["items"].as_array()?.first().cloned()
    });
    assert_eq!(event["regarding"]["kind"], kind, "{event}");
    assert_eq!(event["regarding"]["name"], "refused", "{event}");
    assert_eq!(event["reason"], "BindingRefused", "{event}");
    assert_eq!(event["type"], "Warning", "{event}");
    let note = event["note"].as_str().unwrap();
    assert!(
        note.starts_with(&format!("admin was refused: {kind} ")),
        "{event}"
    );
}

/// A replica that looks for its history where there is nothing yet, and does not wait for
/// companions or linger.
fn serve(plane: &ControlPlane, guard: &User) -> Serve {
    let binary = env!("CARGO_BIN_EXE_bindguard");
    let args = ["--bindguard-namespace", HOME, "--settle=0s", "--linger=0s"];
    Serve::new(binary)
        .kubeconfig(plane.kubeconfig(guard.clone()))
        .args(&args)
}

/// Gives the replica these rights everywhere.
fn rights(plane: &ControlPlane, name: &str, rules: &Value) {
    let objects = [
        json!({
            "apiVersion": format!("{RBAC}/v1"), "kind": "ClusterRole",
            "metadata": {"name": name}, "rules": rules,
        }),
        json!({
            "apiVersion": format!("{RBAC}/v1"), "kind": "ClusterRoleBinding",
            "metadata": {"name": name},
            "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": name},
            "subjects": [{"apiGroup": RBAC, "kind": "User", "name": "guard"}],
        }),
    ];
    for object in objects {
        plane.apply(ADMIN, &object.to_string()).expect_success();
    }
}

/// So many calls, each of which is refused by the rule.
#[track_caller]
fn refuse(plane: &ControlPlane, namespace: &str, number: usize) {
    for _ in 0..number {
        let user = format!("--user={}", unique("nobody"));
        let create = [
            "create",
            "rolebinding",
            "refused",
            "--clusterrole=spectro-vm-user",
        ];
        let output = plane.kubectl(
            ADMIN,
            &[&create[..], &[&user, "--namespace", namespace]].concat(),
        );
        let told = output.expect_failure();
        assert!(told.contains("denied the request"), "{told}");
    }
}

/// Waits until this metric has counted something.
#[track_caller]
fn counts(bindguard: &Bindguard, metric: &str) {
    wait(metric, bindguard, || {
        let (_, text) = bindguard.admin("/metrics").ok()?;
        let name = format!("bindguard_{metric} ");
        let value = text.lines().find_map(|line| line.strip_prefix(&name))?;
        (value != "0").then_some(())
    });
}

#[track_caller]
fn wait<T>(what: &str, bindguard: &Bindguard, attempt: impl FnMut() -> Option<T>) -> T {
    eventually(LIMIT, attempt)
        .unwrap_or_else(|| panic!("{what}: not within {LIMIT:?}\n{}", bindguard.stderr()))
}
