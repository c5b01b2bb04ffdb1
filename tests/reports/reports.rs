//! Reports, as they come and go with what is wrong.

use std::thread::sleep;
use std::time::Duration;

use serde_json::{Value, json};

use crate::definitions;
use crate::support::ADMIN;
use crate::world::{World, binding};

const ABSENT: &str = r#"bindguard_report_writes_total{result="absent"}"#;
const FORBIDDEN: &str = r#"bindguard_report_writes_total{result="forbidden"}"#;
const IN_THE_WAY: &str = r#"bindguard_report_writes_total{result="in_the_way"}"#;
const OK: &str = r#"bindguard_report_writes_total{result="ok"}"#;
/// Longer than changes are gathered and written.
const A_WHILE: Duration = Duration::from_secs(6);

fn companions(user: &str) -> [Value; 2] {
    ["spectro-list-namespaces", "spectro-list-vmtemplates"]
        .map(|role| binding(None, &format!("{role}-{user}"), role, &[user]))
}

#[test]
fn reports_come_and_go_with_what_is_wrong_and_nothing_else_changes_them() {
    let mut world = World::new();
    let plane = &world.plane;
    plane
        .kubectl(ADMIN, &["create", "namespace", "red"])
        .expect_success();
    world.create(&binding(
        Some("red"),
        "vm",
        "spectro-vm-user",
        &["alice", "bob"],
    ));
    world.create(&binding(None, "viewers", "view", &["carol"]));

    // OpenReports is not installed: that is said, and harms nothing.
    world.wait(|world| (world.metric(ABSENT)? > 0).then_some(()));
    let said = |log: &str| log.matches("OpenReports is not installed").count();
    world.wait(|world| (said(&world.log()) == 1).then_some(()));
    assert_eq!(world.metric("bindguard_reports"), Some(-1));
    definitions::install(&world.plane);

    let (vm, viewers) = (
        world.get(&["rolebinding", "vm", "--namespace=red"]),
        world.get(&["clusterrolebinding", "viewers"]),
    );
    let report = world.wait_for_report(&vm, 2);
    world.wait_for_report(&viewers, 1);
    assert_eq!(said(&world.log()), 1, "it is said once");
    is_about(&report, &vm);
    shown(&world);

    // Nothing that changes nothing about it writes it: neither other bindings nor another controller.
    let before = versions(&world);
    let written = world.metric(OK);
    let label = ["label", "rolebinding", "vm", "--namespace=red", "a=b"];
    world.plane.kubectl(ADMIN, &label).expect_success();
    let [namespaces, templates] = companions("dave");
    let whole = binding(Some("red"), "whole", "spectro-vm-user", &["dave"]);
    world.create(&json!({
        "apiVersion": "v1", "kind": "List", "items": [namespaces, templates, whole],
    }));
    sleep(A_WHILE);
    assert_eq!(versions(&world), before);
    assert_eq!(world.metric(OK), written);
    world.replace_controller();
    world.wait(|world| (world.metric("bindguard_reports")? == 2).then_some(()));
    assert_eq!(world.metric(OK), Some(0));
    assert_eq!(versions(&world), before);

    // What is mended goes, and what is partly mended changes.
    for object in companions("bob") {
        world.create(&object);
    }
    let report = world.wait_for_report(&vm, 1);
    assert_eq!(report["results"][0]["properties"]["subject"], "User alice");
    for object in companions("alice") {
        world.create(&object);
    }
    world.wait_for_none(&vm);
    let delete = ["delete", "clusterrolebinding", "viewers"];
    world.plane.kubectl(ADMIN, &delete).expect_success();
    world.wait_for_none(&viewers);
    world.wait(|world| (world.metric("bindguard_reports")? == 0).then_some(()));

    somebody_else_s(&world);
    without_rights(&world);
}

/// Whether a report has all by which others find its binding.
fn is_about(report: &Value, binding: &Value) {
    let (own, its) = (&report["metadata"], &binding["metadata"]);
    assert_eq!(own["name"], its["uid"]);
    assert_eq!(own["namespace"], its["namespace"]);
    assert_eq!(
        own["labels"],
        json!({"app.kubernetes.io/managed-by": "bindguard"})
    );
    let owner = json!([{
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": binding["kind"], "name": its["name"],
        "uid": its["uid"],
    }]);
    assert_eq!(own["ownerReferences"], owner);
    let expected = json!({"pass": 0, "fail": 2, "warn": 0, "error": 0, "skip": 0});
    assert_eq!(report["summary"], expected);
    assert_eq!(report["source"], "bindguard");
    let results = report["results"].as_array().unwrap();
    assert_eq!(results.len(), 2);
    for (result, user) in results.iter().zip(["alice", "bob"]) {
        let message = format!(
            "User {user} lacks spectro-list-namespaces, spectro-list-vmtemplates, without which the VM console does not \
             work: spectro-vm-user by RoleBinding red/vm"
        );
        assert_eq!(result["message"], message);
        assert_eq!(
            (&result["policy"], &result["rule"]),
            (&json!("vmo"), &json!("missingCompanions"))
        );
        assert!(result["timestamp"]["seconds"].as_i64().unwrap() > 1_700_000_000);
    }
}

