//! The policy in force and the holdings that belong to it, as one thing.

use std::sync::{Arc, PoisonError, RwLock};

use super::index::Index;
use crate::domain::companion_set::CompanionSet;
use crate::domain::holdings::{HeldByEach, Holdings};
use crate::domain::identity::Identity;
use crate::domain::policy::Policy;

/// How many identities are looked up under one lock. A binding may have 34,000 subjects, and a
/// change that waits for the lock makes the lookups of all other calls wait behind it.
const AT_A_TIME: usize = 64;

/// A policy with the holdings for its companions.
///
/// A request takes one and keeps it to its end. The policy in it never changes; the holdings do,
/// as long as the snapshot is the current one.
#[derive(Debug)]
pub struct Snapshot {
    policy: Arc<Policy>,
    index: Arc<SharedIndex>,
}

impl Snapshot {
    /// A policy with the index that was filled by it.
    #[must_use]
    pub fn new(policy: Arc<Policy>, index: Index) -> Self {
        Self::sharing(policy, Arc::new(SharedIndex::new(index)))
    }

    /// A policy with an index that others change. The index must have been filled by a policy
    /// with the same companions.
    pub(super) const fn sharing(policy: Arc<Policy>, index: Arc<SharedIndex>) -> Self {
        Self { policy, index }
    }

    /// The policy.
    #[must_use]
    pub const fn policy(&self) -> &Arc<Policy> {
        &self.policy
    }

    /// How many pairs of identity and companion there are.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.index.read(Index::entries)
    }

    /// How many bindings give at least one companion to at least one identity.
    #[must_use]
    pub fn bindings(&self) -> usize {
        self.index.read(Index::bindings)
    }
}

impl Holdings for Snapshot {
    fn held_by(&self, identity: Identity<'_>) -> CompanionSet {
        self.index.read(|index| index.held_by(identity))
    }

    fn held_by_each(&self, identities: &[Identity<'_>]) -> HeldByEach {
        identities
            .chunks(AT_A_TIME)
            .flat_map(|some| self.index.read(|index| index.held_by_each(some)))
            .collect()
    }
}

/// An index that one task changes and many read.
///
/// A lock is held only while a closure runs that cannot wait, so never across an `await`.
#[derive(Debug, Default)]
pub(super) struct SharedIndex(RwLock<Index>);

impl SharedIndex {
    pub(super) const fn new(index: Index) -> Self {
        Self(RwLock::new(index))
    }

    /// Reads. After a panic in the middle of a change the index serves on as it was left: whoever
    /// panicked is started again and replaces it.
    fn read<T>(&self, read: impl FnOnce(&Index) -> T) -> T {
        read(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Index) -> T) -> T {
        change(&mut self.0.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another index in its place.
    pub(super) fn replace(&self, index: Index) {
        // Freeing a million names takes a while; it happens after the lock is given back.
        let before = self.change(|current| std::mem::replace(current, index));
        drop(before);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{SharedIndex, Snapshot};
    use crate::domain::companion_set::CompanionSet;
    use crate::domain::holdings::Holdings;
    use crate::domain::identity::Identity;
    use crate::domain::policy::Policy;
    use crate::state::binding_key::BindingKey;
    use crate::state::index::Index;

    const ALICE: Identity<'_> = Identity::User("alice");

    #[test]
    fn a_snapshot_sees_what_changes_in_its_index() {
        let index = Arc::new(SharedIndex::default());
        let snapshot = Snapshot::sharing(Arc::new(Policy::built_in()), Arc::clone(&index));
        assert!(snapshot.held_by(ALICE).is_empty());
        let given = CompanionSet::of(1);
        index.change(|index| index.apply(BindingKey::of_uid("a"), given, [ALICE]));
        assert_eq!(snapshot.held_by(ALICE), given);
        assert_eq!((snapshot.entries(), snapshot.bindings()), (1, 1));
    }

    #[test]
    fn of_many_identities_each_is_found_in_its_place() {
        let names: Vec<String> = (0..200).map(|number| format!("user-{number}")).collect();
        let identities: Vec<_> = names.iter().map(|name| Identity::User(name)).collect();
        let mut index = Index::new();
        for (number, identity) in identities.iter().enumerate().skip(50) {
            let key = BindingKey::of_source(&names[number]);
            index.apply(key, CompanionSet::of(number % 3), [*identity]);
        }
        let snapshot = Snapshot::new(Arc::new(Policy::built_in()), index);
        let held = snapshot.held_by_each(&identities);
        assert_eq!(held.len(), identities.len());
        for (identity, held) in identities.iter().zip(held) {
            assert_eq!(held, snapshot.held_by(*identity), "{identity:?}");
        }
    }

    #[test]
    fn a_panic_during_a_change_does_not_stop_lookups() {
        let index = Arc::new(SharedIndex::default());
        let shared = Arc::clone(&index);
        std::thread::spawn(move || shared.change(|_| panic!("in the middle")))
            .join()
            .unwrap_err();
        let snapshot = Snapshot::sharing(Arc::new(Policy::built_in()), index);
        assert!(snapshot.held_by(ALICE).is_empty());
    }
}
