//! Manifests and policies that change while the server runs.

use std::fs;

use serde_json::Value;

use super::client::Call;
use super::review::{create, role_binding, user};
use super::world::{COMPANIONS, World, companions_of, policy, within};

/// `dave` becomes a VM user.
fn dave() -> Value {
    create(&role_binding("view", &[user("dave")]))
}

fn decision(world: &World) -> String {
    world.ask(&dave()).decision().to_owned()
}

#[test]
fn companions_that_were_just_added_count_at_once() {
    let world = World::new();
    assert_eq!(decision(&world), "deny");
    // Each time the index knows of nothing yet, so that only the confirming read can find it.
    for number in 0..5 {
        let name = format!("user-{number}");
        world.write(&format!("manifests/{name}.yaml"), companions_of(&name));
        let verdict = world.ask(&create(&role_binding("view", &[user(&name)])));
        assert_eq!(verdict.decision(), "allow", "{verdict:?}");
    }
    assert!(world.metric(r#"bindguard_confirmations_total{result="found"}"#) >= 1);
}

#[test]
fn companions_that_are_removed_or_changed_count_no_more_within_three_seconds() {
    let world = World::new();
    // A hit in the index allows without another look, so the index itself must know of them first.
    let index_has = |entries| {
        within(3, "the index follows", || {
            world.metric("bindguard_holdings_entries") == entries
        });
    };
    world.write("manifests/dave.yaml", companions_of("dave"));
    index_has(9);
    assert_eq!(decision(&world), "allow");
    world.write("manifests/dave.yaml", companions_of("erin"));
    within(3, "a change is seen", || decision(&world) == "deny");
    world.write("manifests/dave.yaml", companions_of("dave"));
    within(3, "and back", || decision(&world) == "allow");
    fs::remove_file(world.path("manifests/companions.yaml")).unwrap();
    index_has(2);
    assert_eq!(decision(&world), "allow");
    fs::remove_file(world.path("manifests/dave.yaml")).unwrap();
    within(3, "a removal is seen", || decision(&world) == "deny");
    world.check_health();
}

#[test]
fn a_manifest_that_breaks_takes_nothing_else_with_it() {
    let world = World::new();
    world.write("manifests/broken.yaml", "a: [\n");
    within(3, "the broken file is logged", || {
        world
            .bindguard
            .stderr()
            .contains("broken.yaml:1:4: unclosed bracket")
    });
    let alice = create(&role_binding("view", &[user("alice")]));
    assert_eq!(world.ask(&alice).decision(), "allow");
    assert_eq!(decision(&world), "deny");
}

#[test]
fn an_edit_of_the_policy_counts_within_ten_seconds_and_a_broken_one_never() {
    let world = World::with_policy(&policy("action: Deny"));
    assert_eq!(decision(&world), "deny");

    world.write("policy.yaml", policy("action: Warn"));
    within(10, "an edit is in force", || decision(&world) == "warn");
    let reloaded = |result| {
        world.metric(&format!(
            "bindguard_policy_reloads_total{{result=\"{result}\"}}"
        ))
    };
    assert_eq!((reloaded("ok"), reloaded("failed")), (1, 0));

    world.write("policy.yaml", policy("actoin: Deny"));
    within(10, "a broken edit is counted", || reloaded("failed") == 1);
    assert_eq!(decision(&world), "warn");
    let log = world.bindguard.stderr();
    let told = log
        .lines()
        .find(|line| line.contains("spec.actoin: unknown field"));
    let told = told.unwrap_or_else(|| panic!("the log says nothing of it\n{log}"));
    assert!(told.contains("policy.yaml:4:8"), "{told}");
    assert!(!told.contains(r#""level":"INFO""#), "{told}");

    world.write("policy.yaml", policy("action: Deny"));
    within(10, "the mended file is in force", || {
        decision(&world) == "deny"
    });
    assert_eq!((reloaded("ok"), reloaded("failed")), (2, 1));
}

#[test]
fn a_policy_of_other_roles_and_companions_counts_as_a_whole() {
    let world = World::with_policy(&policy("action: Deny"));
    world.write(
        "policy.yaml",
        policy(
            "personas: [{name: ours, clusterRoles: [operator]}], companions: [{clusterRole: badge}]",
        ),
    );
    let operator = |name| create(&role_binding("operator", &[user(name)]));
    within(10, "the new persona is judged", || {
        world.ask(&operator("dave")).decision() == "deny"
    });
    // Alice holds the companions of before and not this one, and `view` is no persona any more.
    let message = world.ask(&operator("alice")).message;
    assert!(message.contains("User alice lacks badge\n"), "{message}");
    assert_eq!(decision(&world), "allow");
    world.write(
        "manifests/badge.yaml",
        COMPANIONS.replace("spectro-list-namespaces", "badge"),
    );
    assert_eq!(world.ask(&operator("alice")).decision(), "allow");
}

#[test]
fn a_folder_that_goes_away_takes_nobodys_companions_and_what_is_unknown_is_not_guessed() {
    let world = World::new();
    let alice = || create(&role_binding("view", &[user("alice")]));
    let ask_dave = || {
        let call = Call::post("/validate", dave().to_string());
        world.connect().send(call).unwrap()
    };
    fs::rename(world.path("manifests"), world.path("elsewhere")).unwrap();
    within(5, "it is logged with the reason", || {
        let log = world.bindguard.stderr();
        let told = |line: &str| line.contains("cannot be read") && line.contains("No such file");
        log.lines().any(told)
    });
    assert_eq!(world.ask(&alice()).decision(), "allow");
    let undecided = ask_dave();
    assert_eq!(undecided.status, 503);
    assert_eq!(undecided.headers["retry-after"], "1");
    let status = undecided.json();
    assert_eq!(status["kind"], "Status");
    let message = status["message"].as_str().unwrap();
    assert!(
        message.starts_with("bindguard: a companion seems to be missing"),
        "{message}"
    );
    assert!(world.bindguard.audit_lines().is_empty());

    fs::rename(world.path("elsewhere"), world.path("manifests")).unwrap();
    assert_eq!(world.ask(&alice()).decision(), "allow");
    within(5, "decisions are made again", || ask_dave().status == 200);
}
