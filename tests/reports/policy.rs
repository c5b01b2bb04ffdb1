//! The Event about a policy that somebody breaks.

use std::fs;

use serde_json::Value;

use crate::support::ADMIN;
use crate::world::{POLICY, World};

/// The Events about the ConfigMap of the policy: reason, type and note.
fn events(world: &World) -> Vec<(String, String, String)> {
    let list = world.get(&["events.events.k8s.io", "--namespace=bindguard"]);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let events = list["items"].as_array().unwrap().iter();
    let about = events.filter(|event| {
        event["regarding"]["kind"] == "ConfigMap"
            && event["regarding"]["name"] == "bindguard-policy"
    });
    about
        .map(|event| {
            (
                text(&event["reason"]),
                text(&event["type"]),
                text(&event["note"]),
            )
        })
        .collect()
}

#[test]
fn a_broken_edit_of_the_policy_is_an_event_on_its_config_map_and_so_is_that_it_is_mended() {
    let mut world = World::new();
    world.wait(|world| world.controller.leads().then_some(()));
    assert_eq!(events(&world), []);

    let broken = format!("{POLICY}spec: {{action: Refuse}}\n");
    fs::write(&world.policy, broken).unwrap();
    let (reason, kind, note) = world.wait(|world| events(world).into_iter().next());
    assert_eq!((&*reason, &*kind), ("PolicyBroken", "Warning"));
    assert!(
        note.starts_with("The policy before this one stays in force"),
        "{note}"
    );
    // Which field, in which line.
    assert!(note.contains("3:16: spec.action: "), "{note}");
    assert_eq!(world.metric("bindguard_policy_broken"), Some(1));
    let shown = [
        "events",
        "--for=configmap/bindguard-policy",
        "--namespace=bindguard",
    ];
    let shown = world.plane.kubectl(ADMIN, &shown).expect_success();
    assert!(shown.contains("PolicyBroken"), "{shown}");

    fs::write(&world.policy, POLICY).unwrap();
    world.wait(|world| {
        let mended =
            |event: &(String, String, String)| event.0 == "PolicyInForce" && event.1 == "Normal";
        events(world).iter().any(mended).then_some(())
    });
    assert_eq!(world.metric("bindguard_policy_broken"), Some(0));
    assert_eq!(events(&world).len(), 2);

    // A controller that comes to lead finds nothing new in a policy that is in order.
    world.replace_controller();
    assert_eq!(events(&world).len(), 2);
}
