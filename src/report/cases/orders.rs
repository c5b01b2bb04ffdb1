//! The order that a case leaves on its binding, and for whom it counts.

use jiff::{SignedDuration, Timestamp};

use crate::domain::assess::{Assessment, Missing};
use crate::domain::binding::Binding;
use crate::domain::identity::Identity;
use crate::domain::policy::Policy;
use crate::manifest::{ManifestBinding, ManifestSubject};
use crate::policy_file::cases::{Case, Guard, Ordered, Placed as Under};
use crate::provisioning::guard::epoch::EpochValue;
use crate::provisioning::order::{Conditions, NoOrder, Order, Placed, Wanted, judge, place};
use crate::provisioning::{ORDER, ORDERED_BY, PROVISION};

/// The time of every case, in seconds since 1970. Nothing depends on it but ages.
const NOW: i64 = 1_800_000_000;
/// The epoch in which every case happens, and one before it.
const EPOCH: &str = "11111111111111111111111111111111";
const ANOTHER: &str = "00000000000000000000000000000000";

/// What orders come to.
#[derive(Debug)]
pub(super) enum Orders<'b> {
    /// An order counts for these.
    For(Vec<Identity<'b>>),
    /// Nothing is ordered, and this is why.
    None(Why),
}

/// Why nothing is ordered.
#[derive(Debug, thiserror::Error)]
pub(super) enum Why {
    /// Nobody asked for it.
    #[error("nobody asked")]
    NotAsked,
    /// Nothing is known of who asks.
    #[error("the requester may not create the companions: mayCreateCompanions is not set")]
    NoRights,
    /// No order can be placed.
    #[error("nothing is ordered: {0}")]
    NotPlaced(NoOrder),
    /// The order that there is does not count.
    #[error("its order does not count: {0}")]
    NotCounted(NoOrder),
}

/// Places the order that a case asks for, as `/mutate` would, and judges the one that the binding
/// then carries, as `/validate` and the controller would.
pub(super) fn orders<'b>(
    policy: &Policy,
    case: &Case,
    binding: &Binding<'b>,
    assessment: &Assessment<'_, '_>,
) -> Orders<'b> {
    let Some(([epoch, another], now)) = epochs().zip(Timestamp::from_second(NOW).ok()) else {
        return Orders::None(Why::NotAsked);
    };
    let conditions = Conditions {
        policy,
        epoch: match case.guard {
            Guard::InPlace => Ok(&epoch),
            Guard::NotInPlace => Err("the guard of orders is not in place"),
        },
        now,
        companions: case.companion_bindings.unwrap_or(case.holdings.len()),
    };
    let before = match &case.order {
        Some(order) => {
            let epoch = match order.placed {
                Under::UnderThisGuard => &epoch,
                Under::UnderAnother => &another,
            };
            Some((written(order, binding, epoch, now), order.by.clone()))
        }
        None => annotation(&case.binding, ORDER).map(|order| {
            let by = annotation(&case.binding, ORDERED_BY).unwrap_or_default();
            (order.to_owned(), by.to_owned())
        }),
    };
    let (carried, why) = match stamped(conditions, case, assessment) {
        Ok(new) => (Some(new), Why::NotAsked),
        Err(why) => (before, why),
    };
    let Some((order, ordered_by)) = carried else {
        return Orders::None(why);
    };
    let placed = Placed {
        order: &order,
        ordered_by: &ordered_by,
        provision: annotation(&case.binding, PROVISION),
    };
    match judge(conditions, placed, binding) {
        Ok(counted) => Orders::For(counted),
        Err(reason) => Orders::None(Why::NotCounted(reason)),
    }
}

/// The order that the requester of a case places, and under which name.
fn stamped(
    conditions: Conditions<'_>,
    case: &Case,
    assessment: &Assessment<'_, '_>,
) -> Result<(String, String), Why> {
    let missing: &[Missing<'_>] = match assessment {
        Assessment::Judged(judged) => &judged.missing,
        Assessment::NotJudged(_) => &[],
    };
    let requester = case.requester.as_ref().ok_or(Why::NotAsked)?;
    if missing.is_empty() {
        return Err(Why::NotAsked);
    }
    let previous = case.previous.as_ref();
    let wanted = Wanted {
        username: &requester.user,
        groups: &requester.groups,
        provision: annotation(&case.binding, PROVISION),
        provision_before: previous.and_then(|previous| annotation(previous, PROVISION)),
        missing,
    };
    let order = match place(conditions, &wanted) {
        Err(NoOrder::NotAsked) => return Err(Why::NotAsked),
        Err(reason) => return Err(Why::NotPlaced(reason)),
        Ok(order) => order,
    };
    if !requester.may_create_companions {
        return Err(Why::NoRights);
    }
    let text = order.encode().ok_or(Why::NotPlaced(NoOrder::TooLong))?;
    Ok((text, requester.user.clone()))
}

/// The text of an order that a case puts on its binding.
fn written(order: &Ordered, binding: &Binding<'_>, epoch: &EpochValue, now: Timestamp) -> String {
    let age = SignedDuration::try_from(order.age).unwrap_or_default();
    let time = now.checked_sub(age).unwrap_or(now);
    let order = match &order.subjects {
        None => Order::new(epoch.clone(), time, binding.identities()),
        Some(subjects) => {
            let subjects: Vec<_> = subjects.iter().map(ManifestSubject::as_subject).collect();
            let identities = subjects
                .iter()
                .filter_map(|one| one.identity(binding.namespace));
            Order::new(epoch.clone(), time, identities)
        }
    };
    order.to_string()
}

fn epochs() -> Option<[EpochValue; 2]> {
    Some([EpochValue::parse(EPOCH)?, EpochValue::parse(ANOTHER)?])
}

fn annotation<'m>(binding: &'m ManifestBinding, key: &str) -> Option<&'m str> {
    binding.annotations.get(key).map(String::as_str)
}
