//! What an order is not: a standing state, or anything that somebody planted.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::crew::{Crew, LIMIT, PROVISION, asking, binding_of, both_kinds, crew, subject_of};
use crate::support::{ADMIN, eventually, unique};
use crate::world::{ORDER, ORDERED_BY, ORDERS, both, namespace_admin, ordered, role_binding};

const NEVER: Duration = Duration::from_secs(4);
/// Within this time the controller stops when the guard does not hold.
const STOPS_WITHIN: Duration = Duration::from_secs(15);

fn take_away(crew: &Crew, companions: &[Value]) {
    for companion in companions {
        let delete = ["delete", "--filename", "-"];
        let deleted = crew
            .plane
            .kubectl_stdin(ADMIN, &delete, &companion.to_string());
        deleted.expect_success();
    }
}

/// Has another controller lead: the ones of now are killed.
fn kill_all(crew: &Crew) {
    for controller in crew.controllers().iter() {
        controller.process.kill();
    }
}

#[test]
fn a_companion_that_was_taken_away_stays_away_until_somebody_orders_again() {
    let crew = crew();
    let namespace = crew.plane.namespace();
    let [object, other] = both_kinds(&namespace);
    for object in [&object, &other] {
        crew.create(both(), &asking(object.clone()))
            .expect_success();
    }
    for object in [&object, &other] {
        let made = crew.wait_for_companions(subject_of(object));
        take_away(&crew, &made);
    }
    let label = |value: &str| json!({"metadata": {"labels": {"seen": value}}});
    let gone = |crew: &Crew| {
        std::thread::sleep(NEVER);
        for object in [&object, &other] {
            assert_eq!(crew.made_for(subject_of(object)), Vec::<Value>::new());
        }
    };
    crew.patch(ADMIN, &object, &label("once")).expect_success();
    gone(&crew);
    // Neither does the next who leads.
    crew.another_controller();
    kill_first(&crew);
    crew.restore();
    gone(&crew);
    crew.patch(ADMIN, &other, &label("twice")).expect_success();
    gone(&crew);
    // Nor one that knows nothing but what is stored.
    kill_all(&crew);
    crew.restore();
    gone(&crew);
    let again = |value: Value| json!({"metadata": {"annotations": {PROVISION: value}}});
    crew.patch(both(), &object, &again(Value::Null))
        .expect_success();
    crew.patch(both(), &object, &again(json!("true")))
        .expect_success();
    crew.wait_for_companions(subject_of(&object));
    assert_eq!(crew.made_for(subject_of(&other)), Vec::<Value>::new());
}

fn kill_first(crew: &Crew) {
    let controllers = crew.controllers();
    let first = controllers.first().expect("one controller");
    first.process.kill();
}

#[test]
fn without_the_guard_the_controller_stops_and_what_was_planted_never_counts() {
    let crew = crew();
    let namespace = crew.plane.namespace();
    let nora = namespace_admin(crew.plane, &namespace);
    let weakenings: [(&str, &dyn Fn()); 3] = [
        ("deleted", &|| {
            let kind = "validatingadmissionpolicybinding";
            crew.plane
                .kubectl(ADMIN, &["delete", kind, ORDERS])
                .expect_success();
        }),
        ("bound as Audit", &|| {
            let patch = "--patch={\"spec\": {\"validationActions\": [\"Audit\"]}}";
            let kind = "validatingadmissionpolicybinding";
            let args = ["patch", kind, ORDERS, "--type=merge", patch];
            crew.plane.kubectl(ADMIN, &args).expect_success();
        }),
        ("weakened", &|| {
            let patch = "--patch={\"spec\": {\"validations\": [{\"expression\": \"true\"}]}}";
            let args = [
                "patch",
                "validatingadmissionpolicy",
                ORDERS,
                "--type=merge",
                patch,
            ];
            crew.plane.kubectl(ADMIN, &args).expect_success();
        }),
    ];
    for (how, weaken) in weakenings {
        let name = unique("mallory");
        let genuine = genuine_order(&crew, &name);
        // Somebody who gets past the webhooks as well: they would take the order off, or judge it.
        for kind in ["mutating", "validating"] {
            let kind = format!("{kind}webhookconfiguration");
            let args = ["delete", &kind, "bindguard"];
            crew.plane.kubectl(ADMIN, &args).expect_success();
        }
        weaken();
        let began = Instant::now();
        let object = binding_of(&name, role_binding(&namespace, &unique("planted")));
        let object = ordered(object, &genuine, "boris");
        let object = with_provision(object);
        // The API server takes a moment to see the change.
        let planted = eventually(LIMIT, || {
            crew.create(&nora, &object).succeeded().then_some(())
        });
        assert!(
            planted.is_some(),
            "{how}: nothing is shown if it cannot be planted"
        );
        let stopped = eventually(STOPS_WITHIN, || {
            (crew.metric("bindguard_orders_taken") == 0).then_some(())
        });
        assert!(stopped.is_some(), "{how}: {}", crew.log());
        eprintln!("figure: guard {how}, stopped after {:.1?}", began.elapsed());
        assert!(
            crew.log().contains("the guard of orders is not in place"),
            "{}",
            crew.log()
        );
        std::thread::sleep(NEVER);
        assert_eq!(crew.made_for(&name), Vec::<Value>::new(), "{how}");
        crew.restore();
        std::thread::sleep(NEVER);
        assert_eq!(
            crew.made_for(&name),
            Vec::<Value>::new(),
            "{how}: {}",
            crew.log()
        );
    }
}

