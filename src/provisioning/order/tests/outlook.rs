use super::world::{ALICE, BUILDER, binding, conditions, order, order_of, policy, seconds_ago};
use crate::domain::identity::Identity;
use crate::provisioning::order::{Conditions, NoOrder, Outlook, Placed, outlook};

/// What is to be expected of an order on alice's binding, while these lack something.
fn expected(order: &str, lacking: &[Identity<'_>], is_carried_out: bool) -> Option<Outlook> {
    let policy = policy();
    let placed = Placed {
        order,
        ordered_by: "boris",
        provision: Some("true"),
    };
    let here = binding(&[ALICE, BUILDER]);
    outlook(conditions(&policy), placed, &here, lacking, is_carried_out)
}

#[test]
fn an_order_waits_until_it_is_carried_out_or_past_its_time() {
    let young = order([ALICE]);
    assert_eq!(expected(&young, &[ALICE], false), Some(Outlook::Waits));
    assert_eq!(expected(&young, &[ALICE], true), None);
    let old = order_of(seconds_ago(601), [ALICE]);
    for is_carried_out in [false, true] {
        let outlook = expected(&old, &[ALICE], is_carried_out);
        assert_eq!(outlook, Some(Outlook::Expired));
    }
}

#[test]
fn nothing_is_said_of_an_order_that_is_for_nobody_who_lacks_something() {
    for order in [order([ALICE]), order_of(seconds_ago(601), [ALICE])] {
        assert_eq!(expected(&order, &[BUILDER], false), None);
        assert_eq!(expected(&order, &[], false), None);
    }
}

#[test]
fn what_does_not_count_now_may_count_later_or_never() {
    let policy = policy();
    let order = order([ALICE]);
    let here = binding(&[ALICE]);
    let outlook_of = |conditions: Conditions<'_>, ordered_by| {
        let placed = Placed {
            order: &order,
            ordered_by,
            provision: Some("true"),
        };
        outlook(conditions, placed, &here, &[ALICE], false)
    };
    let not_in_place = Conditions {
        epoch: Err("nobody knows"),
        ..conditions(&policy)
    };
    assert!(matches!(
        outlook_of(not_in_place, "boris"),
        Some(Outlook::Suspended(NoOrder::NotInPlace(_)))
    ));
    assert_eq!(
        outlook_of(conditions(&policy), "robot"),
        Some(Outlook::DoesNotCount(NoOrder::NotOrdering))
    );
    assert!(matches!(
        expected("{}", &[ALICE], false),
        Some(Outlook::DoesNotCount(NoOrder::Malformed(_)))
    ));
}
