//! What `bindguard scan` finds beside missing companions, and in several clusters.

use std::fs;
use std::path::{Path, PathBuf};

use bindguard::telemetry::clock::now;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::commands::{bindguard, code, with_rights};
use crate::objects::{
    NAMESPACES, cluster_role_binding, companions, group, namespace, role_binding, user,
};
use crate::scan::{lines, manifests, scan};
use crate::stage::create;
use crate::support::{ADMIN, ControlPlane, fresh_folder};

const EPOCH: &str = "0123456789abcdef0123456789abcdef";

/// The findings that are neither missing companions nor drift.
fn others(report: &Value) -> Vec<String> {
    let mut lines = lines(report);
    lines
        .retain(|line| !line.contains("missingCompanions") && !line.contains("configurationDrift"));
    lines
}

fn message(report: &Value, reason: &str) -> String {
    let findings = report["findings"].as_array().unwrap().iter();
    let mut found = findings.filter(|finding| finding["reason"] == reason);
    let message = found
        .next()
        .unwrap_or_else(|| panic!("{reason}: {report:#}"))["message"]
        .as_str();
    message.unwrap().to_owned()
}

#[test]
fn roles_orders_and_companions_that_give_nothing_are_found() {
    let plane = ControlPlane::start(&[]);
    plane.install_roles();
    create(&plane, &[namespace("red"), namespace("bindguard")]);
    let admin = plane.kubeconfig(ADMIN);
    roles(&plane, &admin);
    unneeded(&plane, &admin);
    orders(&plane, &admin);
    drift(&plane, &admin);
    several(&plane, &admin);
}

fn roles(plane: &ControlPlane, admin: &Path) {
    assert_eq!(others(&scan(admin, &[]).1), [""; 0]);
    let gone = [
        "delete",
        "clusterrole",
        "spectro-vm-viewer",
        "spectro-vm-user",
    ];
    plane.kubectl(ADMIN, &gone).expect_success();
    // Palette may not be installed: that is nobody's concern until somebody is bound.
    assert_eq!(others(&scan(admin, &[]).1), [""; 0]);
    let alice = user("alice");
    create(
        plane,
        &[
            role_binding("red", "a", "spectro-vm-user", [alice.clone()]),
            cluster_role_binding("b", "spectro-vm-user", [alice.clone()]),
        ],
    );
    let without = [
        "patch",
        "clusterrole",
        NAMESPACES,
        "--type=json",
        r#"--patch=[{"op": "replace", "path": "/rules/0/verbs", "value": ["get"]}]"#,
    ];
    plane.kubectl(ADMIN, &without).expect_success();
    let (_, report) = scan(admin, &[]);
    assert_eq!(
        others(&report),
        [
            "warning noPersonaRole - b",
            "warning companionRoleWithoutList - -"
        ],
        "{report:#}"
    );
    assert_eq!(
        message(&report, "noPersonaRole"),
        "there is no ClusterRole spectro-vm-user, and 2 bindings are to it, such as \
         ClusterRoleBinding b: it gives nothing"
    );
    assert_eq!(
        message(&report, "companionRoleWithoutList"),
        "ClusterRole spectro-list-namespaces has no rule with the verb list: whoever holds it can \
         list nothing"
    );
    assert_eq!(others(&scan(admin, &["-n", "red"]).1), [""; 0]);
    plane
        .apply(ADMIN, include_str!("../support/roles.yaml"))
        .expect_success();
    assert_eq!(others(&scan(admin, &[]).1), [""; 0]);
    create(plane, &companions("alice", &alice));
}

fn unneeded(plane: &ControlPlane, admin: &Path) {
    let (alice, erin) = (user("alice"), user("erin"));
    create(
        plane,
        &[
            cluster_role_binding("idle-one", NAMESPACES, [alice.clone(), erin.clone()]),
            cluster_role_binding("idle-two", NAMESPACES, [erin, group("devs"), alice.clone()]),
            cluster_role_binding("busy", NAMESPACES, [alice]),
        ],
    );
    let (_, report) = scan(admin, &[]);
    assert_eq!(
        others(&report),
        [
            "note unneededCompanion erin idle-one",
            "note unneededCompanion - idle-two"
        ],
        "{report:#}"
    );
    assert_eq!(
        message(&report, "unneededCompanion"),
        "User erin holds spectro-list-namespaces, and no persona binding needs it: by \
         ClusterRoleBinding idle-one"
    );
    let of_devs = others(&scan(admin, &["--subject", "devs"]).1);
    assert_eq!(of_devs, ["note unneededCompanion devs idle-two"]);
    // One persona alone does not tell who needs nothing.
    assert_eq!(others(&scan(admin, &["--persona", "vm"]).1), [""; 0]);
    let delete = ["delete", "clusterrolebinding", "idle-one", "idle-two"];
    plane.kubectl(ADMIN, &delete).expect_success();
}

