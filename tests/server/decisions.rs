//! What is decided, and what is said of it.

use serde_json::{Value, json};

use super::client::Call;
use super::contract;
use super::review::{
    cluster_role_binding, create, delete, dry_run, group, role_binding, service_account, update,
    user,
};
use super::world::{World, policy};

#[track_caller]
fn check(world: &World, cases: &[(&str, Value, &str)]) {
    let reviews: Vec<Value> = cases.iter().map(|(_, review, _)| review.clone()).collect();
    let verdicts = world.ask_all(&reviews);
    for ((title, _, expected), verdict) in cases.iter().zip(&verdicts) {
        assert_eq!(verdict.decision(), *expected, "{title}: {verdict:?}");
    }
}

#[test]
fn a_subject_passes_when_it_holds_both_companions_whichever_kind_of_binding_names_it() {
    let mut cases = vec![];
    for binding in [role_binding, cluster_role_binding] {
        for role in [
            "spectro-vm-user",
            "spectro-vm-admin",
            "view",
            "cluster-admin",
        ] {
            cases.extend([
                ("covered", create(&binding(role, &[user("alice")])), "allow"),
                ("uncovered", create(&binding(role, &[user("dave")])), "deny"),
                (
                    "half covered",
                    create(&binding(role, &[user("carol")])),
                    "deny",
                ),
                (
                    "covered group",
                    create(&binding(role, &[group("Team Blue")])),
                    "allow",
                ),
                (
                    "another kind",
                    create(&binding(role, &[group("alice")])),
                    "deny",
                ),
                (
                    "case counts",
                    create(&binding(role, &[user("Alice")])),
                    "deny",
                ),
                (
                    "one of two",
                    create(&binding(role, &[user("alice"), user("dave")])),
                    "deny",
                ),
                ("nobody", create(&binding(role, &[])), "allow"),
            ]);
        }
    }
    check(&World::new(), &cases);
}

#[test]
fn a_service_account_is_the_same_in_either_form_and_judged_where_the_persona_says() {
    let pipeline = service_account("dev", "pipeline");
    let other = service_account("dev", "other");
    let without_namespace = json!({"kind": "ServiceAccount", "name": "pipeline"});
    check(
        &World::new(),
        &[
            (
                "covered",
                create(&role_binding("spectro-vm-user", &[pipeline])),
                "allow",
            ),
            (
                "covered, in the form of a user",
                create(&role_binding(
                    "spectro-vm-user",
                    &[user("system:serviceaccount:dev:pipeline")],
                )),
                "allow",
            ),
            (
                "of the binding's namespace",
                create(&role_binding("spectro-vm-user", &[without_namespace])),
                "allow",
            ),
            (
                "of another namespace",
                create(&role_binding(
                    "spectro-vm-user",
                    &[service_account("prod", "pipeline")],
                )),
                "deny",
            ),
            (
                "uncovered",
                create(&role_binding(
                    "spectro-vm-user",
                    std::slice::from_ref(&other),
                )),
                "deny",
            ),
            (
                "of no kind that `view` enforces",
                create(&role_binding("view", &[other])),
                "allow",
            ),
            (
                "the same, in the form of a user",
                create(&role_binding(
                    "view",
                    &[user("system:serviceaccount:dev:other")],
                )),
                "allow",
            ),
        ],
    );
}

#[test]
fn only_new_subjects_are_refused_on_update_and_old_faults_are_warned_of() {
    let alice = role_binding("view", &[user("alice")]);
    let dave = role_binding("view", &[user("dave")]);
    let labelled = {
        let mut binding = dave.clone();
        binding["metadata"]["labels"] = json!({"a": "b"});
        binding
    };
    let both = role_binding("view", &[user("dave"), user("erin")]);
    let mended = role_binding("view", &[]);
    check(
        &World::new(),
        &[
            ("nothing changes", update(&dave, &dave), "warn"),
            ("a label", update(&dave, &labelled), "warn"),
            ("one more", update(&dave, &both), "deny"),
            ("one less", update(&both, &dave), "warn"),
            ("nobody left", update(&both, &mended), "allow"),
            ("another", update(&alice, &dave), "deny"),
            ("a covered one", update(&dave, &alice), "allow"),
        ],
    );
}

