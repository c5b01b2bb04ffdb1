//! What passes: with a warning, with a record, or without a word.

use serde_json::{Value, json};

use super::world::{
    NAMESPACES, TEMPLATES, World, both, cluster_role_binding, delete, missing, policy,
    policy_with_implied, role_binding, update, warnings,
};
use crate::admission::tests::bench::message;
use crate::domain::policy::{Action, Policy, UmbrellaGroups};
use crate::domain::text::needs_escape;
use crate::state::personas::PersonaBinding;

/// Alice is a VM user twice, and bob once; both are covered by one binding for each companion.
fn team() -> Vec<PersonaBinding> {
    let mut team = both(&["alice", "bob"]);
    team.push(role_binding(
        "dev",
        "users",
        "spectro-vm-user",
        &["alice", "bob"],
    ));
    team.push(role_binding(
        "ops",
        "admins",
        "spectro-vm-admin",
        &["alice"],
    ));
    team
}

#[tokio::test]
async fn a_deletion_warns_of_each_who_loses_and_says_how_to_give_it_back() {
    let team = team();
    let world = World::new(Policy::built_in(), team.clone());
    let (response, line) = world.asked(&delete(&team[0])).await;
    insta::assert_snapshot!(warnings(&response).join("\n"), @r"
    User alice loses spectro-list-namespaces, needed for spectro-vm-user, spectro-vm-admin (2 bindings), without ClusterRoleBinding spectro-list-namespaces
    User bob loses spectro-list-namespaces, needed for spectro-vm-user (1 binding), without ClusterRoleBinding spectro-list-namespaces
    to give it back: kubectl create clusterrolebinding spectro-list-namespaces-62df5310 --clusterrole=spectro-list-namespaces --user=alice --user=bob
    ");
    assert_eq!(line["decision"], "warn");
    assert!(
        world
            .bench
            .has_metric("bindguard_companion_removals_total{decision=\"warn\"} 1")
    );
}

#[tokio::test]
async fn the_record_says_what_is_lost_and_by_which_persona_bindings() {
    let team = team();
    let world = World::new(policy(Action::Audit), team.clone());
    let (response, line) = world.asked(&delete(&team[0])).await;
    assert_eq!(response["warnings"], Value::Null);
    assert_eq!(
        line,
        json!({
            "time": "1970-01-01T00:00:00Z",
            "decision": "audit",
            "rule": "companion_removal",
            "because": "action",
            "uid": "u-1",
            "operation": "DELETE",
            "dry_run": false,
            "requester": {"username": "carol", "groups": ["admins", "system:authenticated"]},
            "caller": "unverified",
            "binding": {"kind": "ClusterRoleBinding", "name": NAMESPACES},
            "companion": NAMESPACES,
            "policy": "vmo",
            "persona_bindings": [
                {"kind": "RoleBinding", "namespace": "dev", "name": "users"},
                {"kind": "RoleBinding", "namespace": "ops", "name": "admins"},
            ],
            "persona_bindings_total": 2,
            "missing": [
                {"subject": {"kind": "User", "name": "alice"}, "companion": NAMESPACES,
                 "lost": true},
                {"subject": {"kind": "User", "name": "bob"}, "companion": NAMESPACES,
                 "lost": true},
            ],
            "missing_total": 2,
        })
    );
    let record = response["auditAnnotations"]["record"].as_str().unwrap();
    assert_eq!(serde_json::from_str::<Value>(record).unwrap(), line);
}

#[tokio::test]
async fn a_second_binding_to_the_same_companion_keeps_everybody_covered() {
    let mut team = team();
    team.push(cluster_role_binding("again", NAMESPACES, &["bob", "alice"]));
    let world = World::new(policy(Action::Deny), team.clone());
    for request in [delete(&team[0]), delete(team.last().unwrap())] {
        let (response, line) = world.asked(&request).await;
        assert_eq!(response, json!({"uid": "u-1", "allowed": true}));
        assert_eq!(line, Value::Null);
    }
}

#[tokio::test]
async fn an_update_takes_only_from_those_whom_it_no_longer_names() {
    let team = team();
    let world = World::new(policy(Action::Audit), team.clone());
    let (_, line) = world.asked(&update(&team[1], &["alice", "carol"])).await;
    assert_eq!(missing(&line), [format!("lost User bob: {TEMPLATES}")]);
    assert_eq!(line["operation"], "UPDATE");
    let (_, line) = world
        .asked(&update(&team[1], &["carol", "bob", "alice"]))
        .await;
    assert_eq!(line, Value::Null);
}

#[tokio::test]
async fn the_two_spellings_of_a_service_account_are_one() {
    let mut bindings = both(&["ServiceAccount dev/bot"]);
    let user = "User system:serviceaccount:dev:bot";
    bindings.push(role_binding("dev", "bots", "spectro-vm-user", &[user]));
    let world = World::new(policy(Action::Audit), bindings.clone());
    let (_, line) = world.asked(&update(&bindings[0], &[user])).await;
    assert_eq!(line, Value::Null);
    let (_, line) = world.asked(&delete(&bindings[0])).await;
    assert_eq!(
        missing(&line),
        [format!("lost ServiceAccount bot: {NAMESPACES}")]
    );
}

#[tokio::test]
async fn those_whom_only_a_group_covered_are_counted_and_not_named() {
    let mut bindings = both(&["Group system:authenticated", "zoe"]);
    bindings.push(role_binding(
        "dev",
        "users",
        "spectro-vm-user",
        &["alice", "zoe"],
    ));
    bindings.push(role_binding(
        "ops",
        "users",
        "spectro-vm-user",
        &["bob", "alice"],
    ));
    bindings.push(cluster_role_binding("again", NAMESPACES, &["bob"]));
    let world = World::new(Policy::built_in(), bindings.clone());
    let (response, line) = world.asked(&delete(&bindings[0])).await;
    insta::assert_snapshot!(warnings(&response).join("\n"), @r"
    User zoe loses spectro-list-namespaces, needed for spectro-vm-user (1 binding), without ClusterRoleBinding spectro-list-namespaces
    1 more subject loses companions (covered only by Group system:authenticated), without ClusterRoleBinding spectro-list-namespaces
    to give it back: kubectl create clusterrolebinding spectro-list-namespaces-da9a8d8c --clusterrole=spectro-list-namespaces --user=zoe
    ");
    assert_eq!(line["missing_total"], 2);
    let (response, _) = world.asked(&update(&bindings[0], &["zoe"])).await;
    insta::assert_snapshot!(warnings(&response).join("\n"), @"1 subject loses companions (covered only by Group system:authenticated), by this change of ClusterRoleBinding spectro-list-namespaces");
}

#[tokio::test]
async fn an_umbrella_group_that_does_not_count_takes_nothing_with_it() {
    let mut policy = policy(Action::Audit);
    policy.umbrella_groups = UmbrellaGroups::Ignore;
    let mut bindings = both(&["Group system:authenticated"]);
    bindings.push(role_binding("dev", "users", "spectro-vm-user", &["alice"]));
    let world = World::new(policy, bindings.clone());
    let (_, line) = world.asked(&delete(&bindings[0])).await;
    assert_eq!(line, Value::Null);
}

#[tokio::test]
async fn what_implies_a_companion_is_a_companion_binding_too() {
    let mut bindings = both(&["bob"]);
    bindings.push(cluster_role_binding("root", "cluster-admin", &["alice"]));
    bindings.push(cluster_role_binding("t", TEMPLATES, &["alice"]));
    bindings.push(role_binding("dev", "users", "spectro-vm-user", &["alice"]));
    let world = World::new(policy_with_implied(Action::Audit), bindings.clone());
    let (_, line) = world.asked(&delete(&bindings[2])).await;
    assert_eq!(missing(&line), [format!("lost User alice: {NAMESPACES}")]);
    assert_eq!(line["companion"], "cluster-admin");
    assert_eq!(
        line["persona_bindings_total"], 1,
        "it binds no persona any more"
    );
}

#[tokio::test]
async fn a_persona_binding_that_is_a_companion_too_is_judged_by_both_rules_in_one_record() {
    let root = cluster_role_binding("root", "cluster-admin", &["alice", "bob"]);
    let bindings = vec![
        root.clone(),
        cluster_role_binding("t", TEMPLATES, &["bob"]),
        role_binding("dev", "users", "spectro-vm-user", &["bob"]),
    ];
    let world = World::new(policy_with_implied(Action::Warn), bindings);
    let (response, line) = world.asked(&update(&root, &["alice"])).await;
    assert_eq!(
        missing(&line),
        [
            format!("lost User bob: {NAMESPACES}"),
            format!("User alice: {TEMPLATES}")
        ]
    );
    assert_eq!(line["rule"], "companion_removal");
    assert_eq!(line["persona"], "cluster-admin");
    let warnings = warnings(&response).join("\n");
    assert!(warnings.contains("User bob loses") && warnings.contains("User alice lacks"));
}

#[tokio::test]
async fn what_the_persona_rule_refuses_is_not_judged_as_a_removal() {
    let root = cluster_role_binding("root", "cluster-admin", &["bob"]);
    let bindings = vec![
        root.clone(),
        cluster_role_binding("t", TEMPLATES, &["bob"]),
        role_binding("dev", "users", "spectro-vm-user", &["bob"]),
    ];
    let world = World::new(policy_with_implied(Action::Warn), bindings);
    let (response, line) = world.asked(&update(&root, &["alice"])).await;
    assert_eq!(response["allowed"], false);
    assert_eq!(line["rule"], "persona");
    assert_eq!(missing(&line), [format!("User alice: {TEMPLATES}")]);
}

#[tokio::test]
async fn other_bindings_and_deletions_that_have_begun_pass_without_a_word() {
    let team = team();
    let other = cluster_role_binding("other", "some-role", &["alice"]);
    let persona = cluster_role_binding("admins", "view", &["alice"]);
    let mut terminating = delete(&team[0]);
    terminating["request"]["oldObject"]["metadata"]["deletionTimestamp"] =
        json!("2026-11-24T00:00:00Z");
    let mut role_binding = delete(&team[0]);
    role_binding["request"]["kind"]["kind"] = json!("RoleBinding");
    role_binding["request"]["namespace"] = json!("dev");
    let world = World::new(policy(Action::Deny), team);
    for request in [delete(&other), delete(&persona), terminating, role_binding] {
        let (response, line) = world.asked(&request).await;
        assert_eq!(response, json!({"uid": "u-1", "allowed": true}));
        assert_eq!(line, Value::Null);
    }
}

#[tokio::test]
async fn before_persona_bindings_were_read_only_what_takes_something_away_has_to_wait() {
    let team = team();
    let world = World::without_personas(Policy::built_in(), team.clone());
    let answer = world.bench.validate(&delete(&team[0])).await;
    assert!(message(&answer).contains("have not been read yet"));
    let (_, line) = world
        .asked(&update(&team[0], &["bob", "alice", "eve"]))
        .await;
    assert_eq!(line, Value::Null);
}

const NOT_KNOWN: &str = "bindguard: from whom this takes companions is not known: the cluster's \
                         persona bindings have not been read yet";

#[tokio::test]
async fn a_call_that_the_persona_rule_decides_never_waits_for_persona_bindings() {
    let root = cluster_role_binding("root", "cluster-admin", &["alice", "bob"]);
    let mut bindings = both(&["alice", "bob"]);
    bindings.push(root.clone());
    bindings.swap_remove(0);
    for (action, told) in [
        (Action::Audit, ""),
        (Action::Warn, NOT_KNOWN),
        (Action::Deny, NOT_KNOWN),
    ] {
        let world = World::without_personas(policy_with_implied(action), bindings.clone());
        let (response, line) = world.asked(&update(&root, &["alice"])).await;
        assert_eq!(response["allowed"], true);
        assert_eq!(warnings(&response).join("\n"), told);
        assert_eq!(line, Value::Null);
    }
    // Beside what the persona rule warns of.
    let root = cluster_role_binding("root", "cluster-admin", &["alice", "bob", "zoe"]);
    let world = World::without_personas(policy_with_implied(Action::Warn), vec![root.clone()]);
    let (response, line) = world.asked(&update(&root, &["alice"])).await;
    let told = warnings(&response).join("\n");
    assert!(
        told.contains("User alice lacks") && told.ends_with(NOT_KNOWN),
        "{told}"
    );
    assert_eq!(line["rule"], "persona");
}

#[tokio::test]
async fn hostile_names_are_escaped() {
    let hostile = "a\n\u{1b}[2J\u{202e}";
    let mut bindings = vec![cluster_role_binding("b\u{9b}", NAMESPACES, &[hostile])];
    bindings.push(role_binding("dev", "users", "spectro-vm-user", &[hostile]));
    for action in [Action::Warn, Action::Deny] {
        let world = World::new(policy(action), bindings.clone());
        let (response, _) = world.asked(&delete(&bindings[0])).await;
        let told = format!("{}{}", response["warnings"], response["status"]["message"]);
        assert!(told.contains("a\\\\u{a}"), "{told}");
        assert!(!told.chars().any(needs_escape));
    }
}
