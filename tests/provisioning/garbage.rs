//! What Kubernetes itself does to bindings whose orders are dead: it has no right to order anything.

use std::time::Duration;

use serde_json::{Value, json};

use crate::stage::{PROVISION, stage};
use crate::support::{ADMIN, eventually};
use crate::watchman::published;
use crate::world::{ORDER, ORDERS, both, role_binding};

const LIMIT: Duration = Duration::from_mins(1);

#[test]
fn garbage_collection_and_the_end_of_a_namespace_are_not_stuck_at_dead_orders() {
    let stage = stage();
    let plane = stage.plane.with_controller_manager();
    let namespace = plane.namespace();
    let inside = ["--namespace", &namespace];
    let on = |args: &[&str]| plane.kubectl(ADMIN, &[args, &inside].concat());
    let owned_by = |owner: &str, name: &str| {
        on(&["create", "configmap", owner]).expect_success();
        let uid = on(&[
            "get",
            "configmap",
            owner,
            "--output=jsonpath={.metadata.uid}",
        ]);
        let mut object = role_binding(&namespace, name);
        object["metadata"]["annotations"] = json!({PROVISION: "true"});
        object["metadata"]["ownerReferences"] = json!([{
            "apiVersion": "v1", "kind": "ConfigMap", "name": owner,
            "uid": uid.expect_success().trim(), "blockOwnerDeletion": true,
        }]);
        stage.create(ADMIN, &object).expect_success();
        object
    };
    let collected = owned_by("foreground", "collected");
    let orphan = owned_by("orphaning", "orphan");
    let mut last = role_binding(&namespace, "last");
    last["metadata"]["annotations"] = json!({PROVISION: "true"});
    last["metadata"]["finalizers"] = json!(["example.com/wait"]);
    stage.create(both(), &last).expect_success();
    // Another guard is another epoch, and all of these orders are dead.
    let before = published(plane);
    let delete = ["delete", "validatingadmissionpolicy", ORDERS];
    plane.kubectl(ADMIN, &delete).expect_success();
    stage.watchman.look().not_in_place("does not exist");
    let manifests = stage.bindguard.manifests();
    plane.apply(ADMIN, &manifests).expect_success();
    stage.wait_until_orders_are_taken();
    assert_ne!(published(plane)["epoch"], before["epoch"]);
    for object in [&collected, &orphan, &last] {
        assert!(stage.stored(object)["metadata"]["annotations"][ORDER].is_string());
    }

    let foreground = [
        "delete",
        "configmap",
        "foreground",
        "--cascade=foreground",
        "--timeout=60s",
    ];
    on(&foreground).expect_success();
    assert!(!on(&["get", "rolebinding", "collected"]).succeeded());
    let orphaning = [
        "delete",
        "configmap",
        "orphaning",
        "--cascade=orphan",
        "--timeout=60s",
    ];
    on(&orphaning).expect_success();
    let orphan = stage.stored(&orphan);
    assert_eq!(orphan["metadata"]["ownerReferences"], Value::Null);
    assert!(orphan["metadata"]["annotations"][ORDER].is_string());

    let end = ["delete", "namespace", &namespace, "--wait=false"];
    plane.kubectl(ADMIN, &end).expect_success();
    // Whoever holds it up lets it go: somebody who may not order anything.
    let norman = crate::world::user("norman", &[]);
    let ending = json!({"metadata": {"finalizers": null}});
    stage.patch(norman, &last, &ending).expect_success();
    let gone = eventually(LIMIT, || {
        let get = ["get", "namespace", &namespace];
        (!plane.kubectl(ADMIN, &get).succeeded()).then_some(())
    });
    assert!(gone.is_some(), "{namespace} is stuck");
}
