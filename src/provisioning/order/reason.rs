//! Why there is no order, or none that counts.

use std::time::Duration;

use super::form::Malformed;
use crate::domain::text::Escaped;

/// Why nothing is ordered, or why an order does not count. It reads on after `nothing is ordered:`
/// and `its order does not count:`, and is safe to show.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoOrder {
    /// The policy takes none.
    #[error("the policy says provisioning.mode: Disabled")]
    Disabled,
    /// There is no epoch.
    #[error("{}", Escaped(.0))]
    NotInPlace(String),
    /// There are as many companions as there may be.
    #[error(
        "there are {0} companion bindings, as many as provisioning.maxCompanions lets there be"
    )]
    TooManyCompanions(usize),
    /// The binding is none that is judged.
    #[error("the binding is to no persona")]
    NotAPersona,
    /// The binding's namespace is exempt.
    #[error("the namespace is exempt")]
    ExemptNamespace,
    /// The binding does not ask for it.
    #[error("the binding has no annotation bindguard.dev/provision: \"true\"")]
    NotAsked,
    /// The order is no order.
    #[error("it is not in the form of an order: {0}")]
    Malformed(#[from] Malformed),
    /// The order is of another epoch.
    #[error(
        "it was placed while the guard of orders was another, or not in place; set \
         bindguard.dev/provision anew to order again"
    )]
    OtherEpoch,
    /// The order is dated later than now.
    #[error("it is dated more than a minute ahead of now")]
    FromTheFuture,
    /// The order is too old.
    #[error(
        "it is older than {} s; set bindguard.dev/provision anew to order again",
        .0.as_secs()
    )]
    Expired(Duration),
    /// Nobody signed the order.
    #[error("the annotation bindguard.dev/ordered-by says nobody")]
    Unsigned,
    /// A ServiceAccount that may not order.
    #[error(
        "a ServiceAccount may order companions only if the policy lists it in \
         provisioning.serviceAccounts"
    )]
    UnlistedServiceAccount,
    /// A user that Kubernetes itself names.
    #[error("a user whose name begins with system: orders no companions")]
    SystemRequester,
    /// Somebody whom the policy lists.
    #[error("the policy lists the requester in provisioning.notOrdering")]
    NotOrdering,
    /// More than one order may be for.
    #[error(
        "it would be for {subjects} subjects, and provisioning.maxSubjectsPerBinding is {most}"
    )]
    TooManySubjects {
        /// How many there are.
        subjects: usize,
        /// How many there may be.
        most: u32,
    },
    /// Only subjects lack something for whom nothing may be ordered.
    #[error(
        "nothing is ordered for subjects whose name begins with system:, nor for those that need \
         no companions"
    )]
    SystemSubjects,
    /// This request does not bring in whoever lacks something.
    #[error(
        "the request brings in nobody who lacks companions; set bindguard.dev/provision anew to \
         order for those who were there before"
    )]
    NothingNew,
    /// None of the subjects is in the order.
    #[error("it is for none of the binding's subjects")]
    ForOthers,
    /// The order does not fit into its annotation.
    #[error("the names are too long: an order has at most 16 KiB")]
    TooLong,
    /// The order does not fit beside the other annotations.
    #[error("the other annotations leave no room: all together may have 262144 bytes")]
    NoRoom,
}

impl NoOrder {
    /// Whether an order that does not count for this reason may count later, as it is.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        matches!(self, Self::NotInPlace(_) | Self::TooManyCompanions(_))
    }
}
