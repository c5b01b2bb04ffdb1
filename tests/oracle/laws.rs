//! What must hold of the rule whatever the oracle says.

use std::collections::BTreeSet;

use bindguard::domain::holdings::Holdings as _;
use bindguard::domain::identity::Identity;
use serde_json::{Value, json};

use crate::case::{Case, World, for_each};
use crate::names;
use crate::random::Random;
use crate::rule;
use crate::verdict::Verdict;
use crate::world;

/// How many cases each law is held over.
const CASES: u64 = 4_000;

fn subjects<'c>(case: &'c mut Case<'_>) -> Option<&'c mut Vec<Value>> {
    let subjects = case.review.pointer_mut("/request/object/subjects");
    subjects.and_then(Value::as_array_mut)
}

/// Makes the review an update of the binding in it, which it returns.
fn as_update(case: &mut Case<'_>) -> Value {
    let request = &mut case.review["request"];
    let side = match request["operation"].as_str() {
        Some("DELETE") => "oldObject",
        _ => "object",
    };
    let binding = request[side].clone();
    request["operation"] = json!("UPDATE");
    request["object"] = binding.clone();
    request["oldObject"] = binding.clone();
    binding
}

fn pairs(verdict: &Verdict) -> BTreeSet<(&str, &str)> {
    let pairs = verdict.missing.iter().flat_map(|lack| {
        let companions = lack.companions.iter();
        companions.map(|companion| (lack.who.as_str(), companion.as_str()))
    });
    pairs.collect()
}

#[test]
fn order_never_matters() {
    for_each(CASES, |case| {
        let before = case.world.judge(&case.review).sorted();
        let mut random = case.random.clone();
        if let Some(subjects) = subjects(case) {
            random.shuffle(subjects);
        }
        let mut cluster = case.world.cluster.clone();
        random.shuffle(&mut cluster);
        let world = case.world.with_cluster(cluster);
        assert_eq!(world.judge(&case.review).sorted(), before);
    });
}

#[test]
fn removing_subjects_never_denies() {
    for_each(CASES, |case| {
        as_update(case);
        let mut random = case.random.clone();
        if let Some(subjects) = subjects(case) {
            subjects.retain(|_| random.one_in(2));
        }
        assert_ne!(case.world.judge(&case.review).decision, "deny");
    });
}

#[test]
fn an_update_that_leaves_the_subjects_alone_never_denies() {
    for_each(CASES, |case| {
        as_update(case);
        case.review["request"]["object"]["metadata"]["labels"] = json!({"new": "label"});
        let mut random = case.random.clone();
        if let Some(subjects) = subjects(case) {
            random.shuffle(subjects);
            subjects.extend(subjects.first().cloned());
        }
        assert_ne!(case.world.judge(&case.review).decision, "deny");
    });
}

#[test]
fn deletions_are_never_denied() {
    for_each(CASES, |case| {
        as_update(case);
        let request = &mut case.review["request"];
        request["operation"] = json!("DELETE");
        request["object"] = Value::Null;
        assert_eq!(case.world.judge(&case.review), Verdict::allow());
    });
}

/// The other spelling of a ServiceAccount in a binding of this namespace.
fn respelled(subject: &Value, namespace: &str) -> Option<Value> {
    let text = |field: &str| subject[field].as_str().unwrap_or_default();
    match (text("kind"), text("apiGroup")) {
        ("User", "" | world::RBAC) => {
            let rest = text("name").strip_prefix("system:serviceaccount:")?;
            let (namespace, name) = rest.rsplit_once(':')?;
            (!namespace.is_empty() && !name.is_empty())
                .then(|| json!({"kind": "ServiceAccount", "namespace": namespace, "name": name}))
        }
        ("ServiceAccount", "") => {
            let own = Some(text("namespace")).filter(|own| !own.is_empty());
            let namespace = own.unwrap_or(namespace);
            let name = format!("system:serviceaccount:{namespace}:{}", text("name"));
            (!namespace.is_empty()).then(|| json!({"kind": "User", "name": name}))
        }
        _ => None,
    }
}

fn respell(binding: &mut Value, namespace: &str, random: &mut Random) {
    let subjects = binding.get_mut("subjects").and_then(Value::as_array_mut);
    for subject in subjects.into_iter().flatten() {
        if let Some(other) = respelled(subject, namespace).filter(|_| !random.one_in(3)) {
            *subject = other;
        }
    }
}

#[test]
fn both_spellings_of_a_service_account_are_judged_alike() {
    for_each(CASES, |case| {
        let before = case.world.judge(&case.review);
        let mut random = case.random.clone();
        let mut cluster = case.world.cluster.clone();
        for binding in &mut cluster {
            if binding["kind"] == "ClusterRoleBinding" {
                respell(binding, "", &mut random);
            }
        }
        let request = &mut case.review["request"];
        let namespace = request["namespace"].as_str().unwrap_or_default().to_owned();
        respell(&mut request["object"], &namespace, &mut random);
        respell(&mut request["oldObject"], &namespace, &mut random);
        let world = case.world.with_cluster(cluster);
        assert_eq!(world.judge(&case.review), before);
    });
}

#[test]
fn more_holdings_never_make_more_missing() {
    for_each(CASES, |case| {
        let fewer = case.world.judge(&case.review);
        let mut cluster = case.world.cluster.clone();
        cluster.extend(world::cluster(&mut case.random));
        let more = case.world.with_cluster(cluster).judge(&case.review);
        assert!(
            pairs(&more).is_subset(&pairs(&fewer)),
            "{more:?}\n{fewer:?}"
        );
        if fewer.decision == "allow" {
            assert_eq!(more, fewer);
        }
    });
}

#[test]
fn the_index_agrees_with_a_search_through_all_bindings() {
    let mut asked = vec![];
    for name in names::all() {
        asked.extend([Identity::user(name), Identity::group(name)]);
        for namespace in ["ci", "dev", "a:b", "*"] {
            asked.push(Identity::ServiceAccount {
                namespace,
                name: "bot",
            });
        }
    }
    for_each(CASES, |case| {
        let World {
            policy,
            index,
            bound,
            ..
        } = case.world;
        let identity = case.random.pick(&asked);
        let who = rule::name(identity);
        let held = index.held_by(identity);
        for (position, companion) in policy.companions.iter().enumerate() {
            let mut givers = companion.implied_by.iter().chain([&companion.cluster_role]);
            let expected = givers.any(|role| bound.holds(role, &who));
            assert_eq!(held.contains(position), expected, "{who} {companion:?}");
        }
    });
}
