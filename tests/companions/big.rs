//! Bindings that are too big for an order: nothing is ordered, people are told why, and the binding
//! is judged as ever, in the time that the API server waits for an answer.

use std::time::Instant;

use serde_json::{Value, json};

use crate::crew::{asking, binding_of, crew, subject_of};
use crate::support::unique;
use crate::world::{both, role_binding};

#[test]
fn what_is_too_big_for_an_order_is_told_so_and_judged_as_ever() {
    let crew = crew();
    let namespace = crew.plane.namespace();
    let many = if std::env::var_os("BINDGUARD_SOAK").is_some() {
        34_000
    } else {
        5_000
    };
    let of_many = |name: &str| {
        let mut object = role_binding(&namespace, name);
        let subjects = (0..many).map(|number| {
            json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": format!("u{number}")})
        });
        object["subjects"] = subjects.collect();
        asking(object)
    };
    let mut full = asking(role_binding(&namespace, "full"));
    full["subjects"][0]["name"] = json!(unique("full"));
    full["metadata"]["annotations"]["notes"] = json!("n".repeat(262_000));
    let long = asking(binding_of(
        &"n".repeat(1_000_000),
        role_binding(&namespace, "long"),
    ));
    for (object, why) in [
        (
            of_many("many"),
            format!(
                "it would be for {many} subjects, and provisioning.maxSubjectsPerBinding is 20"
            ),
        ),
        (
            long,
            "the names are too long: an order has at most 16 KiB".to_owned(),
        ),
        (full, "the other annotations leave no room".to_owned()),
    ] {
        let began = Instant::now();
        let output = crew.create(both(), &object);
        assert!(!output.succeeded(), "{output:.2000}");
        assert!(
            output.stderr.contains("denied the request"),
            "{why}: {output:.2000}"
        );
        assert!(output.stderr.contains(&why), "{why}: {output:.2000}");
        eprintln!("figure: refused after {:.1?}: {why}", began.elapsed());
        let name = subject_of(&object);
        assert_eq!(crew.made_for(name), Vec::<Value>::new());
    }
}
