//! Orders: what `/mutate` makes of them, and what they mean to `/validate`.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::body::Bytes;
use futures::FutureExt as _;
use k8s_openapi::ByteString;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, proptest};
use proptest::sample::select;
use serde_json::{Value, json};

use super::bench::{Bench, Live, binding, review};
use crate::admission::contract;
use crate::domain::identity::Identity;
use crate::domain::policy::{Action, Policy, ProvisioningMode};
use crate::kubernetes::access_review::{Right, Said, Who};
use crate::provisioning::access::Access;
use crate::provisioning::guard::epoch::EpochValue;
use crate::provisioning::intake::Intake;
use crate::provisioning::order::Order;
use crate::provisioning::{ORDER, ORDERED_BY, PROVISION};

fn epoch() -> &'static EpochValue {
    static EPOCH: OnceLock<EpochValue> = OnceLock::new();
    EPOCH.get_or_init(|| EpochValue::fresh().unwrap())
}

/// The order for these users at the bench's time.
fn order(users: &[&str]) -> String {
    let users = users.iter().map(|user| Identity::User(user));
    let order = Order::new(epoch().clone(), jiff::Timestamp::UNIX_EPOCH, users);
    order.encode().unwrap()
}

/// A bench on which orders are taken from those of whom an authorizer says so.
fn taking(policy: Policy, said: Result<Said, String>) -> Bench {
    let mut bench = Bench::new(policy, &["covered"], Live::Users(&["covered"]));
    let ask = move |who: Who, right: Right| {
        assert_eq!(who.username, "carol");
        assert_eq!(who.groups, ["system:authenticated"]);
        assert!(["create", "bind"].contains(&right.verb));
        let said = said.clone();
        async move { said }.boxed()
    };
    let access = Access::asking(Arc::new(ask), bench.webhook.metrics.clone());
    bench.webhook.orders = Intake::asking(access);
    bench.webhook.orders.set(Ok(epoch().clone()));
    bench
}

fn yes() -> Bench {
    taking(Policy::built_in(), Ok(Said::Yes))
}

/// A binding of these users, with these annotations.
fn annotated(users: &[&str], annotations: &[(&str, &str)]) -> Value {
    let mut object = binding("spectro-vm-user", users);
    if !annotations.is_empty() {
        let map = annotations
            .iter()
            .map(|(key, value)| ((*key).to_owned(), json!(value)));
        object["metadata"]["annotations"] = Value::Object(map.collect());
    }
    object
}

const ASKS: (&str, &str) = (PROVISION, "true");

fn create(object: &Value) -> Value {
    review("CREATE", object, &Value::Null)
}

fn update(object: &Value, old: &Value) -> Value {
    review("UPDATE", object, old)
}

/// What `/mutate` makes of the object of a review, and its warnings.
async fn mutated(bench: &Bench, request: &Value) -> (Value, Vec<String>) {
    let body = Bytes::from(request.to_string());
    let answer = bench.webhook.mutate(body, Duration::from_secs(5)).await;
    assert_eq!(answer.status, 200);
    let answer: Value = serde_json::from_slice(&answer.body).unwrap();
    contract::check(request, &answer, false);
    let mut object = request["request"]["object"].clone();
    if let Some(patch) = answer["response"].get("patch") {
        let patch: ByteString = serde_json::from_value(patch.clone()).unwrap();
        let patch: json_patch::Patch = serde_json::from_slice(&patch.0).unwrap();
        assert!(!patch.0.is_empty());
        let others = without_order(&object);
        json_patch::patch(&mut object, &patch).unwrap();
        assert_eq!(without_order(&object), others, "touched more than an order");
    }
    let warnings = answer["response"]["warnings"].as_array();
    let warnings = warnings.into_iter().flatten();
    (
        object,
        warnings
            .map(|text| text.as_str().unwrap().to_owned())
            .collect(),
    )
}

fn without_order(object: &Value) -> Value {
    let mut object = object.clone();
    let annotations = object["metadata"]["annotations"].as_object_mut();
    if let Some(annotations) = annotations {
        annotations.remove(ORDER);
        annotations.remove(ORDERED_BY);
    }
    if object["metadata"]["annotations"]
        .as_object()
        .is_none_or(serde_json::Map::is_empty)
    {
        object["metadata"]
            .as_object_mut()
            .unwrap()
            .remove("annotations");
    }
    object
}

