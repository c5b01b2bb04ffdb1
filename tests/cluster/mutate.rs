//! `/mutate` is asked, and changes nothing.

use serde_json::{Value, json};

use crate::lab::lab;
use crate::objects::{cluster_role_binding, companions, role_binding, user};
use crate::stage::stage;
use crate::support::{Bindguard, unique};

/// How many calls of `/mutate` were answered.
fn mutations(bindguard: &Bindguard) -> f64 {
    let (_, metrics) = bindguard.admin("/metrics").expect("metrics are served");
    metrics
        .lines()
        .filter(|line| line.starts_with("bindguard_requests_total{") && line.contains("mutate"))
        .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
        .sum()
}

#[test]
fn every_persona_binding_passes_by_mutate_and_is_stored_as_it_was_sent() {
    let lab = lab();
    let bindguard = lab.bindguard("provisioning: {mode: Always}");
    let _registration = bindguard.register(&lab.plane);
    let namespace = lab.plane.namespace();
    let alice = user(&format!("alice@{namespace}"));
    for companion in companions(&unique("companion"), &alice) {
        lab.create(&companion).expect_silence();
    }
    let before = mutations(&bindguard);

    let name = unique("vm");
    let mut asking = role_binding(&namespace, "asking", "view", [alice.clone()]);
    asking["metadata"]["annotations"] = json!({"bindguard.dev/provision": "true"});
    let sent = [
        role_binding(&namespace, "plain", "spectro-vm-user", [alice.clone()]),
        cluster_role_binding(&name, "spectro-vm-admin", [alice.clone()]),
        asking,
    ];
    for object in &sent {
        lab.create(object).expect_silence();
        assert_eq!(stored(&lab.plane, object), *object);
    }
    assert!(
        mutations(&bindguard) >= before + 3.0,
        "/mutate was asked {before} times before and {} times after",
        mutations(&bindguard)
    );
}

#[test]
fn on_request_only_a_binding_that_asks_passes_by_mutate() {
    let lab = lab();
    let bindguard = lab.bindguard("provisioning: {mode: OnRequest}");
    let _registration = bindguard.register(&lab.plane);
    let namespace = lab.plane.namespace();
    let alice = user(&format!("alice@{namespace}"));
    for companion in companions(&unique("companion"), &alice) {
        lab.create(&companion).expect_silence();
    }
    let plain = role_binding(&namespace, "plain", "spectro-vm-user", [alice.clone()]);
    let mut asking = role_binding(&namespace, "asking", "view", [alice]);
    asking["metadata"]["annotations"] = json!({"bindguard.dev/provision": "true"});
    let before = mutations(&bindguard);
    lab.create(&plain).expect_silence();
    assert!((mutations(&bindguard) - before).abs() < 0.5);
    lab.create(&asking).expect_silence();
    assert!((mutations(&bindguard) - before - 1.0).abs() < 0.5);
    assert_eq!(stored(&lab.plane, &asking), asking);
}

/// The object as it is stored, without what the API server itself adds.
fn stored(plane: &crate::support::ControlPlane, object: &Value) -> Value {
    let args = ["get", "--output", "json", "--filename", "-"];
    let admin = crate::support::ADMIN;
    let text = plane.kubectl_stdin(admin, &args, &object.to_string());
    let mut list: Value = serde_json::from_str(&text.expect_success()).unwrap();
    let mut stored = list["items"][0].take();
    let metadata = stored["metadata"].as_object_mut().unwrap();
    for added in ["creationTimestamp", "resourceVersion", "uid"] {
        assert!(metadata.remove(added).is_some(), "{added}");
    }
    stored
}

#[test]
fn a_label_on_a_broken_binding_adds_the_label_and_nothing_else() {
    let stage = stage();
    let old = stage.old_binding();
    let object = old.with([user(&old.user)]);
    let before = stored(stage.plane, &object);
    let label = [
        "label",
        "rolebinding",
        "old",
        "team=blue",
        "--namespace",
        &old.namespace,
    ];
    stage.kubectl(&label).expect_warned(&[old.warning()]);
    let mut after = stored(stage.plane, &object);
    let labels = after["metadata"].as_object_mut().unwrap().remove("labels");
    assert_eq!(labels, Some(json!({"team": "blue"})));
    assert_eq!(after, before);
}
