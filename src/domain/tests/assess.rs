//! Which bindings are judged, and who in them.

use super::builders::{
    NAMESPACES, TEMPLATES, both, cluster_role_binding, holdings, missing, policy, role_binding,
    told,
};
use crate::domain::assess::{Assessment, NotJudged, Since, assess};
use crate::domain::companion_set::CompanionSet;
use crate::domain::identity::SubjectKind;
use crate::domain::policy::{Policy, PolicySubject};

const BOTH: &str = "spectro-list-namespaces, spectro-list-vmtemplates";

#[test]
fn a_role_that_is_no_persona_is_not_judged() {
    let policy = Policy::built_in();
    let nobody = holdings(&policy, []);
    for binding in [
        role_binding("dev", "spectro-vm-usr").user("alice"),
        role_binding("dev", "Spectro-VM-User").user("alice"),
        cluster_role_binding("system:node").user("alice"),
        cluster_role_binding(NAMESPACES).user("alice"),
        role_binding("dev", "spectro-vm-user")
            .user("alice")
            .of_namespaced_role(),
    ] {
        assert_eq!(
            assess(&policy, &binding, None, &nobody),
            Assessment::NotJudged(NotJudged::NotAPersona),
            "{binding:?}"
        );
    }
}

#[test]
fn every_persona_is_judged_in_both_kinds_of_binding() {
    let policy = Policy::built_in();
    let nobody = holdings(&policy, []);
    for role in [
        "spectro-vm-admin",
        "spectro-vm-power-user",
        "spectro-vm-user",
        "spectro-vm-viewer",
        "cluster-admin",
        "admin",
        "edit",
        "view",
    ] {
        for binding in [role_binding("dev", role), cluster_role_binding(role)] {
            assert_eq!(
                missing(&policy, &binding.user("alice"), &nobody),
                [format!("User alice: {BOTH}")],
                "{role}"
            );
        }
    }
}

#[test]
fn a_role_with_the_name_of_a_persona_is_judged_only_if_the_policy_says_so() {
    let strict = policy(|policy| policy.match_roles = true);
    let binding = role_binding("dev", "spectro-vm-user")
        .user("alice")
        .of_namespaced_role();
    let nobody = holdings(&strict, []);
    assert_eq!(missing(&strict, &binding, &nobody).len(), 1);
    let cluster_wide = cluster_role_binding("view")
        .user("alice")
        .of_namespaced_role();
    assert!(missing(&strict, &cluster_wide, &nobody).is_empty());
}

#[test]
fn all_missing_companions_of_all_subjects_are_found() {
    let policy = Policy::built_in();
    let binding = role_binding("dev", "spectro-vm-user")
        .user("alice")
        .user("bob")
        .group("devs")
        .service_account("ci", "builder");
    let held = holdings(
        &policy,
        [
            cluster_role_binding(NAMESPACES).user("alice").group("devs"),
            cluster_role_binding(TEMPLATES).group("devs"),
        ],
    );
    assert_eq!(
        missing(&policy, &binding, &held),
        [
            "User alice: spectro-list-vmtemplates".to_owned(),
            format!("User bob: {BOTH}"),
            format!("ServiceAccount ci/builder: {BOTH}"),
        ]
    );
}

#[test]
fn a_subject_that_is_written_twice_is_told_once() {
    let policy = Policy::built_in();
    let binding = role_binding("ci", "spectro-vm-user")
        .user("alice")
        .user("alice")
        .local_service_account("builder")
        .user("system:serviceaccount:ci:builder")
        .service_account("ci", "builder");
    assert_eq!(
        missing(&policy, &binding, &holdings(&policy, [])),
        [
            format!("User alice: {BOTH}"),
            format!("ServiceAccount ci/builder: {BOTH}")
        ]
    );
}

#[test]
fn a_binding_without_subjects_lacks_nothing() {
    let policy = Policy::built_in();
    let binding = role_binding("dev", "spectro-vm-user");
    assert!(missing(&policy, &binding, &holdings(&policy, [])).is_empty());
}

