//! Orders: what one says, when one may be placed, and when one counts.
//!
//! All of it is pure. The webhooks and the controller apply the same conditions to what is stored,
//! and trust nothing that any of them did before.

mod form;
mod judge;
mod outlook;
mod place;
mod reason;
#[cfg(test)]
mod tests;

pub use form::{LONGEST, Malformed, Order, OrderedSubject};
pub use judge::{Placed, is_past, judge};
pub use outlook::{Outlook, outlook};
pub use place::{Wanted, may_place, place};
pub use reason::NoOrder;

use jiff::Timestamp;

use crate::domain::identity::{Identity, SERVICE_ACCOUNT_USER_PREFIX, SubjectKind};
use crate::domain::policy::{Policy, ProvisioningMode};
use crate::provisioning::guard::epoch::EpochValue;

/// What everybody's names begin with whom Kubernetes itself names.
const SYSTEM: &str = "system:";

/// What an order is held against.
#[derive(Clone, Copy, Debug)]
pub struct Conditions<'c> {
    /// The policy in force.
    pub policy: &'c Policy,
    /// The epoch, or why there is none.
    pub epoch: Result<&'c EpochValue, &'c str>,
    /// The time.
    pub now: Timestamp,
    /// How many companion bindings there are.
    pub companions: usize,
}

impl<'c> Conditions<'c> {
    /// The epoch in which orders can be placed and count now.
    fn epoch(&self) -> Result<&'c EpochValue, NoOrder> {
        let provisioning = &self.policy.provisioning;
        if provisioning.mode == ProvisioningMode::Disabled {
            return Err(NoOrder::Disabled);
        }
        let epoch = self
            .epoch
            .map_err(|reason| NoOrder::NotInPlace(reason.to_owned()))?;
        let most = usize::try_from(provisioning.max_companions).unwrap_or(usize::MAX);
        if self.companions >= most {
            return Err(NoOrder::TooManyCompanions(most));
        }
        Ok(epoch)
    }

    /// Whether a binding asks for its companions, by its annotation or because all do.
    fn asked(&self, provision: Option<&str>) -> Result<(), NoOrder> {
        let always = self.policy.provisioning.mode == ProvisioningMode::Always;
        if always || asks(provision) {
            Ok(())
        } else {
            Err(NoOrder::NotAsked)
        }
    }

    /// Whether one order may be for so many.
    fn not_too_many(&self, subjects: usize) -> Result<(), NoOrder> {
        let most = self.policy.provisioning.max_subjects_per_binding;
        if u32::try_from(subjects).is_ok_and(|subjects| subjects <= most) {
            Ok(())
        } else {
            Err(NoOrder::TooManySubjects { subjects, most })
        }
    }
}

/// Whether a value of the annotation `bindguard.dev/provision` asks for companions.
#[must_use]
pub fn asks(provision: Option<&str>) -> bool {
    provision == Some("true")
}

/// Whether somebody may place orders at all, whatever their rights.
///
/// # Errors
///
/// Why not.
pub fn may_order(
    policy: &Policy,
    username: &str,
    groups: &[impl AsRef<str>],
) -> Result<(), NoOrder> {
    let provisioning = &policy.provisioning;
    if username.starts_with(SERVICE_ACCOUNT_USER_PREFIX) {
        let listed = provisioning
            .service_accounts
            .iter()
            .any(|account| account.username() == username);
        if !listed {
            return Err(NoOrder::UnlistedServiceAccount);
        }
    } else if username.starts_with(SYSTEM) {
        return Err(NoOrder::SystemRequester);
    }
    let never = provisioning
        .not_ordering
        .iter()
        .any(|subject| match subject.kind {
            SubjectKind::User => subject.name == username,
            SubjectKind::Group => groups.iter().any(|group| group.as_ref() == subject.name),
            SubjectKind::ServiceAccount => false,
        });
    if never {
        Err(NoOrder::NotOrdering)
    } else {
        Ok(())
    }
}

/// Whether anything may be ordered for this identity: for `ServiceAccounts`, and for no others that
/// Kubernetes itself names, such as everybody who is authenticated.
#[must_use]
pub fn may_be_ordered_for(identity: Identity<'_>) -> bool {
    match identity {
        Identity::User(name) | Identity::Group(name) => !name.starts_with(SYSTEM),
        Identity::ServiceAccountsOf(_) => false,
        Identity::ServiceAccount { .. } => true,
    }
}
