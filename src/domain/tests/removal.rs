//! What taking a companion away does to persona subjects.

use super::builders::{
    Bound, NAMESPACES, TEMPLATES, both, cluster_role_binding, holdings, policy, role_binding, told,
};
use crate::domain::policy::{Action, DryRun, Policy};
use crate::domain::removal::{RemovalDecision, assess_removal, conclude_removal};

fn losers(policy: &Policy, before: &Bound<'_>, after: &Bound<'_>) -> Vec<String> {
    let personas = [
        role_binding("dev", "spectro-vm-user").user("alice"),
        role_binding("ops", "spectro-vm-admin")
            .user("bob")
            .group("devs"),
    ];
    assess_removal(policy, personas, before, after)
        .iter()
        .flat_map(|loss| told(policy, &loss.losers))
        .collect()
}

#[test]
fn whoever_loses_a_companion_is_named_with_that_companion() {
    let policy = Policy::built_in();
    let before = holdings(&policy, both(|binding| binding.user("alice").user("bob")));
    let after = holdings(
        &policy,
        [
            cluster_role_binding(NAMESPACES).user("alice").user("bob"),
            cluster_role_binding(TEMPLATES).user("bob"),
        ],
    );
    assert_eq!(
        losers(&policy, &before, &after),
        ["User alice: spectro-list-vmtemplates"]
    );
}

#[test]
fn what_was_missing_before_is_not_told_again() {
    let policy = Policy::built_in();
    let before = holdings(&policy, [cluster_role_binding(TEMPLATES).user("alice")]);
    let after = holdings(&policy, []);
    assert_eq!(
        losers(&policy, &before, &after),
        ["User alice: spectro-list-vmtemplates"]
    );
}

#[test]
fn taking_away_an_umbrella_group_takes_from_everybody_it_alone_covered() {
    let policy = Policy::built_in();
    let umbrella = |name| cluster_role_binding(name).group("system:authenticated");
    let before = holdings(
        &policy,
        [
            umbrella(NAMESPACES),
            umbrella(TEMPLATES),
            cluster_role_binding(NAMESPACES).user("bob"),
        ],
    );
    let after = holdings(
        &policy,
        [
            umbrella(TEMPLATES),
            cluster_role_binding(NAMESPACES).user("bob"),
        ],
    );
    assert_eq!(
        losers(&policy, &before, &after),
        [
            "User alice: spectro-list-namespaces",
            "Group devs: spectro-list-namespaces"
        ]
    );
}

#[test]
fn a_second_binding_to_the_same_companion_keeps_a_subject_covered() {
    let policy = Policy::built_in();
    let twice = both(|binding| binding.user("alice")).chain(both(|binding| binding.user("alice")));
    let before = holdings(&policy, twice);
    let after = holdings(&policy, both(|binding| binding.user("alice")));
    assert!(losers(&policy, &before, &after).is_empty());
}

#[test]
fn the_action_decides_and_never_refuses_those_who_must_not_be() {
    let table = [
        (Action::Warn, DryRun::Enforce, false, false, "warn: Action"),
        (Action::Warn, DryRun::Enforce, true, false, "warn: Action"),
        (
            Action::Audit,
            DryRun::Enforce,
            false,
            false,
            "audit: Action",
        ),
        (Action::Deny, DryRun::Enforce, false, false, "deny: Action"),
        (
            Action::Deny,
            DryRun::Enforce,
            true,
            false,
            "warn: Requester",
        ),
        (Action::Deny, DryRun::Enforce, false, true, "deny: Action"),
        (Action::Deny, DryRun::Warn, false, true, "warn: DryRun"),
    ];
    for (action, dry_run, masters, is_dry_run, expected) in table {
        let policy = policy(|policy| {
            policy.companion_removal = action;
            policy.dry_run = dry_run;
        });
        let personas = [role_binding("dev", "view").user("alice")];
        let before = holdings(&policy, both(|binding| binding.user("alice")));
        let after = holdings(&policy, []);
        let losses = assess_removal(&policy, personas, &before, &after);
        let decision = match conclude_removal(&policy, losses, masters, is_dry_run) {
            RemovalDecision::Allow => "allow".to_owned(),
            RemovalDecision::Warn(removal) => format!("warn: {:?}", removal.because),
            RemovalDecision::Audit(removal) => format!("audit: {:?}", removal.because),
            RemovalDecision::Deny(removal) => format!("deny: {:?}", removal.because),
        };
        assert_eq!(decision, expected);
    }
}

#[test]
fn a_change_that_takes_nothing_away_is_allowed() {
    let policy = policy(|policy| policy.companion_removal = Action::Deny);
    assert_eq!(
        conclude_removal(&policy, Vec::new(), false, false),
        RemovalDecision::Allow
    );
}
