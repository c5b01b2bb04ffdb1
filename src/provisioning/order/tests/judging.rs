use std::time::Duration;

use super::world::{
    ALICE, BUILDER, EVERYBODY, binding, conditions, now, order, order_of, policy, seconds_ago,
};
use crate::domain::binding::{BindingKind, RoleKind};
use crate::domain::identity::{Identity, SubjectKind};
use crate::domain::policy::{Policy, ProvisioningMode};
use crate::provisioning::guard::epoch::EpochValue;
use crate::provisioning::order::{Conditions, Malformed, NoOrder, Order, Placed, judge};

const ASKS: Option<&str> = Some("true");

fn by<'a>(ordered_by: &'a str, order: &'a str) -> Placed<'a> {
    Placed {
        order,
        ordered_by,
        provision: ASKS,
    }
}

/// What becomes of an order by boris for alice on her binding.
fn judged(policy: &Policy, order: &str) -> Result<(), NoOrder> {
    let binding = binding(&[ALICE]);
    judge(conditions(policy), by("boris", order), &binding).map(drop)
}

#[test]
fn an_order_counts_for_the_subjects_that_it_names() {
    let policy = policy();
    let bob = Identity::User("bob");
    let order = order([ALICE, BUILDER]);
    let here = binding(&[bob, BUILDER, ALICE, ALICE]);
    let counted = judge(conditions(&policy), by("boris", &order), &here);
    assert_eq!(counted.unwrap(), [BUILDER, ALICE]);
    let cluster_wide = crate::domain::binding::Binding {
        kind: BindingKind::ClusterRoleBinding,
        namespace: None,
        ..binding(&[ALICE])
    };
    let counted = judge(conditions(&policy), by("boris", &order), &cluster_wide);
    assert_eq!(counted.unwrap(), [ALICE]);
    let others = binding(&[bob]);
    assert_eq!(
        judge(conditions(&policy), by("boris", &order), &others),
        Err(NoOrder::ForOthers)
    );
}

#[test]
fn it_counts_from_a_minute_ahead_to_the_end_of_its_life() {
    let mut policy = policy();
    policy.provisioning.order_lifetime = Duration::from_mins(10);
    for (age, expected) in [
        (-61, Err(NoOrder::FromTheFuture)),
        (-60, Ok(())),
        (0, Ok(())),
        (600, Ok(())),
        (601, Err(NoOrder::Expired(Duration::from_mins(10)))),
        (
            1_000_000_000,
            Err(NoOrder::Expired(Duration::from_mins(10))),
        ),
    ] {
        let order = order_of(seconds_ago(age), [ALICE]);
        assert_eq!(judged(&policy, &order), expected, "{age}");
    }
}

#[test]
fn it_counts_in_its_own_epoch_only() {
    let policy = policy();
    let other = Order::new(EpochValue::fresh().unwrap(), now(), [ALICE]);
    let other = other.encode().unwrap();
    assert_eq!(judged(&policy, &other), Err(NoOrder::OtherEpoch));
    let paused = Conditions {
        epoch: Err("bindings.\u{1b}[2J"),
        ..conditions(&policy)
    };
    let binding = binding(&[ALICE]);
    let told = judge(paused, by("boris", &order([ALICE])), &binding).unwrap_err();
    assert_eq!(told.to_string(), "bindings.\\u{1b}[2J");
}

#[test]
fn a_text_that_is_no_order_never_counts() {
    let policy = policy();
    for (text, expected) in [
        ("", Malformed::Form),
        ("canary", Malformed::Canary),
        ("{}", Malformed::Form),
    ] {
        let expected = Err(NoOrder::Malformed(expected));
        assert_eq!(judged(&policy, text), expected, "{text}");
    }
}