#[test]
fn what_is_no_persona_binding_passes_without_a_word() {
    let mut role = role_binding("view", &[user("dave")]);
    role["roleRef"]["kind"] = "Role".into();
    let mut kube_system = role_binding("view", &[user("dave")]);
    kube_system["metadata"]["namespace"] = "kube-system".into();
    let mut pod = create(&role_binding("view", &[user("dave")]));
    pod["request"]["kind"] = json!({"group": "", "version": "v1", "kind": "Pod"});
    pod["request"]["object"] = json!({"kind": "Pod", "spec": {"containers": []}});
    let mut of_other_group = create(&role_binding("view", &[user("dave")]));
    of_other_group["request"]["kind"]["group"] = "example.com".into();
    check(
        &World::new(),
        &[
            (
                "another role",
                create(&role_binding("secret-reader", &[user("dave")])),
                "allow",
            ),
            (
                "a companion",
                create(&cluster_role_binding(
                    "spectro-list-namespaces",
                    &[user("dave")],
                )),
                "allow",
            ),
            ("a Role of a persona's name", create(&role), "allow"),
            ("an exempt namespace", create(&kube_system), "allow"),
            (
                "an exempt subject",
                create(&cluster_role_binding(
                    "cluster-admin",
                    &[group("system:masters")],
                )),
                "allow",
            ),
            ("a pod", pod, "allow"),
            ("a binding of another API", of_other_group, "allow"),
            (
                "a deletion",
                delete(&role_binding("view", &[user("dave")])),
                "allow",
            ),
            (
                "a deletion of one that is covered",
                delete(&role_binding("view", &[user("alice")])),
                "allow",
            ),
        ],
    );
}

#[test]
fn a_dry_run_is_refused_like_any_other_unless_the_policy_only_warns_of_it() {
    let uncovered = || dry_run(create(&role_binding("view", &[user("dave")])));
    let covered = || dry_run(create(&role_binding("view", &[user("alice")])));
    check(
        &World::new(),
        &[
            ("uncovered", uncovered(), "deny"),
            ("covered", covered(), "allow"),
        ],
    );
    check(
        &World::with_policy(&policy("dryRun: Warn")),
        &[
            ("uncovered", uncovered(), "warn"),
            ("covered", covered(), "allow"),
            (
                "in earnest",
                create(&role_binding("view", &[user("dave")])),
                "deny",
            ),
        ],
    );
}

#[test]
fn the_policy_decides_between_refusing_warning_and_recording() {
    let uncovered = || create(&role_binding("view", &[user("dave")]));
    for (action, decision) in [("Deny", "deny"), ("Warn", "warn"), ("Audit", "audit")] {
        let world = World::with_policy(&policy(&format!("action: {action}")));
        check(&world, &[(action, uncovered(), decision)]);
    }
}

#[test]
fn a_companion_bound_to_everybody_covers_everybody_unless_the_policy_ignores_it() {
    let all = "\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBindingList
items:
- metadata: {name: all-list-namespaces}
  roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: spectro-list-namespaces}
  subjects: [{kind: Group, name: 'system:authenticated'}]
- metadata: {name: all-list-vmtemplates}
  roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: spectro-list-vmtemplates}
  subjects: [{kind: Group, name: 'system:authenticated'}]
";
    for (coverage, decision) in [("Honour", "allow"), ("Ignore", "deny")] {
        let world = World::with_policy(&policy(&format!(
            "coverage: {{umbrellaGroups: {coverage}}}"
        )));
        world.write("manifests/all.yaml", all);
        check(
            &world,
            &[
                (
                    coverage,
                    create(&role_binding("view", &[user("dave")])),
                    decision,
                ),
                (
                    coverage,
                    create(&role_binding("view", &[group("devs")])),
                    decision,
                ),
                (
                    "anonymous",
                    create(&role_binding("view", &[user("system:anonymous")])),
                    "deny",
                ),
            ],
        );
    }
}

#[test]
fn a_denial_names_who_lacks_what_and_the_commands_that_mend_it() {
    let world = World::new();
    let binding = role_binding(
        "spectro-vm-user",
        &[user("alice"), user("carol"), user("dave")],
    );
    let message = world.ask(&create(&binding)).message;
    for part in [
        "RoleBinding dev/vm-users grants spectro-vm-user",
        "User carol lacks spectro-list-vmtemplates\n",
        "User dave lacks spectro-list-namespaces, spectro-list-vmtemplates\n",
        "kubectl create clusterrolebinding ",
        "--clusterrole=spectro-list-namespaces --user=dave",
        "must come before this binding",
    ] {
        assert!(message.contains(part), "no {part:?} in\n{message}");
    }
    assert!(!message.contains("alice"), "{message}");
}

#[test]
fn the_mutating_endpoint_patches_nothing_even_where_companions_are_asked_for() {
    let world = World::new();
    let mut binding = role_binding("view", &[user("dave")]);
    binding["metadata"]["annotations"] = json!({"bindguard.dev/provision": "true"});
    let review = create(&binding);
    let reply = world
        .connect()
        .send(Call::post("/mutate", review.to_string()))
        .unwrap();
    let answer = reply.json();
    contract::check(&review, &answer, false);
    assert_eq!(
        answer["response"],
        json!({"uid": review["request"]["uid"], "allowed": true})
    );

    let message = world.ask(&review).message;
    assert!(
        message.contains("bindguard.dev/provision has no effect"),
        "{message}"
    );
}
