//! An API server that comes back without the plugin that heeds guards, whose objects are perfect.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::crew::{Crew, LIMIT, asking, binding_of, both_kinds, subject_of};
use crate::proxy::Proxy;
use crate::standing::{genuine_order, with_provision};
use crate::support::{ADMIN, ControlPlane, Controller, by_way_of, eventually, unique};
use crate::world::{POLICY, both, namespace_admin, ordered, role_binding};

const WITHOUT: &str = "--disable-admission-plugins=ValidatingAdmissionPolicy";
/// Within this time the controller stops when the guard does not hold.
const STOPS_WITHIN: Duration = Duration::from_secs(15);

/// Orders that wait are tried again as soon as the guard is in place again.
const NEVER: Duration = Duration::from_secs(5);
const SAYS: &str = "let pass what the guard must refuse; it may run without the plugin \
                    ValidatingAdmissionPolicy";

/// They would take an order off, or judge it.
fn without_webhooks(plane: &ControlPlane) {
    for kind in ["mutating", "validating"] {
        let kind = format!("{kind}webhookconfiguration");
        let delete = ["delete", &kind, "bindguard"];
        plane.kubectl(ADMIN, &delete).expect_success();
    }
}

#[test]
fn an_order_that_an_api_server_without_the_plugin_took_never_counts() {
    let plane = Box::leak(Box::new(ControlPlane::start(&[])));
    let crew = Crew::gather(plane, POLICY);
    crew.restore();
    let namespace = plane.namespace();
    let nora = namespace_admin(plane, &namespace);
    let name = unique("mallory");
    let genuine = genuine_order(&crew, &name);
    without_webhooks(plane);
    let send = |as_what: &str| {
        let object = binding_of(&name, role_binding(&namespace, &unique(as_what)));
        let object = with_provision(ordered(object, &genuine, "boris"));
        crew.create(&nora, &object)
    };
    assert!(
        !send("guarded").succeeded(),
        "nothing is shown if anybody may"
    );

    plane.stop_api_server();
    plane.start_api_server_with(&[WITHOUT]);
    let began = Instant::now();
    // In the very first moment, before the controller has looked again.
    send("first").expect_success();
    let stopped = eventually(STOPS_WITHIN, || {
        (crew.metric("bindguard_orders_taken") == 0 && crew.log().contains(SAYS)).then_some(())
    });
    assert!(stopped.is_some(), "{}", crew.log());
    eprintln!(
        "figure: without the plugin, stopped after {:.1?}",
        began.elapsed()
    );
    send("later").expect_success();
    std::thread::sleep(NEVER);
    assert_eq!(crew.made_for(&name), Vec::<Value>::new(), "{}", crew.log());

    plane.stop_api_server();
    plane.start_api_server();
    crew.restore();
    // It works again, and what was planted is as dead as before.
    let [object, _] = both_kinds(&namespace);
    crew.create(both(), &asking(object.clone()))
        .expect_success();
    crew.wait_for_companions(subject_of(&object));
    std::thread::sleep(NEVER);
    assert_eq!(crew.made_for(&name), Vec::<Value>::new(), "{}", crew.log());
}

#[test]
fn the_guard_is_tried_before_each_order_and_not_only_when_its_time_has_come() {
    let plane = Box::leak(Box::new(ControlPlane::start(&[])));
    let crew = Crew::gather(plane, POLICY);
    let proxy = Proxy::to(plane.port());
    let kubeconfig = by_way_of(proxy.port(), &plane.accounts().controller);
    let binary = env!("CARGO_BIN_EXE_bindguard");
    let controller = Controller::start_as(binary, &kubeconfig, &crew.policy, &[]);
    crew.controllers().push(controller);
    crew.wait_until_orders_are_taken();
    let namespace = plane.namespace();
    let nora = plane.kubeconfig(namespace_admin(plane, &namespace));
    let (_another, port) = plane.another_api_server(&[WITHOUT]);
    let name = unique("mallory");
    let object = binding_of(&name, role_binding(&namespace, "planted"));
    let object = with_provision(ordered(object, &genuine_order(&crew, &name), "boris"));
    without_webhooks(plane);
    std::thread::sleep(Duration::from_secs(2));

    // The controller's watches stay where they are, and all is perfect there.
    proxy.turn_to(port);
    let create = ["create", "--filename", "-"];
    let nora = by_way_of(port, &nora);
    let planted = plane.kubectl_with(&nora, &create, &object.to_string());
    planted.expect_success();
    let stopped = eventually(STOPS_WITHIN, || {
        (crew.metric("bindguard_orders_taken") == 0 && crew.log().contains(SAYS)).then_some(())
    });
    assert!(stopped.is_some(), "{}", crew.log());
    proxy.turn_to(plane.port());
    let again = eventually(LIMIT, || {
        (crew.metric("bindguard_orders_taken") == 1).then_some(())
    });
    assert!(again.is_some(), "{}", crew.log());
    std::thread::sleep(NEVER);
    let made = crew.made_for(&name);
    assert_eq!(made, Vec::<Value>::new(), "{}", crew.log());
}
