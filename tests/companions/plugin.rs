//! An API server that comes back without the plugin that heeds guards, whose objects are perfect.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::crew::{Crew, LIMIT, asking, binding_of, both_kinds, subject_of};
use crate::standing::{genuine_order, with_provision};
use crate::support::{ADMIN, ControlPlane, eventually, unique};
use crate::world::{POLICY, both, namespace_admin, ordered, role_binding};

const WITHOUT: &str = "--disable-admission-plugins=ValidatingAdmissionPolicy";
/// Within this time the controller stops when the guard does not hold.
const STOPS_WITHIN: Duration = Duration::from_secs(15);

#[test]
fn an_order_that_an_api_server_without_the_plugin_took_never_counts() {
    let plane = Box::leak(Box::new(ControlPlane::start(&[])));
    let crew = Crew::gather(plane, POLICY);
    crew.restore();
    let namespace = plane.namespace();
    let nora = namespace_admin(plane, &namespace);
    let name = unique("mallory");
    let genuine = genuine_order(&crew, &name);
    // They would take the order off, or judge it.
    for kind in ["mutating", "validating"] {
        let kind = format!("{kind}webhookconfiguration");
        plane
            .kubectl(ADMIN, &["delete", &kind, "bindguard"])
            .expect_success();
    }
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
        let says = "let pass what the guard must refuse; it may run without the plugin \
                    ValidatingAdmissionPolicy";
        (crew.metric("bindguard_orders_taken") == 0 && crew.log().contains(says)).then_some(())
    });
    assert!(stopped.is_some(), "{}", crew.log());
    eprintln!(
        "figure: without the plugin, stopped after {:.1?}",
        began.elapsed()
    );
    send("later").expect_success();
    std::thread::sleep(Duration::from_secs(4));
    assert_eq!(crew.made_for(&name), Vec::<Value>::new(), "{}", crew.log());

    plane.stop_api_server();
    plane.start_api_server();
    crew.restore();
    // It works again, and what was planted is as dead as before.
    let [object, _] = both_kinds(&namespace);
    crew.create(both(), &asking(object.clone()))
        .expect_success();
    crew.wait_for_companions(subject_of(&object));
    // One whose epoch may be news is tried again for half a minute.
    let ended = eventually(2 * LIMIT, || {
        (crew.metric("bindguard_orders_waiting") == 0).then_some(())
    });
    assert!(ended.is_some(), "{}", crew.log());
    assert_eq!(crew.made_for(&name), Vec::<Value>::new(), "{}", crew.log());
}