/// Whether people see it.
fn shown(world: &World) {
    let told = world
        .plane
        .kubectl(ADMIN, &["get", "reports", "--namespace=red"]);
    let told = told.expect_success();
    let lines: Vec<Vec<&str>> = told
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(
        lines[0],
        ["NAME", "PASS", "FAIL", "WARN", "ERROR", "SKIP", "AGE"]
    );
    assert_eq!(lines[1][1..6], ["0", "2", "0", "0", "0"]);
    let wide = ["get", "clusterreports", "--output=wide"];
    let told = world.plane.kubectl(ADMIN, &wide).expect_success();
    assert!(
        told.contains("ClusterRoleBinding") && told.contains("viewers"),
        "{told}"
    );
}

fn versions(world: &World) -> Vec<Value> {
    let reports = world.reports().into_iter();
    reports
        .map(|mut report| report["metadata"]["resourceVersion"].take())
        .collect()
}

/// Other tools name their reports by uids as well.
fn somebody_else_s(world: &World) {
    world.create(&binding(
        Some("red"),
        "shared",
        "spectro-vm-user",
        &["alice"],
    ));
    let shared = world.get(&["rolebinding", "shared", "--namespace=red"]);
    let uid = shared["metadata"]["uid"].as_str().unwrap();
    world.create(&json!({
        "apiVersion": "openreports.io/v1alpha1", "kind": "Report",
        "metadata": {"name": uid, "namespace": "red", "labels": {"app.kubernetes.io/managed-by": "kyverno"}},
        "summary": {"pass": 3},
        "results": [{"policy": "other", "result": "pass"}],
    }));
    let before = world.get(&["reports", uid, "--namespace=red"]);
    world.create(&binding(
        Some("red"),
        "beside",
        "spectro-vm-user",
        &["erin"],
    ));
    let beside = world.get(&["rolebinding", "beside", "--namespace=red"]);
    let add = json!([{"op": "add", "path": "/subjects/-", "value": binding(None, "x", "x", &["erin"])["subjects"][0]}]);
    let patch = format!("--patch={add}");
    let args = [
        "patch",
        "rolebinding",
        "shared",
        "--namespace=red",
        "--type=json",
        &patch,
    ];
    world.plane.kubectl(ADMIN, &args).expect_success();

    world.wait(|world| (world.metric(IN_THE_WAY)? > 0).then_some(()));
    world.wait_for_report(&beside, 1);
    assert_eq!(world.get(&["reports", uid, "--namespace=red"]), before);
    let said = world
        .log()
        .matches("a report that somebody else made")
        .count();
    assert_eq!(said, 1, "{}", world.log());
}

/// Kubernetes says no: it is told once, and all else goes on.
fn without_rights(world: &World) {
    let name = "bindguard-controller";
    let mut role = world.get(&["clusterrole", name]);
    let rules = role["rules"].as_array_mut().unwrap();
    rules.retain(|rule| rule["apiGroups"] != json!(["openreports.io"]));
    let replace = ["replace", "--filename", "-"];
    let replaced = world
        .plane
        .kubectl_stdin(ADMIN, &replace, &role.to_string());
    replaced.expect_success();
    world.create(&binding(
        Some("red"),
        "refused",
        "spectro-vm-user",
        &["frank"],
    ));
    let refused = world.get(&["rolebinding", "refused", "--namespace=red"]);
    // More than one attempt.
    world.wait(|world| (world.metric(FORBIDDEN)? > 1).then_some(()));
    let said = world
        .log()
        .matches("reports of findings cannot be written")
        .count();
    assert_eq!(said, 1, "{}", world.log());
    let findings = r#"bindguard_findings{reason="missing_companions"}"#;
    assert_eq!(world.metric(findings), Some(3));
    assert!(world.controller.leads());
    world.accounts.restore(&world.plane);
    world.wait_for_report(&refused, 1);
}