fn order_on(object: &Value) -> (Option<&str>, Option<&str>) {
    let annotations = &object["metadata"]["annotations"];
    (
        annotations[ORDER].as_str(),
        annotations[ORDERED_BY].as_str(),
    )
}

#[tokio::test]
async fn a_binding_that_asks_gets_an_order_for_all_who_lack_something() {
    let bench = yes();
    let asking = annotated(&["bob", "covered", "alice"], &[ASKS]);
    let (object, warnings) = mutated(&bench, &create(&asking)).await;
    let expected = order(&["alice", "bob"]);
    assert_eq!(order_on(&object), (Some(&*expected), Some("carol")));
    assert!(warnings.is_empty());
    assert!(bench.has_metric("bindguard_orders_total{result=\"placed\"} 1"));

    // What comes of it.
    let response = bench.verdict(&create(&object)).await;
    assert_eq!(response["allowed"], true);
    let both = "spectro-list-namespaces, spectro-list-vmtemplates";
    assert_eq!(
        response["warnings"],
        json!([
            format!("RoleBinding dev/vm-users: {both} will be bound to User bob, as ordered"),
            format!("RoleBinding dev/vm-users: {both} will be bound to User alice, as ordered"),
        ])
    );
    assert_eq!(bench.reads(), 0);
    let line = &bench.audit_lines()[0];
    assert_eq!(
        (&line["decision"], &line["because"]),
        (&json!("warn"), &json!("order"))
    );
    assert_eq!(line["missing"][0]["ordered"], true);
    // Asked again, which happens after other webhooks: nothing changes.
    let (again, _) = mutated(&bench, &create(&object)).await;
    assert_eq!(again, object);
}

#[tokio::test]
async fn who_does_not_ask_lacks_nothing_or_is_not_judged_gets_none() {
    let bench = yes();
    let mut other_role = annotated(&["alice"], &[ASKS]);
    other_role["roleRef"]["name"] = json!("secret-reader");
    let mut deleting = annotated(&["alice"], &[ASKS]);
    deleting["metadata"]["deletionTimestamp"] = json!("2026-11-24T10:00:00Z");
    for object in [
        annotated(&["alice"], &[]),
        annotated(&["alice"], &[(PROVISION, "yes")]),
        annotated(&["covered"], &[ASKS]),
        annotated(&["system:anonymous"], &[ASKS]),
        other_role,
        deleting,
    ] {
        let (after, warnings) = mutated(&bench, &create(&object)).await;
        assert_eq!(after, object);
        assert!(warnings.is_empty(), "{warnings:?}");
    }
    let closed = Bench::new(Policy::built_in(), &[], Live::Fails);
    let asking = annotated(&["alice"], &[ASKS]);
    assert_eq!(mutated(&closed, &create(&asking)).await.0, asking);
    bench
        .webhook
        .orders
        .set(Err("the guard is gone".to_owned()));
    assert_eq!(mutated(&bench, &create(&asking)).await.0, asking);
    let told = bench.verdict(&create(&asking)).await;
    let message = told["status"]["message"].as_str().unwrap();
    let why = "The annotation bindguard.dev/provision has no effect: the guard is gone.";
    assert!(message.ends_with(why), "{message}");
}

#[tokio::test]
async fn mode_always_asks_for_all_and_disabled_for_nobody() {
    let mode = |mode| {
        let mut policy = Policy::built_in();
        policy.provisioning.mode = mode;
        taking(policy, Ok(Said::Yes))
    };
    let plain = annotated(&["alice"], &[]);
    let always = mode(ProvisioningMode::Always);
    let (object, _) = mutated(&always, &create(&plain)).await;
    assert_eq!(
        order_on(&object),
        (Some(&*order(&["alice"])), Some("carol"))
    );
    assert_eq!(always.verdict(&create(&object)).await["allowed"], true);
    always
        .webhook
        .orders
        .set(Err("the guard is gone".to_owned()));
    let told = always.verdict(&create(&plain)).await;
    let message = told["status"]["message"].as_str().unwrap();
    assert!(
        message.ends_with("\nIts companions are not made: the guard is gone."),
        "{message}"
    );
    let disabled = mode(ProvisioningMode::Disabled);
    let asking = annotated(&["alice"], &[ASKS]);
    assert_eq!(mutated(&disabled, &create(&asking)).await.0, asking);
    assert_eq!(disabled.verdict(&create(&object)).await["allowed"], false);
}

