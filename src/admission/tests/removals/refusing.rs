//! What is refused under `companionRemoval: Deny`, and what is read before that.

use std::time::Duration;

use serde_json::{Value, json};

use super::world::{
    NAMESPACES, Reads, World, both, cluster_role_binding, delete, missing, policy, role_binding,
    update, warnings,
};
use crate::admission::tests::bench::message;
use crate::domain::identity::SubjectKind;
use crate::domain::policy::{Action, DryRun, PolicySubject};
use crate::state::personas::PersonaBinding;

fn alone() -> Vec<PersonaBinding> {
    let mut bindings = both(&["alice"]);
    bindings.push(role_binding("dev", "users", "spectro-vm-user", &["alice"]));
    bindings
}

fn refusal(response: &Value) -> &str {
    assert_eq!(response["allowed"], false, "{response}");
    assert_eq!(response["status"]["reason"], "Forbidden");
    response["status"]["message"].as_str().unwrap()
}

#[tokio::test]
async fn a_refusal_names_who_would_lose_what_and_what_to_do_first() {
    let mut bindings = both(&["alice", "Group devs"]);
    let subjects = ["alice", "Group devs"];
    bindings.push(role_binding("dev", "users", "spectro-vm-user", &subjects));
    bindings.push(role_binding("ops", "users", "spectro-vm-admin", &["alice"]));
    let world = World::new(policy(Action::Deny), bindings.clone());
    let (response, line) = world.asked(&delete(&bindings[0])).await;
    insta::assert_snapshot!(refusal(&response), @r"
    Deleting ClusterRoleBinding spectro-list-namespaces takes companions from VM users, without which the VM console does not work:
      User alice loses spectro-list-namespaces, needed for spectro-vm-user, spectro-vm-admin (2 bindings)
      Group devs loses spectro-list-namespaces, needed for spectro-vm-user (1 binding)
    Remove their bindings to the personas first, or bind the companions to them by other ClusterRoleBindings:
      kubectl create clusterrolebinding spectro-list-namespaces-be66bffa --clusterrole=spectro-list-namespaces --user=alice --group=devs
    Members of system:masters are not refused this, only warned.
    ");
    assert_eq!(
        (&line["decision"], &line["rule"]),
        (&json!("deny"), &json!("companion_removal"))
    );
    assert_eq!(line["persona_bindings_total"], 2);
    assert!(
        world
            .bench
            .has_metric("bindguard_decisions_total{decision=\"deny\"} 1")
    );
    assert!(
        world
            .bench
            .has_metric("bindguard_audit_lines_total{decision=\"deny\"} 1")
    );
    let (response, _) = world.asked(&update(&bindings[0], &["alice"])).await;
    insta::assert_snapshot!(refusal(&response), @r"
    Changing ClusterRoleBinding spectro-list-namespaces takes companions from VM users, without which the VM console does not work:
      Group devs loses spectro-list-namespaces, needed for spectro-vm-user (1 binding)
    Remove their bindings to the personas first, or bind the companions to them by other ClusterRoleBindings:
      kubectl create clusterrolebinding spectro-list-namespaces-fcea97a0 --clusterrole=spectro-list-namespaces --group=devs
    Members of system:masters are not refused this, only warned.
    ");
}

#[tokio::test]
async fn who_is_never_refused_is_warned() {
    let mut policy = policy(Action::Deny);
    policy.exempt.requesters = vec![PolicySubject {
        kind: SubjectKind::Group,
        name: "gitops".to_owned(),
        namespace: String::new(),
    }];
    let bindings = alone();
    let world = World::new(policy, bindings.clone());
    for (user, group, refused) in [
        ("carol", "admins", true),
        ("carol", "system:masters", false),
        ("carol", "gitops", false),
        (
            "system:serviceaccount:kube-system:generic-garbage-collector",
            "x",
            false,
        ),
        (
            "system:serviceaccount:kube-system:namespace-controller",
            "x",
            false,
        ),
        ("system:kube-controller-manager", "x", false),
        (
            "system:serviceaccount:default:generic-garbage-collector",
            "x",
            true,
        ),
    ] {
        let mut request = delete(&bindings[0]);
        request["request"]["userInfo"] = json!({"username": user, "groups": [group]});
        let (response, line) = world.asked(&request).await;
        if refused {
            refusal(&response);
        } else {
            let warning = warnings(&response)[0];
            assert!(warning.ends_with("; others are refused this"), "{warning}");
            assert_eq!(line["because"], "requester");
        }
    }
}

#[tokio::test]
async fn a_dry_run_is_refused_unless_the_policy_only_warns_those() {
    let bindings = alone();
    for (dry_run, refused) in [(DryRun::Enforce, true), (DryRun::Warn, false)] {
        let mut policy = policy(Action::Deny);
        policy.dry_run = dry_run;
        let world = World::new(policy, bindings.clone());
        let mut request = delete(&bindings[0]);
        request["request"]["dryRun"] = json!(true);
        let (response, line) = world.asked(&request).await;
        assert_eq!(response["allowed"], !refused);
        assert_eq!(line["dry_run"], true);
        assert_eq!(line["because"] == "dry_run", !refused);
    }
}

#[tokio::test]
async fn nothing_is_refused_for_what_is_no_longer_so() {
    let bindings = alone();
    let without_persona = bindings[..2].to_vec();
    let mut now_covered = bindings.clone();
    now_covered.push(cluster_role_binding("again", NAMESPACES, &["alice"]));
    let mut another_role = without_persona.clone();
    another_role.push(role_binding("dev", "users", "no-persona", &["alice"]));
    let mut another_user = without_persona.clone();
    another_user.push(role_binding("dev", "users", "spectro-vm-user", &["bob"]));
    for truth in [without_persona, now_covered, another_role, another_user] {
        let world = World::new(policy(Action::Deny), bindings.clone());
        world.becomes(truth);
        let (response, line) = world.asked(&delete(&bindings[0])).await;
        assert_eq!(response, json!({"uid": "u-1", "allowed": true}));
        assert_eq!(line, Value::Null);
        assert!(
            world
                .bench
                .has_metric("bindguard_confirmations_total{result=\"found\"} 1")
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_confirmed_is_to_be_asked_again() {
    let bindings = alone();
    for (lists, rereads, words) in [
        (
            Reads::Fail,
            Reads::Work,
            "companion bindings could not be read again",
        ),
        (
            Reads::Work,
            Reads::Fail,
            "persona bindings could not be read again",
        ),
        (Reads::Hang, Reads::Work, "not confirmed in time"),
        (Reads::Work, Reads::Hang, "not confirmed in time"),
    ] {
        let world = World::new(policy(Action::Deny), bindings.clone());
        *world.truth.lists.lock().unwrap() = lists;
        *world.truth.rereads.lock().unwrap() = rereads;
        let request = delete(&bindings[0]);
        let answer = world
            .bench
            .validate_within(&request, Duration::from_secs(5))
            .await;
        assert!(message(&answer).contains(words), "{}", message(&answer));
        assert!(world.bench.audit_lines().is_empty());
        assert!(
            world
                .bench
                .has_metric("bindguard_confirmations_total{result=\"failed\"} 1")
        );
    }
}

#[tokio::test]
async fn a_handful_of_bindings_is_read_again_and_more_only_when_those_are_gone() {
    let mut bindings = both(&["alice", "bob"]);
    let others = (0..12).map(|number| {
        let name = format!("users-{number:02}");
        role_binding("dev", &name, "spectro-vm-user", &["alice"])
    });
    bindings.extend(others);
    bindings.push(role_binding("dev", "zzz", "spectro-vm-user", &["bob"]));
    let world = World::new(policy(Action::Deny), bindings.clone());
    let (response, line) = world.asked(&delete(&bindings[0])).await;
    assert_eq!(*world.truth.reread.lock().unwrap(), 5);
    assert_eq!(line["persona_bindings_total"], 13);
    assert_eq!(missing(&line).len(), 2);
    let told = refusal(&response);
    assert!(
        told.contains("User alice loses") && !told.contains("bob"),
        "{told}"
    );
    assert!(told.contains("1 more subject loses companions"), "{told}");

    let last = bindings.last().unwrap().clone();
    world.becomes(both(&["alice", "bob"]).into_iter().chain([last]).collect());
    let (response, line) = world.asked(&delete(&bindings[0])).await;
    assert_eq!(missing(&line), [format!("lost User bob: {NAMESPACES}")]);
    assert!(refusal(&response).contains("User bob loses"));
}