#[test]
fn who_never_orders_has_ordered_nothing() {
    let policy = policy();
    let order = order([ALICE]);
    let binding = binding(&[ALICE]);
    for (ordered_by, expected) in [
        ("boris", Ok(())),
        ("system:serviceaccount:flux:kustomize", Ok(())),
        ("", Err(NoOrder::Unsigned)),
        ("robot", Err(NoOrder::NotOrdering)),
        ("system:admin", Err(NoOrder::SystemRequester)),
        ("system:", Err(NoOrder::SystemRequester)),
        (
            "system:serviceaccount:flux:other",
            Err(NoOrder::UnlistedServiceAccount),
        ),
        (
            "system:serviceaccount:flux:kustomize:",
            Err(NoOrder::UnlistedServiceAccount),
        ),
        (
            "system:serviceaccount:",
            Err(NoOrder::UnlistedServiceAccount),
        ),
    ] {
        let counted = judge(conditions(&policy), by(ordered_by, &order), &binding);
        assert_eq!(counted.map(drop), expected, "{ordered_by}");
    }
}

#[test]
fn the_policy_in_force_decides_and_not_the_one_by_which_it_was_placed() {
    type Edit = fn(&mut Policy);
    let order = order([ALICE]);
    let table: [(Edit, NoOrder); 7] = [
        (
            |policy| policy.provisioning.mode = ProvisioningMode::Disabled,
            NoOrder::Disabled,
        ),
        (
            |policy| policy.provisioning.max_companions = 0,
            NoOrder::TooManyCompanions(0),
        ),
        (
            |policy| policy.provisioning.max_subjects_per_binding = 0,
            NoOrder::TooManySubjects {
                subjects: 1,
                most: 0,
            },
        ),
        (|policy| policy.personas.clear(), NoOrder::NotAPersona),
        (
            |policy| policy.exempt.namespaces.push("team".to_owned()),
            NoOrder::ExemptNamespace,
        ),
        (
            |policy| policy.personas[0].subject_kinds = vec![SubjectKind::Group],
            NoOrder::SystemSubjects,
        ),
        (
            |policy| policy.provisioning.order_lifetime = Duration::from_secs(4),
            NoOrder::Expired(Duration::from_secs(4)),
        ),
    ];
    assert_eq!(judged(&policy(), &order), Ok(()));
    for (edit, expected) in table {
        let mut policy = policy();
        edit(&mut policy);
        assert_eq!(judged(&policy, &order), Err(expected));
    }
}

#[test]
fn in_mode_on_request_the_binding_must_still_ask() {
    let mut policy = policy();
    let order = order([ALICE]);
    let binding = binding(&[ALICE]);
    for (provision, asks) in [
        (Some("true"), true),
        (None, false),
        (Some("false"), false),
        (Some("True"), false),
        (Some(""), false),
    ] {
        let placed = Placed {
            provision,
            ..by("boris", &order)
        };
        policy.provisioning.mode = ProvisioningMode::OnRequest;
        let counted = judge(conditions(&policy), placed, &binding);
        assert_eq!(counted.is_ok(), asks, "{provision:?}");
        policy.provisioning.mode = ProvisioningMode::Always;
        assert!(judge(conditions(&policy), placed, &binding).is_ok());
    }
}

#[test]
fn nothing_is_ordered_for_whom_kubernetes_itself_names() {
    let policy = policy();
    let anonymous = Identity::User("system:anonymous");
    let order = order([ALICE, BUILDER, EVERYBODY, anonymous]);
    let here = binding(&[EVERYBODY, anonymous]);
    let counted = judge(conditions(&policy), by("boris", &order), &here);
    assert_eq!(counted, Err(NoOrder::SystemSubjects));
    let here = binding(&[EVERYBODY, BUILDER]);
    let counted = judge(conditions(&policy), by("boris", &order), &here);
    assert_eq!(counted.unwrap(), [BUILDER]);
}

#[test]
fn a_role_is_no_cluster_role() {
    let policy = policy();
    let mut binding = binding(&[ALICE]);
    binding.role.kind = RoleKind::Role;
    let counted = judge(conditions(&policy), by("boris", &order([ALICE])), &binding);
    assert_eq!(counted, Err(NoOrder::NotAPersona));
}