#[test]
fn only_kinds_that_the_persona_enforces_are_judged_and_the_canonical_kind_counts() {
    let policy = Policy::built_in();
    let binding = cluster_role_binding("cluster-admin")
        .service_account("ci", "builder")
        .user("system:serviceaccount:ci:builder")
        .user("alice");
    assert_eq!(
        missing(&policy, &binding, &holdings(&policy, [])),
        [format!("User alice: {BOTH}")]
    );
}

#[test]
fn a_persona_may_need_fewer_companions() {
    let policy = policy(|policy| policy.personas[0].companions = Some(CompanionSet::of(1)));
    let held = holdings(&policy, []);
    let binding = role_binding("dev", "spectro-vm-user").user("alice");
    assert_eq!(
        missing(&policy, &binding, &held),
        ["User alice: spectro-list-vmtemplates"]
    );
    let other = role_binding("dev", "view").user("alice");
    assert_eq!(
        missing(&policy, &other, &held),
        [format!("User alice: {BOTH}")]
    );
}

#[test]
fn an_exempt_namespace_is_not_judged_and_a_cluster_role_binding_is_in_none() {
    let policy = Policy::built_in();
    let nobody = holdings(&policy, []);
    let exempt = role_binding("kube-system", "view").user("alice");
    assert_eq!(
        assess(&policy, &exempt, None, &nobody),
        Assessment::NotJudged(NotJudged::ExemptNamespace)
    );
    for judged in [
        role_binding("kube-system-2", "view").user("alice"),
        cluster_role_binding("view").user("alice"),
    ] {
        assert_eq!(missing(&policy, &judged, &nobody).len(), 1);
    }
}

#[test]
fn exempt_subjects_need_nothing_and_their_neighbours_do() {
    let policy = policy(|policy| {
        policy.exempt.subjects.push(PolicySubject {
            kind: SubjectKind::ServiceAccount,
            name: "builder".to_owned(),
            namespace: "ci".to_owned(),
        });
    });
    let binding = cluster_role_binding("spectro-vm-admin")
        .group("system:masters")
        .group("kubeadm:cluster-admins")
        .user("system:serviceaccount:ci:builder")
        .user("system:masters");
    assert_eq!(
        missing(&policy, &binding, &holdings(&policy, [])),
        [format!("User system:masters: {BOTH}")]
    );
}

#[test]
fn what_the_previous_version_had_is_marked_as_old() {
    let policy = Policy::built_in();
    let old = role_binding("ci", "spectro-vm-user")
        .user("alice")
        .local_service_account("builder");
    let new = role_binding("ci", "spectro-vm-user")
        .user("system:serviceaccount:ci:builder")
        .user("bob")
        .user("alice");
    let Assessment::Judged(judged) = assess(&policy, &new, Some(&old), &holdings(&policy, []))
    else {
        panic!("not judged");
    };
    let since: Vec<_> = judged.missing.iter().map(|one| one.since).collect();
    assert_eq!(since, [Since::Before, Since::ThisChange, Since::Before]);
    assert_eq!(told(&policy, &judged.missing).len(), 3);
}

#[test]
fn a_previous_version_of_another_role_does_not_count() {
    let policy = Policy::built_in();
    let old = role_binding("dev", "view").user("alice");
    let new = role_binding("dev", "edit").user("alice");
    let Assessment::Judged(judged) = assess(&policy, &new, Some(&old), &holdings(&policy, []))
    else {
        panic!("not judged");
    };
    assert_eq!(judged.missing[0].since, Since::ThisChange);
}

#[test]
fn covered_subjects_pass_whatever_their_kind() {
    let policy = Policy::built_in();
    let held = holdings(
        &policy,
        both(|binding| {
            binding
                .user("alice")
                .group("devs")
                .service_account("ci", "builder")
        }),
    );
    let binding = role_binding("ci", "spectro-vm-user")
        .user("alice")
        .group("devs")
        .local_service_account("builder")
        .user("system:serviceaccount:ci:builder");
    assert!(missing(&policy, &binding, &held).is_empty());
}