#[tokio::test]
async fn an_update_orders_for_whom_it_brings_in_and_labels_order_nothing() {
    let bench = yes();
    let old = annotated(&["alice"], &[ASKS]);
    let (after, _) = mutated(&bench, &update(&old, &old)).await;
    assert_eq!(after, old);
    let more = annotated(&["alice", "bob"], &[ASKS]);
    let (after, _) = mutated(&bench, &update(&more, &old)).await;
    assert_eq!(order_on(&after).0, Some(&*order(&["bob"])));
    let not_asking = annotated(&["alice"], &[]);
    let (after, _) = mutated(&bench, &update(&more, &not_asking)).await;
    assert_eq!(order_on(&after).0, Some(&*order(&["alice", "bob"])));
    // A label, a finalizer and an owner, each alone, in mode Always.
    let mut policy = Policy::built_in();
    policy.provisioning.mode = ProvisioningMode::Always;
    let always = taking(policy, Ok(Said::Yes));
    for (field, value) in [
        ("labels", json!({"a": "b"})),
        ("finalizers", json!(["example.com/x"])),
        ("ownerReferences", json!([{"name": "x", "uid": "y"}])),
    ] {
        let mut changed = old.clone();
        changed["metadata"][field] = value;
        assert_eq!(mutated(&always, &update(&changed, &old)).await.0, changed);
        assert_eq!(mutated(&always, &update(&old, &changed)).await.0, old);
    }
}

#[tokio::test]
async fn an_order_that_a_request_brings_itself_is_taken_off_or_put_back() {
    let bench = yes();
    let forged = order(&["alice"]);
    let old = order(&["old"]);
    let brings = annotated(
        &["alice"],
        &[(ORDER, &forged), (ORDERED_BY, "root"), ("a", "b")],
    );
    let (after, _) = mutated(&bench, &create(&brings)).await;
    assert_eq!(after, annotated(&["alice"], &[("a", "b")]));
    assert!(bench.has_metric("bindguard_orders_total{result=\"taken_off\"} 1"));
    let without = annotated(&["alice"], &[]);
    let (after, _) = mutated(&bench, &update(&brings, &without)).await;
    assert_eq!(order_on(&after), (None, None));
    // Even where nobody is judged, and of a role that is no persona.
    let closed = Bench::new(Policy::built_in(), &[], Live::Fails);
    let mut elsewhere = brings.clone();
    elsewhere["roleRef"]["name"] = json!("secret-reader");
    let (after, _) = mutated(&closed, &create(&elsewhere)).await;
    assert_eq!(order_on(&after), (None, None));
    let before = annotated(&["alice"], &[(ORDER, &old), (ORDERED_BY, "boris")]);
    for changed in [
        annotated(&["alice"], &[(ORDER, &forged), (ORDERED_BY, "boris")]),
        annotated(&["alice"], &[(ORDER, &old), (ORDERED_BY, "carol")]),
        annotated(&["alice"], &[(ORDER, &old)]),
    ] {
        let (after, _) = mutated(&bench, &update(&changed, &before)).await;
        assert_eq!(order_on(&after), (Some(&*old), Some("boris")));
    }
    // What stays or goes is nobody's business.
    for left_alone in [
        before.clone(),
        annotated(&["alice", "bob"], &[(ORDER, &old), (ORDERED_BY, "boris")]),
        annotated(&["alice"], &[(ORDERED_BY, "anybody")]),
        annotated(&["alice"], &[]),
        annotated(&["alice"], &[(ORDER, "canary"), (ORDERED_BY, "somebody")]),
    ] {
        let (after, _) = mutated(&bench, &update(&left_alone, &before)).await;
        assert_eq!(after, left_alone);
    }
    // One that asks besides gets its own.
    let asks = annotated(&["alice"], &[ASKS, (ORDER, "x"), (ORDERED_BY, "root")]);
    let (after, _) = mutated(&bench, &create(&asks)).await;
    assert_eq!(order_on(&after), (Some(&*forged), Some("carol")));
}

