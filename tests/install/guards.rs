//! What provisioning takes, as the chart puts it in place.

use std::time::Duration;

use serde_json::{Value, json};

use crate::release::{NAME, Release};
use crate::support::{ADMIN, Output, http_get_at, unique};
use crate::world::{World, world};

/// The drift is looked at every 30 s, and soon after a start.
const LIMIT: Duration = Duration::from_mins(1);

/// Tries to make a companion binding with this order, by nobody's name.
fn order(world: &World, order: &str) -> Output {
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {
            "name": unique("bindguard-order"),
            "annotations": {"bindguard.dev/order": order, "bindguard.dev/ordered-by": "nobody"},
        },
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": "spectro-list-namespaces",
        },
    });
    let args = [
        "create",
        "--dry-run=server",
        "--output=json",
        "--filename",
        "-",
    ];
    world
        .plane
        .kubectl_stdin(ADMIN, &args, &binding.to_string())
}

#[test]
fn guards_are_in_force_and_both_configurations_are_as_the_policy_wants_them() {
    let world = world();
    let release = Release::installed(&world);
    release.until_ready("serve", 3);

    // The word that the webhook leaves alone, so that the guard has to refuse it.
    let refused = "ValidatingAdmissionPolicy 'orders.bindguard.dev' with binding \
                   'orders.bindguard.dev' denied request";
    world.until(NAME, "the guard of orders is in force", LIMIT, || {
        order(&world, "canary")
            .stderr
            .contains(refused)
            .then_some(())
    });
    // Any other is taken off before the guard sees it.
    let passed = order(&world, "forged").expect_success();
    let passed: Value = serde_json::from_str(&passed).unwrap();
    assert_eq!(passed["metadata"].get("annotations"), None, "{passed:#}");
    for name in ["orders", "companions", "webhooks", "trust"] {
        let name = format!("{name}.bindguard.dev");
        let status = world.until(NAME, "the guard is looked at", LIMIT, || {
            let guard = world.get(&["validatingadmissionpolicy", &name]);
            let status = guard.get("status")?.clone();
            let seen = status.get("observedGeneration")?;
            (*seen == guard["metadata"]["generation"]).then_some(status)
        });
        let warnings = status.pointer("/typeChecking/expressionWarnings");
        assert_eq!(warnings, None, "{name}: {status:#}");
        let binding = world.get(&["validatingadmissionpolicybinding", &name]);
        assert_eq!(binding["spec"]["validationActions"], json!(["Deny"]));
    }

    for pod in release.pods("serve") {
        for kind in ["validating", "mutating"] {
            let line = format!("bindguard_configuration_drift{{kind=\"{kind}\"}} 0\n");
            world.until(NAME, &line, LIMIT, || {
                let (_, metrics) = http_get_at(&pod.address, 8080, "/metrics").ok()?;
                metrics.contains(&line).then_some(())
            });
        }
        let log = pod.stderr();
        assert!(!log.contains("bindguard-epoch cannot be read"), "{log}");
    }
}
