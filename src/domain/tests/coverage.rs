//! What covers a subject and what does not.

use super::builders::{
    NAMESPACES, TEMPLATES, both, cluster_role_binding, companion, holdings, missing, policy,
    role_binding,
};
use crate::domain::binding::Binding;
use crate::domain::policy::{Policy, UmbrellaGroups};

fn persona() -> Binding<'static> {
    role_binding("dev", "spectro-vm-user")
}

/// Whether companions bound to `holder` cover `subject` under the policy.
fn covers(
    policy: &Policy,
    holder: impl Fn(Binding<'static>) -> Binding<'static>,
    subject: impl Fn(Binding<'static>) -> Binding<'static>,
) -> bool {
    let held = holdings(policy, both(holder));
    missing(policy, &subject(persona()), &held).is_empty()
}

type Add = fn(Binding<'static>) -> Binding<'static>;

const ALICE: Add = |binding| binding.user("alice");
const DEVS: Add = |binding| binding.group("devs");
const BUILDER: Add = |binding| binding.service_account("ci", "builder");
const BUILDER_AS_USER: Add = |binding| binding.user("system:serviceaccount:ci:builder");
const ANONYMOUS: Add = |binding| binding.user("system:anonymous");
const UNAUTHENTICATED: Add = |binding| binding.group("system:unauthenticated");
const AUTHENTICATED: Add = |binding| binding.group("system:authenticated");
const ACCOUNTS: Add = |binding| binding.group("system:serviceaccounts");
const ACCOUNTS_OF_CI: Add = |binding| binding.group("system:serviceaccounts:ci");
const ACCOUNTS_OF_CD: Add = |binding| binding.group("system:serviceaccounts:cd");

#[test]
fn groups_that_kubernetes_hands_out_cover_their_members() {
    let policy = Policy::built_in();
    let table: [(Add, Add, bool); 22] = [
        (AUTHENTICATED, ALICE, true),
        (AUTHENTICATED, DEVS, true),
        (AUTHENTICATED, BUILDER, true),
        (AUTHENTICATED, ACCOUNTS, true),
        (AUTHENTICATED, ACCOUNTS_OF_CI, true),
        (AUTHENTICATED, AUTHENTICATED, true),
        (AUTHENTICATED, ANONYMOUS, false),
        (AUTHENTICATED, UNAUTHENTICATED, false),
        (ACCOUNTS, BUILDER, true),
        (ACCOUNTS, BUILDER_AS_USER, true),
        (ACCOUNTS, ACCOUNTS_OF_CI, true),
        (ACCOUNTS, AUTHENTICATED, false),
        (ACCOUNTS, ALICE, false),
        (ACCOUNTS, DEVS, false),
        (ACCOUNTS_OF_CI, BUILDER, true),
        (ACCOUNTS_OF_CI, BUILDER_AS_USER, true),
        (ACCOUNTS_OF_CI, ACCOUNTS, false),
        (ACCOUNTS_OF_CD, BUILDER, false),
        (ACCOUNTS_OF_CD, ACCOUNTS_OF_CI, false),
        (ANONYMOUS, ANONYMOUS, true),
        (UNAUTHENTICATED, UNAUTHENTICATED, true),
        (UNAUTHENTICATED, ANONYMOUS, false),
    ];
    for (row, (holder, subject, expected)) in table.into_iter().enumerate() {
        assert_eq!(covers(&policy, holder, subject), expected, "row {row}");
    }
}

#[test]
fn with_umbrella_groups_ignored_only_the_identity_itself_counts() {
    let policy = policy(|policy| policy.umbrella_groups = UmbrellaGroups::Ignore);
    let table: [(Add, Add, bool); 5] = [
        (AUTHENTICATED, ALICE, false),
        (ACCOUNTS, BUILDER, false),
        (ACCOUNTS_OF_CI, BUILDER, false),
        (AUTHENTICATED, AUTHENTICATED, true),
        (BUILDER_AS_USER, BUILDER, true),
    ];
    for (row, (holder, subject, expected)) in table.into_iter().enumerate() {
        assert_eq!(covers(&policy, holder, subject), expected, "row {row}");
    }
}

#[test]
fn membership_of_any_other_group_is_unknown() {
    let policy = Policy::built_in();
    assert!(!covers(&policy, DEVS, ALICE));
    assert!(!covers(&policy, ALICE, |binding| binding.group("alice")));
}

#[test]
fn one_companion_may_come_by_itself_and_the_other_by_a_group() {
    let policy = Policy::built_in();
    let held = holdings(
        &policy,
        [
            cluster_role_binding(NAMESPACES).user("alice"),
            cluster_role_binding(TEMPLATES).group("system:authenticated"),
        ],
    );
    assert!(missing(&policy, &persona().user("alice"), &held).is_empty());
}

#[test]
fn a_role_binding_to_a_companion_covers_nobody() {
    let policy = Policy::built_in();
    let held = holdings(
        &policy,
        [NAMESPACES, TEMPLATES].map(|name| role_binding("dev", name).user("alice")),
    );
    assert_eq!(missing(&policy, &persona().user("alice"), &held).len(), 1);
}

#[test]
fn a_cluster_role_binding_to_a_role_of_that_name_covers_nobody() {
    let policy = Policy::built_in();
    let held = holdings(
        &policy,
        [NAMESPACES, TEMPLATES].map(|name| {
            cluster_role_binding(name)
                .user("alice")
                .of_namespaced_role()
        }),
    );
    assert_eq!(missing(&policy, &persona().user("alice"), &held).len(), 1);
}

#[test]
fn a_role_that_implies_a_companion_serves_as_well_when_bound_cluster_wide() {
    let policy = policy(|policy| {
        policy.companions = vec![
            companion(NAMESPACES, &["console-user", "cluster-admin"]),
            companion(TEMPLATES, &["console-user"]),
        ];
    });
    let cluster_wide = holdings(
        &policy,
        [cluster_role_binding("console-user").user("alice")],
    );
    let in_namespace = holdings(&policy, [role_binding("dev", "console-user").user("alice")]);
    let alice = persona().user("alice");
    assert!(missing(&policy, &alice, &cluster_wide).is_empty());
    assert_eq!(missing(&policy, &alice, &in_namespace).len(), 1);
}

#[test]
fn the_binding_under_review_counts_if_it_is_a_holding_itself() {
    let policy = policy(|policy| {
        policy.companions = vec![
            companion(NAMESPACES, &["cluster-admin"]),
            companion(TEMPLATES, &[]),
        ];
    });
    let nobody = holdings(&policy, []);
    assert_eq!(
        missing(
            &policy,
            &cluster_role_binding("cluster-admin").user("alice"),
            &nobody
        ),
        ["User alice: spectro-list-vmtemplates"]
    );
    assert_eq!(
        missing(
            &policy,
            &role_binding("dev", "cluster-admin").user("alice"),
            &nobody
        ),
        ["User alice: spectro-list-namespaces, spectro-list-vmtemplates"]
    );
}

#[test]
fn names_must_match_exactly() {
    let policy = Policy::built_in();
    for other in [
        "Alice",
        "alice ",
        " alice",
        "alice@example.com",
        "al\u{200b}ice",
    ] {
        let held = holdings(&policy, both(|binding| binding.user(other)));
        assert_eq!(
            missing(&policy, &persona().user("alice"), &held).len(),
            1,
            "{other}"
        );
    }
}
