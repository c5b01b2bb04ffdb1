//! What is to be expected of an order that stands on a binding, for whoever only looks at it.

use hashbrown::HashSet;

use super::{Conditions, NoOrder, Order, Placed, is_past, judge};
use crate::domain::binding::Binding;
use crate::domain::identity::Identity;

/// What is to be expected of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outlook {
    /// It counts, and is yet to be carried out.
    Waits,
    /// It does not count now, for this reason, and may count later.
    Suspended(NoOrder),
    /// It is past its time.
    Expired,
    /// It does not count, and will not.
    DoesNotCount(NoOrder),
}

/// What is to be expected of the order on a binding. Nothing, if it was carried out, or is for none
/// of those who lack something.
///
/// An order is kept as carried out only as long as it could count. One that is past its time may
/// have been carried out, and its companions taken away since: either way it makes none any more.
#[must_use]
pub fn outlook(
    conditions: Conditions<'_>,
    placed: Placed<'_>,
    binding: &Binding<'_>,
    lacking: &[Identity<'_>],
    is_carried_out: bool,
) -> Option<Outlook> {
    let order = match Order::parse(placed.order) {
        Ok(order) => order,
        Err(malformed) => return Some(Outlook::DoesNotCount(malformed.into())),
    };
    let ordered: HashSet<Identity<'_>> = order.identities().collect();
    if !lacking.iter().any(|identity| ordered.contains(identity)) {
        return None;
    }
    let lifetime = conditions.policy.provisioning.order_lifetime;
    if is_past(order.time(), conditions.now, lifetime) {
        return Some(Outlook::Expired);
    }
    if is_carried_out {
        return None;
    }
    Some(match judge(conditions, placed, binding) {
        Ok(_) => Outlook::Waits,
        Err(reason) if reason.may_pass() => Outlook::Suspended(reason),
        Err(reason) => Outlook::DoesNotCount(reason),
    })
}