/// An order of now for this user, as one who may would place it.
pub(crate) fn genuine_order(crew: &Crew, name: &str) -> String {
    let object = binding_of(name, role_binding("default", "probe"));
    let args = ["--dry-run=server", "--output=json"];
    let output = crew
        .create_with(both(), &args, &asking(object))
        .expect_success();
    let object: Value = serde_json::from_str(&output).unwrap();
    let annotations = &object["metadata"]["annotations"];
    assert_eq!(annotations[ORDERED_BY], "boris");
    annotations[ORDER].as_str().unwrap().to_owned()
}

pub(crate) fn with_provision(mut object: Value) -> Value {
    object["metadata"]["annotations"][PROVISION] = json!("true");
    object
}

#[test]
fn an_order_waits_for_the_controller_and_is_carried_out_when_it_is_back() {
    let crew = crew();
    let [object, other] = both_kinds(&crew.plane.namespace());
    kill_all(&crew);
    // The epoch is still published, so that orders are placed and taken.
    for object in [&object, &other] {
        crew.create(both(), &asking(object.clone()))
            .expect_success();
    }
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(crew.made_for(subject_of(&object)), Vec::<Value>::new());
    crew.restore();
    for object in [&object, &other] {
        crew.wait_for_companions(subject_of(object));
    }
}

#[test]
fn a_binding_that_is_gone_or_has_lost_its_subject_by_then_gets_nothing() {
    let crew = crew();
    let [gone, changed] = both_kinds(&crew.plane.namespace());
    kill_all(&crew);
    for object in [&gone, &changed] {
        crew.create(both(), &asking(object.clone()))
            .expect_success();
    }
    let delete = ["delete", "--filename", "-"];
    crew.plane
        .kubectl_stdin(ADMIN, &delete, &gone.to_string())
        .expect_success();
    crew.patch(ADMIN, &changed, &json!({"subjects": null}))
        .expect_success();
    crew.restore();
    let note = crew.wait_for_event(&changed, "OrderDoesNotCount");
    let words = "the order for companions does not count: it is for none of the binding's subjects";
    assert_eq!(note, words);
    for object in [&gone, &changed] {
        assert_eq!(crew.made_for(subject_of(object)), Vec::<Value>::new());
    }
}

#[test]
fn a_right_that_is_missing_is_named_and_those_of_the_chart_are_enough() {
    let crew = crew();
    assert_eq!(crew.metric("bindguard_rights_missing"), 0, "{}", crew.log());
    let role = ["clusterrole", "bindguard-controller"];
    let mut found = crew.get(&role);
    let rules = found["rules"].as_array_mut().expect("rules");
    let before = rules.len();
    rules.retain(|rule| {
        !rule["resources"]
            .to_string()
            .contains("validatingadmissionpolicies")
    });
    assert_eq!(rules.len(), before - 1);
    let patch = format!("--patch={}", json!({"rules": rules}));
    let patch = [&["patch"], &role[..], &["--type=merge", &patch]].concat();
    crew.plane.kubectl(ADMIN, &patch).expect_success();
    kill_all(&crew);
    crew.controllers().clear();
    crew.another_controller();
    let named = eventually(LIMIT, || {
        let right = "the controller lacks a right to carry orders out: get \
                     validatingadmissionpolicies.admissionregistration.k8s.io named \
                     orders.bindguard.dev in the whole cluster";
        crew.log().contains(right).then_some(())
    });
    assert!(named.is_some(), "{}", crew.log());
    let counted = eventually(LIMIT, || {
        (crew.metric("bindguard_rights_missing") == 2).then_some(())
    });
    assert!(counted.is_some(), "{}", crew.log());
}