/// An order for a user, of so many minutes ago.
fn ordered(name: &str, who: &str, minutes: i64) -> Value {
    let time = now() - SignedDuration::from_mins(minutes);
    let time = Timestamp::from_second(time.as_second()).unwrap();
    let order = format!(
        r#"{{"version":1,"epoch":"{EPOCH}","time":"{time}","for":[{{"kind":"User","name":"{who}"}}]}}"#
    );
    let mut binding = role_binding("red", name, "spectro-vm-user", [user(who)]);
    binding["metadata"]["annotations"] = json!({
        "bindguard.dev/order": order,
        "bindguard.dev/ordered-by": "boris",
        "bindguard.dev/provision": "true",
    });
    binding
}

fn orders(plane: &ControlPlane, admin: &Path) {
    let mut odd = ordered("odd", "oscar", 1);
    odd["metadata"]["annotations"]["bindguard.dev/order"] = json!("yes please");
    let others_too = [
        ordered("young", "yuri", 1),
        ordered("old", "olga", 11),
        // Who lacks nothing is waited for by nobody.
        ordered("done", "alice", 1),
        odd,
    ];
    create(plane, &others_too);
    let (_, report) = scan(admin, &[]);
    let expected = [
        "warning orderDoesNotCount - odd",
        "warning orderExpired - old",
        "note orderWaits - young",
    ];
    assert_eq!(others(&report), expected, "{report:#}");
    assert_eq!(
        message(&report, "orderWaits"),
        "RoleBinding red/young: its order for companions waits: no controller has said that orders \
         are taken"
    );
    assert_eq!(
        message(&report, "orderExpired"),
        "RoleBinding red/old: its order for companions has expired, and companions are missing"
    );
    assert_eq!(
        message(&report, "orderDoesNotCount"),
        "RoleBinding red/odd: its order for companions does not count: it is not in the form of an \
         order: it is not as bindguard writes orders"
    );
    assert_eq!(others(&scan(admin, &["-n", "red"]).1), expected);
    let of_yuri = others(&scan(admin, &["--subject", "yuri"]).1);
    assert_eq!(of_yuri, expected[2..]);
    may_not_see_the_epoch(plane);

    let epoch = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "bindguard-epoch", "namespace": "bindguard"},
        "data": {"epoch": EPOCH, "policy": "p/1", "binding": "b/1"},
    });
    create(plane, &[epoch]);
    assert_eq!(
        message(&scan(admin, &[]).1, "orderWaits"),
        "RoleBinding red/young: its order for companions waits: the controller has not carried it \
         out yet"
    );
    let elsewhere = scan(admin, &["--bindguard-namespace", "elsewhere"]).1;
    assert!(
        message(&elsewhere, "orderWaits").ends_with("no controller has said that orders are taken")
    );
    let disabled = fresh_folder("policy").join("policy.yaml");
    let text = "apiVersion: bindguard.dev/v1alpha1\nkind: BindingPolicy\nspec:\n  provisioning: \
                {mode: Disabled}\n";
    fs::write(&disabled, text).unwrap();
    let (_, report) = scan(admin, &["--policy", &disabled.display().to_string()]);
    let expected = [
        "warning orderDoesNotCount - odd",
        "warning orderExpired - old",
        "warning orderDoesNotCount - young",
    ];
    assert_eq!(others(&report), expected, "{report:#}");
}

