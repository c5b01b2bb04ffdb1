//! Who holds which companion, and what follows from that.

use smallvec::SmallVec;

use super::companion_set::CompanionSet;
use super::identity::Identity;
use super::policy::{Policy, UmbrellaGroups};

/// What several identities hold. Most bindings have few subjects.
pub type HeldByEach = SmallVec<[CompanionSet; 8]>;

/// The index of companion bindings: who holds which companion.
pub trait Holdings {
    /// The companions that `ClusterRoleBindings` give to exactly this identity, by the policy that
    /// the index was built for. Groups that it may be in are not looked at.
    fn held_by(&self, identity: Identity<'_>) -> CompanionSet;

    /// The same for each of several identities, in their order.
    fn held_by_each(&self, identities: &[Identity<'_>]) -> HeldByEach {
        let held = identities.iter().map(|identity| self.held_by(*identity));
        held.collect()
    }
}

impl<H: Holdings + ?Sized> Holdings for &H {
    fn held_by(&self, identity: Identity<'_>) -> CompanionSet {
        (**self).held_by(identity)
    }

    fn held_by_each(&self, identities: &[Identity<'_>]) -> HeldByEach {
        (**self).held_by_each(identities)
    }
}

impl<H: Holdings + ?Sized> Holdings for std::sync::Arc<H> {
    fn held_by(&self, identity: Identity<'_>) -> CompanionSet {
        (**self).held_by(identity)
    }

    fn held_by_each(&self, identities: &[Identity<'_>]) -> HeldByEach {
        (**self).held_by_each(identities)
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
    let held = holdings.held_by(identity);
    lacking_beside(policy, holdings, identity, needed.without(held))
}

/// Which of the companions that the identity lacks it lacks in spite of the groups that Kubernetes
/// itself gives it.
pub fn lacking_beside(
    policy: &Policy,
    holdings: &(impl Holdings + ?Sized),
    identity: Identity<'_>,
    mut lacks: CompanionSet,
) -> CompanionSet {
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
