//! What people read after `helm install`.

use serde_json::{Value, json};

use crate::chart::{folder, helm};
use crate::support::fresh_folder;

fn notes(values: &Value, namespace: &str) -> String {
    let file = fresh_folder("notes").join("values.yaml");
    std::fs::write(&file, values.to_string()).unwrap();
    let (chart, file) = (folder(), file.display().to_string());
    let chart = chart.to_str().unwrap();
    let args = [
        "install",
        "bindguard",
        chart,
        "--dry-run=client",
        "--namespace",
        namespace,
    ];
    let text = helm(&[&args[..], &["--values", &file]].concat()).expect_success();
    text.split_once("NOTES:\n").unwrap().1.to_owned()
}

#[test]
fn they_say_what_is_refused_and_what_passes() {
    let text = notes(&json!({}), "bindguard");
    for line in [
        "vm: a binding to spectro-vm-admin, spectro-vm-power-user, spectro-vm-user, spectro-vm-viewer",
        "is REFUSED if a User, Group or ServiceAccount in it lacks one of",
        "is REFUSED if a User or Group in it lacks one of",
        "    spectro-list-namespaces, spectro-list-vmtemplates\n",
        "Not in namespace kube-system.",
        "While bindguard does not answer, such bindings are refused;",
        "helm test bindguard -n bindguard",
        "--clusterrole=spectro-list-vmtemplates --user=alice@example.com",
        "kubectl delete validatingwebhookconfiguration,mutatingwebhookconfiguration bindguard\n",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    let policy = json!({"personas": [
        {"name": "mild", "clusterRoles": ["x"], "action": "Warn", "companions": ["spectro-list-namespaces"]},
        {"name": "silent", "clusterRoles": ["y"], "action": "Audit"},
    ]});
    let text = notes(
        &json!({"policy": policy, "failurePolicy": "Ignore"}),
        "bindguard",
    );
    for line in [
        "is let through with a warning if a User, Group or ServiceAccount in it lacks one of\n    spectro-list-namespaces\n",
        "is let through and recorded if",
        "such bindings are let through unjudged;",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    assert!(
        !text.contains("REFUSED") && !text.contains("Too strict"),
        "{text}"
    );
    let nobody_orders = json!({"policy": {"provisioning": {"mode": "Disabled"}}});
    let text = notes(&nobody_orders, "bindguard");
    let delete = "kubectl delete validatingwebhookconfiguration bindguard\n";
    assert!(text.contains(delete), "{text}");
    assert!(!text.contains("ValidatingAdmissionPolicies"), "{text}");
}

#[test]
fn they_say_why_the_check_is_left_out() {
    let audit = notes(&json!({"policy": {"action": "Audit"}}), "bindguard");
    assert!(
        audit.contains("Its own check is left out: the policy only audits"),
        "{audit}"
    );
    let exempt = notes(&json!({}), "kube-system");
    assert!(
        exempt.contains("left out: the policy exempts the namespace kube-system"),
        "{exempt}"
    );
    assert!(!exempt.contains("helm test"), "{exempt}");
}

#[test]
fn they_say_who_has_to_fill_in_what_nobody_else_does() {
    let mut values = json!({"certificates": {"mode": "provided", "provided": {"secretName": "x"}}});
    let wait = "Pods get ready when you have filled in caBundle";
    assert!(notes(&values, "bindguard").contains(wait));
    values["certificates"]["verifyCABundle"] = false.into();
    assert!(!notes(&values, "bindguard").contains(wait));
}
