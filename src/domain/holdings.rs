//! Who holds which companion, and what follows from that.

use super::companion_set::CompanionSet;
use super::identity::Identity;
use super::policy::{Policy, UmbrellaGroups};

/// The index of companion bindings: who holds which companion.
pub trait Holdings {
    /// The companions that `ClusterRoleBindings` give to exactly this identity, by the policy that
    /// the index was built for. Groups that it may be in are not looked at.
    fn held_by(&self, identity: Identity<'_>) -> CompanionSet;
}

impl<H: Holdings + ?Sized> Holdings for &H {
    fn held_by(&self, identity: Identity<'_>) -> CompanionSet {
        (**self).held_by(identity)
    }
}

impl<H: Holdings + ?Sized> Holdings for std::sync::Arc<H> {
    fn held_by(&self, identity: Identity<'_>) -> CompanionSet {
        (**self).held_by(identity)
    }
}

/// Which of the `needed` companions do not cover the identity: neither by a binding to itself
/// nor, if the policy honours them, by one to a group that Kubernetes itself gives it.
pub fn lacking(
    policy: &Policy,
    holdings: &(impl Holdings + ?Sized),
    identity: Identity<'_>,
    needed: CompanionSet,
) -> CompanionSet {
    let mut lacks = needed.without(holdings.held_by(identity));
    match policy.umbrella_groups {
        UmbrellaGroups::Ignore => {}
        UmbrellaGroups::Honour => {
            let groups = identity
                .umbrella_groups()
                .map(|group| group as Identity<'_>);
            for group in groups.chain(identity.namespace_group()) {
                if lacks.is_empty() {
                    break;
                }
                lacks = lacks.without(holdings.held_by(group));
            }
        }
    }
    lacks
}