fn may_not_see_the_epoch(plane: &ControlPlane) {
    let rules = json!([{
        "apiGroups": ["rbac.authorization.k8s.io"],
        "resources": ["clusterrolebindings", "rolebindings"],
        "verbs": ["list"],
    }]);
    let reader = plane.kubeconfig(&*with_rights(plane, &rules));
    let (code, report) = scan(&reader, &["-n", "red"]);
    assert_eq!(code, Some(2), "{report:#}");
    let error = report["errors"][0].as_str().unwrap();
    assert!(
        error.starts_with(
            "cannot see whether orders wait: configmaps \"bindguard-epoch\" is forbidden"
        ),
        "{error}"
    );
    assert_eq!(others(&report).len(), 3, "{report:#}");
}

fn drift(plane: &ControlPlane, admin: &Path) {
    let manifests = manifests(plane).replace("failurePolicy: Fail", "failurePolicy: Ignore");
    plane.apply(ADMIN, &manifests).expect_success();
    let (_, report) = scan(admin, &[]);
    let reasons: Vec<String> = lines(&report);
    let drifts = reasons
        .iter()
        .filter(|line| line.contains("configurationDrift"));
    assert_eq!(drifts.count(), 1, "{report:#}");
    let told = message(&report, "configurationDrift");
    assert!(
        told.contains("failurePolicy of webhook validate.bindguard.dev is \"Ignore\""),
        "{told}"
    );
    let other = scan(admin, &["--webhook-configuration", "other"]).1;
    assert!(
        message(&other, "configurationDrift").contains("ValidatingWebhookConfiguration other ")
    );
    let delete = ["delete", "--filename", "-"];
    plane
        .kubectl_stdin(ADMIN, &delete, &manifests)
        .expect_success();
}

/// A kubeconfig in which one cluster has two names, and another does not answer.
fn several_clusters(plane: &ControlPlane, admin: &Path) -> PathBuf {
    let text = fs::read_to_string(admin).unwrap();
    let mut config: Value = serde_json::from_str(&text).unwrap();
    let clusters = config["clusters"].as_array_mut().unwrap();
    clusters.push(json!({"name": "gone", "cluster": {"server": "https://127.0.0.1:1"}}));
    let context = |name: &str, cluster: &str| json!({"name": name, "context": {"cluster": cluster, "user": "test"}});
    config["contexts"] = json!([
        context("one", "test"),
        context("two", "test"),
        context("gone", "gone")
    ]);
    let file = fresh_folder("kubeconfig").join("config");
    fs::write(&file, config.to_string()).unwrap();
    assert!(plane.port() != 1);
    file
}

fn several(plane: &ControlPlane, admin: &Path) {
    let alone = scan(admin, &[]).1;
    assert!(alone["findings"][0].get("cluster").is_none(), "{alone:#}");
    let many = alone["findings"].as_array().unwrap().len();
    let file = several_clusters(plane, admin);
    let of = |report: &Value| -> Vec<String> {
        let findings = report["findings"].as_array().unwrap().iter();
        findings
            .map(|finding| finding["cluster"].as_str().unwrap_or("-").to_owned())
            .collect()
    };
    let (code_of_two, report) = scan(
        &file,
        &["--context", "two", "--context", "one", "--context", "two"],
    );
    assert_eq!(code_of_two, Some(1), "{report:#}");
    assert_eq!(of(&report), [vec!["two"; many], vec!["one"; many]].concat());
    assert_eq!(report["summary"]["findings"], 2 * many);
    assert_eq!(
        report["findings"][0]["message"],
        format!(
            "cluster two: {}",
            alone["findings"][0]["message"].as_str().unwrap()
        )
    );
    let (_, one) = scan(&file, &["--context", "one"]);
    assert_eq!(of(&one), vec!["-"; many]);

    let (code_with_gone, report) = scan(&file, &["--context", "gone", "--context", "one"]);
    assert_eq!(code_with_gone, Some(2), "{report:#}");
    assert_eq!(of(&report), vec!["one"; many]);
    let error = report["errors"][0].as_str().unwrap();
    assert!(
        error.starts_with("cluster gone: cannot list the ClusterRoleBindings: "),
        "{error}"
    );
    let table = bindguard(&file, &["scan", "--context", "gone", "--context", "one"]);
    assert_eq!(code(&table), Some(2), "{table}");
    assert!(table.stdout.starts_with("CLUSTER   LEVEL "), "{table}");
    assert_eq!(table.stdout.matches("\none ").count(), many, "{table}");
    assert!(table.stderr.contains("error: cluster gone: "), "{table}");
}
