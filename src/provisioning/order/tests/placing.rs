use super::world::{ALICE, BUILDER, EVERYBODY, conditions, epoch, policy};
use crate::domain::assess::{Missing, Since};
use crate::domain::companion_set::CompanionSet;
use crate::domain::identity::Identity;
use crate::domain::policy::{Policy, ProvisioningMode};
use crate::provisioning::order::{Conditions, NoOrder, Order, Wanted, place};

const OLD: Identity<'_> = Identity::User("old");

fn missing(identity: Identity<'_>, since: Since) -> Missing<'_> {
    Missing {
        identity,
        lacks: CompanionSet::of(0),
        since,
    }
}

/// Alice is new, somebody else was there before.
fn wanted<'a>(missing: &'a [Missing<'a>]) -> Wanted<'a, &'static str> {
    Wanted {
        username: "boris",
        groups: &["team"],
        provision: Some("true"),
        provision_before: Some("true"),
        missing,
    }
}

fn placed(order: &Result<Order, NoOrder>) -> Vec<Identity<'_>> {
    order.as_ref().unwrap().identities().collect()
}

#[test]
fn an_update_orders_for_those_whom_it_brings_in_and_for_all_when_it_asks_anew() {
    let mut policy = policy();
    let both = [
        missing(OLD, Since::Before),
        missing(ALICE, Since::ThisChange),
    ];
    let order = place(conditions(&policy), &wanted(&both));
    assert_eq!(placed(&order), [ALICE]);
    assert_eq!(order.unwrap().epoch(), epoch());
    for before in [None, Some("false")] {
        let anew = Wanted {
            provision_before: before,
            ..wanted(&both)
        };
        assert_eq!(placed(&place(conditions(&policy), &anew)), [ALICE, OLD]);
    }
    // Somebody labels another's old binding.
    let old = &both[..1];
    let order = place(conditions(&policy), &wanted(old));
    assert_eq!(order, Err(NoOrder::NothingNew));
    policy.provisioning.mode = ProvisioningMode::Always;
    let unasked = Wanted {
        provision: None,
        provision_before: None,
        ..wanted(old)
    };
    let order = place(conditions(&policy), &unasked);
    assert_eq!(order, Err(NoOrder::NothingNew));
    let unasked = Wanted {
        missing: &both,
        ..unasked
    };
    assert_eq!(placed(&place(conditions(&policy), &unasked)), [ALICE]);
}

#[test]
fn who_does_not_ask_or_never_orders_orders_nothing() {
    let policy = policy();
    let new = [missing(ALICE, Since::ThisChange)];
    let by = |username: &'static str, groups: &'static [&'static str]| {
        let wanted = Wanted {
            username,
            groups,
            ..wanted(&new)
        };
        place(conditions(&policy), &wanted).map(drop)
    };
    assert_eq!(by("boris", &[]), Ok(()));
    assert_eq!(by("system:serviceaccount:flux:kustomize", &[]), Ok(()));
    assert_eq!(by("rosa", &["team", "robots"]), Err(NoOrder::NotOrdering));
    assert_eq!(by("robot", &[]), Err(NoOrder::NotOrdering));
    assert_eq!(by("system:admin", &[]), Err(NoOrder::SystemRequester));
    assert_eq!(
        by("system:serviceaccount:flux:other", &[]),
        Err(NoOrder::UnlistedServiceAccount)
    );
    let unasked = Wanted {
        provision: None,
        ..wanted(&new)
    };
    assert_eq!(place(conditions(&policy), &unasked), Err(NoOrder::NotAsked));
}

#[test]
fn nothing_is_ordered_where_none_are_taken_or_there_are_too_many() {
    let new = [missing(ALICE, Since::ThisChange)];
    let policy = policy();
    let paused = Conditions {
        epoch: Err("why"),
        ..conditions(&policy)
    };
    let order = place(paused, &wanted(&new));
    assert_eq!(order, Err(NoOrder::NotInPlace("why".to_owned())));
    for (companions, expected) in [
        (49_999, Ok(())),
        (50_000, Err(NoOrder::TooManyCompanions(50_000))),
    ] {
        let conditions = Conditions {
            companions,
            ..conditions(&policy)
        };
        assert_eq!(place(conditions, &wanted(&new)).map(drop), expected);
    }
    let names: Vec<String> = (0..21).map(|number| format!("user-{number}")).collect();
    let many: Vec<Missing<'_>> = names
        .iter()
        .map(|name| missing(Identity::User(name), Since::ThisChange))
        .collect();
    let order = place(conditions(&policy), &wanted(&many));
    let subjects = 21;
    assert_eq!(order, Err(NoOrder::TooManySubjects { subjects, most: 20 }));
    assert_eq!(
        placed(&place(conditions(&policy), &wanted(&many[1..]))).len(),
        20
    );
    let disabled = Policy {
        provisioning: crate::domain::policy::Provisioning {
            mode: ProvisioningMode::Disabled,
            ..policy.provisioning.clone()
        },
        ..policy.clone()
    };
    let order = place(conditions(&disabled), &wanted(&new));
    assert_eq!(order, Err(NoOrder::Disabled));
}

#[test]
fn those_for_whom_nothing_is_ordered_are_left_out() {
    let policy = policy();
    let all = [EVERYBODY, BUILDER, Identity::ServiceAccountsOf("ci")]
        .map(|identity| missing(identity, Since::ThisChange));
    assert_eq!(
        placed(&place(conditions(&policy), &wanted(&all))),
        [BUILDER]
    );
    let order = place(conditions(&policy), &wanted(&all[..1]));
    assert_eq!(order, Err(NoOrder::SystemSubjects));
}
