//! What a request may order, before anybody asked whether its requester has the rights.

use super::{Conditions, NoOrder, Order, asks, may_be_ordered_for, may_order};
use crate::domain::assess::{Missing, Since};
use crate::domain::identity::Identity;
use crate::provisioning::guard::epoch::EpochValue;

/// What a request wants.
#[derive(Debug)]
pub struct Wanted<'a, G> {
    /// The requester's user name.
    pub username: &'a str,
    /// The requester's groups.
    pub groups: &'a [G],
    /// The annotation `bindguard.dev/provision` as it is to be.
    pub provision: Option<&'a str>,
    /// The same before this request; nothing, where the binding is new.
    pub provision_before: Option<&'a str>,
    /// Who lacks what, by the rule.
    pub missing: &'a [Missing<'a>],
}

/// The epoch in which a request may place an order, if it may place any at all: whatever can be
/// said before anybody looked who lacks something.
///
/// # Errors
///
/// Why it may not.
pub fn may_place<'c, G: AsRef<str>>(
    conditions: Conditions<'c>,
    wanted: &Wanted<'_, G>,
) -> Result<&'c EpochValue, NoOrder> {
    conditions.asked(wanted.provision)?;
    let epoch = conditions.epoch()?;
    may_order(conditions.policy, wanted.username, wanted.groups)?;
    Ok(epoch)
}

/// The order that a request may place: for all who lack something if the binding is new, or if
/// this very request asks for it anew; otherwise for those whom it brings in.
///
/// # Errors
///
/// Why it may place none.
pub fn place<G: AsRef<str>>(
    conditions: Conditions<'_>,
    wanted: &Wanted<'_, G>,
) -> Result<Order, NoOrder> {
    let epoch = may_place(conditions, wanted)?;
    let asks_anew = asks(wanted.provision) && !asks(wanted.provision_before);
    let lacking: Vec<Identity<'_>> = wanted
        .missing
        .iter()
        .filter(|one| asks_anew || one.since == Since::ThisChange)
        .map(|one| one.identity)
        .collect();
    if lacking.is_empty() {
        return Err(NoOrder::NothingNew);
    }
    let subjects: Vec<Identity<'_>> = lacking
        .into_iter()
        .filter(|identity| may_be_ordered_for(*identity))
        .collect();
    if subjects.is_empty() {
        return Err(NoOrder::SystemSubjects);
    }
    conditions.not_too_many(subjects.len())?;
    Ok(Order::new(epoch.clone(), conditions.now, subjects))
}