#[tokio::test]
async fn without_the_right_or_an_answer_there_is_no_order_a_warning_and_the_same_judgement() {
    for (said, why) in [
        (
            Ok(Said::No),
            "carol lacks \"create\" on clusterrolebindings, in the whole cluster",
        ),
        (
            Ok(Said::Failed("webhook down".to_owned())),
            "whether its requester may create companions could not be found out: webhook down",
        ),
        (
            Err("no connection".to_owned()),
            "whether its requester may create companions could not be found out: no connection",
        ),
    ] {
        let bench = taking(Policy::built_in(), said);
        let asking = annotated(&["alice"], &[ASKS]);
        let (after, warnings) = mutated(&bench, &create(&asking)).await;
        assert_eq!(after, asking);
        assert_eq!(warnings, [format!("bindguard: nothing is ordered: {why}")]);
        assert!(bench.has_metric("bindguard_orders_total{result=\"declined\"} 1"));
        let response = bench.verdict(&create(&after)).await;
        assert_eq!(response["allowed"], false);
        let message = response["status"]["message"].as_str().unwrap();
        assert!(message.contains("User alice lacks spectro-list-namespaces"));
        assert!(message.contains("has no effect: no order was placed; a warning says why"));
    }
}

#[tokio::test]
async fn what_does_not_fit_is_told_and_judged_as_usual() {
    let bench = yes();
    let long = "x".repeat(17_000);
    let (after, warnings) = mutated(&bench, &create(&annotated(&[&long], &[ASKS]))).await;
    assert_eq!(order_on(&after), (None, None));
    assert!(
        warnings[0].contains("the names are too long"),
        "{warnings:?}"
    );

    let length = order(&["alice"]).len();
    let fixed = "other".len() + PROVISION.len() + 4 + ORDER.len() + ORDERED_BY.len() + 5 + length;
    for (spare, fits) in [(0, false), (2, true)] {
        // Two bytes are lost to the quotes of what is not decoded.
        let filler = "y".repeat(262_144 - fixed - spare);
        let object = annotated(&["alice"], &[ASKS, ("other", &filler)]);
        let (after, warnings) = mutated(&bench, &create(&object)).await;
        assert_eq!(order_on(&after).0.is_some(), fits, "{spare}");
        assert_eq!(warnings.is_empty(), fits);
        if !fits {
            assert!(warnings[0].contains("leave no room"), "{warnings:?}");
        }
    }
    let names: Vec<String> = (0..2_000).map(|number| format!("user-{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let object = annotated(&names, &[ASKS]);
    let (after, _) = mutated(&bench, &create(&object)).await;
    assert_eq!(order_on(&after), (None, None));
    let response = bench.verdict(&create(&object)).await;
    let message = response["status"]["message"].as_str().unwrap();
    assert!(
        message.ends_with(
            "has no effect: it would be for 2000 subjects, and \
             provisioning.maxSubjectsPerBinding is 20."
        ),
        "{message}"
    );
}

#[tokio::test]
async fn an_order_that_does_not_count_is_told_why_and_covers_nobody() {
    let bench = yes();
    let good = order(&["alice"]);
    let other = Order::new(
        EpochValue::fresh().unwrap(),
        jiff::Timestamp::UNIX_EPOCH,
        [Identity::User("alice")],
    );
    let other = other.encode().unwrap();
    for (order, by, why) in [
        (&*good, "carol", None),
        (
            &*other,
            "carol",
            Some("its order does not count: it was placed while the guard"),
        ),
        (
            &*good,
            "",
            Some("the annotation bindguard.dev/ordered-by says nobody"),
        ),
        (
            &*good,
            "system:serviceaccount:a:b",
            Some("a ServiceAccount may order"),
        ),
        (
            "canary",
            "carol",
            Some("it is the word by which the guard is tried"),
        ),
        ("{}", "carol", Some("it is not as bindguard writes orders")),
    ] {
        let object = annotated(&["alice"], &[ASKS, (ORDER, order), (ORDERED_BY, by)]);
        let response = bench.verdict(&create(&object)).await;
        assert_eq!(response["allowed"], why.is_none(), "{order}");
        if let Some(why) = why {
            let message = response["status"]["message"].as_str().unwrap();
            assert!(message.contains(why), "{message}");
        }
    }
    // It covers those whom it names, and the rest is refused by name.
    let object = annotated(
        &["alice", "bob"],
        &[ASKS, (ORDER, &good), (ORDERED_BY, "carol")],
    );
    let response = bench.verdict(&create(&object)).await;
    let message = response["status"]["message"].as_str().unwrap();
    assert!(
        message.contains("User bob lacks") && !message.contains("alice"),
        "{message}"
    );
    assert!(
        message.contains("does not count: it is for none of"),
        "{message}"
    );
}

#[tokio::test]
async fn a_denial_says_how_to_order_to_whom_it_may_help() {
    let bench = yes();
    let plain = annotated(&["alice"], &[]);
    let message = |response: &Value| response["status"]["message"].as_str().unwrap().to_owned();
    let how = "Or have them made: set the annotation bindguard.dev/provision: \"true\"";
    assert!(message(&bench.verdict(&create(&plain)).await).contains(how));
    let mut by_account = create(&plain);
    by_account["request"]["userInfo"]["username"] = json!("system:serviceaccount:a:b");
    assert!(!message(&bench.verdict(&by_account).await).contains(how));
    bench.webhook.orders.set(Err("off".to_owned()));
    assert!(!message(&bench.verdict(&create(&plain)).await).contains(how));
}

#[tokio::test]
async fn what_is_ordered_is_also_told_where_the_rest_only_warns_and_to_dry_runs() {
    let policy = Policy {
        action: Action::Warn,
        ..Policy::built_in()
    };
    let bench = taking(policy, Ok(Said::Yes));
    let good = order(&["alice"]);
    let object = annotated(
        &["alice", "bob"],
        &[ASKS, (ORDER, &good), (ORDERED_BY, "carol")],
    );
    let mut request = create(&object);
    request["request"]["dryRun"] = json!(true);
    let response = bench.verdict(&request).await;
    let warnings = response["warnings"].to_string();
    assert!(
        warnings.contains("would be bound to User alice, as ordered"),
        "{warnings}"
    );
    assert!(warnings.contains("User bob lacks"), "{warnings}");
}

fn annotations() -> impl Strategy<Value = Vec<(&'static str, String)>> {
    let value = select(&["true", "canary", "", "carol", "root", "{}"][..]);
    vec(
        (select(&[ORDER, ORDERED_BY, PROVISION, "other"][..]), value),
        0..5,
    )
    .prop_map(|all| {
        all.into_iter()
            .map(|(key, value)| (key, value.to_owned()))
            .collect()
    })
}

proptest! {
    /// Of whatever a request brings: no order leaves `/mutate` but what was there before, what was
    /// stamped just now under the requester's own name, and the canary.
    #[test]
    fn no_order_of_a_request_s_own_leaves_mutate(
        new in annotations(),
        old in option::of(annotations()),
        right in any::<bool>(),
        users in vec(select(&["alice", "bob", "covered"][..]), 0..3),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let bench = taking(Policy::built_in(), Ok(if right { Said::Yes } else { Said::No }));
            let borrowed = |all: &[(&'static str, String)]| -> Vec<(&'static str, String)> { all.to_vec() };
            let object = |all: &[(&'static str, String)]| {
                let all: Vec<(&str, &str)> = all.iter().map(|(key, value)| (*key, value.as_str())).collect();
                annotated(&users, &all)
            };
            let new_object = object(&borrowed(&new));
            let old_object = old.as_ref().map(|old| object(old));
            let request = match &old_object {
                Some(old) => update(&new_object, old),
                None => create(&new_object),
            };
            let (after, _) = mutated(&bench, &request).await;
            let (order, by) = order_on(&after);
            let Some(order) = order else { return Ok(()) };
            let stamped = Order::parse(order).is_ok();
            if stamped {
                prop_assert!(right && by == Some("carol"));
            } else if order != "canary" {
                let old_object = old_object.expect("an order that was there");
                let (old_order, old_by) = order_on(&old_object);
                prop_assert_eq!(order, old_order.unwrap_or_default());
                prop_assert_eq!(by.unwrap_or_default(), old_by.unwrap_or_default());
            }
            Ok(())
        })?;
    }
}
