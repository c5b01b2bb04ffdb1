//! From what is missing to what happens.

use super::builders::{holdings, policy, role_binding};
use crate::domain::assess::{Missing, NotJudged, assess};
use crate::domain::binding::Binding;
use crate::domain::conclude::{Allowed, Because, Decision, Evidence, conclude};
use crate::domain::identity::Identity;
use crate::domain::policy::{Action, DryRun, Policy};

fn persona() -> Binding<'static> {
    role_binding("dev", "spectro-vm-user")
}

fn decide(
    policy: &Policy,
    binding: &Binding<'static>,
    previous: Option<&Binding<'static>>,
    evidence: Evidence<'_>,
) -> &'static str {
    let nobody = holdings(policy, []);
    let assessment = assess(policy, binding, previous, &nobody);
    match conclude(policy, assessment, evidence) {
        Decision::Allow(Allowed::Covered) => "allow: covered",
        Decision::Allow(Allowed::ExemptRequester) => "allow: requester",
        Decision::Allow(Allowed::NotJudged(NotJudged::NotAPersona)) => "allow: no persona",
        Decision::Allow(Allowed::NotJudged(NotJudged::ExemptNamespace)) => "allow: namespace",
        Decision::Audit(fault) => because("audit", fault.because),
        Decision::Warn(fault) => because("warn", fault.because),
        Decision::Deny(fault) => because("deny", fault.because),
    }
}

fn because(decision: &str, because: Because) -> &'static str {
    match (decision, because) {
        ("audit", Because::Action) => "audit: action",
        ("warn", Because::Action) => "warn: action",
        ("warn", Because::Ratchet) => "warn: ratchet",
        ("warn", Because::DryRun) => "warn: dry run",
        ("warn", Because::Order) => "warn: order",
        ("deny", Because::Action) => "deny: action",
        other => panic!("no decision is {other:?}"),
    }
}

const DRY_RUN: Evidence<'_> = Evidence {
    ordered: &[],
    requester_exempt: false,
    dry_run: true,
};

#[test]
fn the_action_of_the_policy_decides_unless_the_persona_has_its_own() {
    for (of_policy, of_persona, expected) in [
        (Action::Deny, None, "deny: action"),
        (Action::Warn, None, "warn: action"),
        (Action::Audit, None, "audit: action"),
        (Action::Deny, Some(Action::Warn), "warn: action"),
        (Action::Deny, Some(Action::Audit), "audit: action"),
        (Action::Warn, Some(Action::Deny), "deny: action"),
    ] {
        let policy = policy(|policy| {
            policy.action = of_policy;
            policy.personas[0].action = of_persona;
        });
        let decision = decide(&policy, &persona().user("alice"), None, Evidence::default());
        assert_eq!(decision, expected);
    }
}

#[test]
fn an_update_is_denied_only_for_those_whom_it_brings_in() {
    let policy = Policy::built_in();
    let old = persona().user("alice").user("bob");
    for (new, expected) in [
        (persona().user("alice").user("bob"), "warn: ratchet"),
        (persona().user("bob"), "warn: ratchet"),
        (persona(), "allow: covered"),
        (
            persona().user("bob").user("alice").user("bob"),
            "warn: ratchet",
        ),
        (persona().user("alice").user("carol"), "deny: action"),
    ] {
        let decision = decide(&policy, &new, Some(&old), Evidence::default());
        assert_eq!(decision, expected, "{new:?}");
    }
}

#[test]
fn a_dry_run_is_refused_or_warned_as_the_policy_says() {
    let binding = persona().user("alice");
    let enforce = Policy::built_in();
    assert_eq!(decide(&enforce, &binding, None, DRY_RUN), "deny: action");
    let warn = policy(|policy| policy.dry_run = DryRun::Warn);
    assert_eq!(decide(&warn, &binding, None, DRY_RUN), "warn: dry run");
    assert_eq!(
        decide(&warn, &binding, None, Evidence::default()),
        "deny: action"
    );
}

#[test]
fn an_exempt_requester_passes() {
    let policy = Policy::built_in();
    let evidence = Evidence {
        requester_exempt: true,
        ..Evidence::default()
    };
    let decision = decide(&policy, &persona().user("alice"), None, evidence);
    assert_eq!(decision, "allow: requester");
}

#[test]
fn what_is_ordered_counts_as_covered_and_the_rest_is_judged_as_ever() {
    let alice = [Identity::User("alice")];
    let ordered = Evidence {
        ordered: &alice,
        ..Evidence::default()
    };
    let policy = Policy::built_in();
    let one = persona().user("alice");
    assert_eq!(decide(&policy, &one, None, ordered), "warn: order");
    let exempt = Evidence {
        requester_exempt: true,
        ..ordered
    };
    let two = persona().user("alice").user("bob");
    assert_eq!(decide(&policy, &two, None, exempt), "warn: order");
    assert_eq!(decide(&policy, &two, None, ordered), "deny: action");
    // Bob was there before.
    let before = persona().user("bob");
    assert_eq!(
        decide(&policy, &two, Some(&before), ordered),
        "warn: ratchet"
    );
    let none = holdings(&policy, []);
    let assessment = assess(&policy, &two, None, &none);
    let Decision::Deny(fault) = conclude(&policy, assessment, ordered) else {
        panic!("not refused");
    };
    let names = |missing: &[Missing<'_>]| -> Vec<String> {
        missing
            .iter()
            .map(|one| one.identity.name().1.to_owned())
            .collect()
    };
    assert_eq!(
        (names(&fault.missing), names(&fault.ordered)),
        (vec!["bob".to_owned()], vec!["alice".to_owned()])
    );
    // An order for whom nothing is missing changes nothing.
    let others = [Identity::User("carol")];
    let ordered = Evidence {
        ordered: &others,
        ..Evidence::default()
    };
    assert_eq!(decide(&policy, &one, None, ordered), "deny: action");
}

#[test]
fn what_is_not_judged_passes_and_says_why() {
    let policy = Policy::built_in();
    let other = role_binding("dev", "some-role").user("alice");
    let exempt = role_binding("kube-system", "view").user("alice");
    let none = Evidence::default();
    assert_eq!(decide(&policy, &other, None, none), "allow: no persona");
    assert_eq!(decide(&policy, &exempt, None, none), "allow: namespace");
}
