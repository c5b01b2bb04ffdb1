//! Whether an order counts that stands on a binding.

use std::time::Duration;

use hashbrown::HashSet;
use jiff::Timestamp;

use super::{Conditions, NoOrder, Order, may_be_ordered_for, may_order};
use crate::domain::binding::Binding;
use crate::domain::identity::Identity;

/// How much further than this one the clock of whoever placed an order may be, in seconds.
const AHEAD: i64 = 60;

/// What a binding's annotations say.
#[derive(Clone, Copy, Debug, Default)]
pub struct Placed<'a> {
    /// `bindguard.dev/order`.
    pub order: &'a str,
    /// `bindguard.dev/ordered-by`.
    pub ordered_by: &'a str,
    /// `bindguard.dev/provision`.
    pub provision: Option<&'a str>,
}

/// Those of a binding's subjects for whom its order counts now: each once, in the order of the
/// subjects, never none. Whether they lack anything is another question.
///
/// That the order was admitted is not asked: only a binding that is stored is proof of that. Nor
/// are the groups of whoever placed it, which the guard looked at.
///
/// # Errors
///
/// Why it does not count.
pub fn judge<'b>(
    conditions: Conditions<'_>,
    placed: Placed<'_>,
    binding: &Binding<'b>,
) -> Result<Vec<Identity<'b>>, NoOrder> {
    let policy = conditions.policy;
    let epoch = conditions.epoch()?;
    let order = Order::parse(placed.order)?;
    let persona = policy
        .persona_of(binding.kind, binding.role)
        .ok_or(NoOrder::NotAPersona)?;
    if policy.exempts_namespace_of(binding) {
        return Err(NoOrder::ExemptNamespace);
    }
    conditions.asked(placed.provision)?;
    if order.epoch() != epoch {
        return Err(NoOrder::OtherEpoch);
    }
    let age = conditions.now.as_second() - order.time().as_second();
    if age < -AHEAD {
        return Err(NoOrder::FromTheFuture);
    }
    let lifetime = policy.provisioning.order_lifetime;
    if is_past(order.time(), conditions.now, lifetime) {
        return Err(NoOrder::Expired(lifetime));
    }
    if placed.ordered_by.is_empty() {
        return Err(NoOrder::Unsigned);
    }
    may_order(policy, placed.ordered_by, NO_GROUPS)?;
    conditions.not_too_many(order.identities().len())?;

    let ordered: HashSet<Identity<'_>> = order.identities().collect();
    let mut seen = HashSet::new();
    let here: Vec<Identity<'b>> = binding
        .identities()
        .filter(|identity| ordered.contains(identity) && seen.insert(*identity))
        .collect();
    if here.is_empty() {
        return Err(NoOrder::ForOthers);
    }
    let counted: Vec<Identity<'b>> = here
        .into_iter()
        .filter(|identity| may_be_ordered_for(*identity))
        .filter(|identity| persona.enforces(identity.kind()) && !policy.exempts_subject(*identity))
        .collect();
    if counted.is_empty() {
        return Err(NoOrder::SystemSubjects);
    }
    Ok(counted)
}

/// Whether an order that was placed then is older than an order may be.
#[must_use]
pub fn is_past(placed: Timestamp, now: Timestamp, lifetime: Duration) -> bool {
    let age = now.as_second() - placed.as_second();
    Duration::from_secs(u64::try_from(age).unwrap_or(0)) > lifetime
}

const NO_GROUPS: &[&str] = &[];
