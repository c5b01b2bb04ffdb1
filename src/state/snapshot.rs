//! The policy in force with the holdings and the persona bindings that belong to it, as one thing.

use std::sync::Arc;

use hashbrown::HashSet;

use super::binding_key::BindingKey;
use super::index::Index;
use super::personas::{PersonaBinding, PersonaIndex, Personas, PersonasUnknown};
use super::shared::Shared;
use crate::domain::companion_set::CompanionSet;
use crate::domain::holdings::{HeldByEach, Holdings};
use crate::domain::identity::Identity;
use crate::domain::policy::Policy;

/// How many identities are looked up under one lock. A binding may have 34,000 subjects, and a
/// change that waits for the lock makes the lookups of all other calls wait behind it.
const AT_A_TIME: usize = 64;

/// A policy with the holdings for its companions and the bindings of its personas.
///
/// A request takes one and keeps it to its end. The policy in it never changes; the rest does, as
/// long as the snapshot is the current one.
#[derive(Debug)]
pub struct Snapshot {
    policy: Arc<Policy>,
    index: Arc<Shared<Index>>,
    personas: Personas,
}

impl Snapshot {
    /// A policy with the index that was filled by it. Persona bindings are not known.
    #[must_use]
    pub fn new(policy: Arc<Policy>, index: Index) -> Self {
        Self::sharing(policy, Arc::new(Shared::new(index)), Personas::Unknown)
    }

    /// The same, with all persona bindings of the policy.
    #[must_use]
    pub fn with_personas(self, personas: PersonaIndex) -> Self {
        Self {
            personas: Personas::Whole(personas),
            ..self
        }
    }

    /// A policy with an index that others change. The index must have been filled by a policy
    /// with the same companions, and what is known of persona bindings by one with the same
    /// personas.
    pub(super) const fn sharing(
        policy: Arc<Policy>,
        index: Arc<Shared<Index>>,
        personas: Personas,
    ) -> Self {
        Self {
            policy,
            index,
            personas,
        }
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

    /// How many persona bindings there are.
    ///
    /// # Errors
    ///
    /// If they are not known.
    pub fn persona_bindings(&self) -> Result<usize, PersonasUnknown> {
        self.personas.len(&self.policy)
    }

    /// The persona bindings that name one of the identities, in no order.
    ///
    /// # Errors
    ///
    /// If they are not known.
    pub fn persona_bindings_naming(
        &self,
        identities: &HashSet<Identity<'_>>,
    ) -> Result<Vec<PersonaBinding>, PersonasUnknown> {
        self.personas.naming(&self.policy, identities)
    }

    /// All persona bindings, in no order. Copies what tells them apart, and not what they say.
    ///
    /// # Errors
    ///
    /// If they are not known.
    pub fn all_persona_bindings(&self) -> Result<Vec<PersonaBinding>, PersonasUnknown> {
        self.personas.all(&self.policy)
    }

    /// The holdings as they would be without the bindings of these keys.
    #[must_use]
    pub const fn without<'s>(&'s self, keys: &'s [BindingKey]) -> Without<'s> {
        Without {
            snapshot: self,
            keys,
        }
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

/// Holdings without what some bindings give; see [`Snapshot::without`]. Nothing is copied.
#[derive(Clone, Copy, Debug)]
pub struct Without<'s> {
    snapshot: &'s Snapshot,
    keys: &'s [BindingKey],
}

impl Holdings for Without<'_> {
    fn held_by(&self, identity: Identity<'_>) -> CompanionSet {
        self.snapshot
            .index
            .read(|index| index.held_without(self.keys, identity))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::Snapshot;
    use crate::domain::companion_set::CompanionSet;
    use crate::domain::holdings::Holdings;
    use crate::domain::identity::Identity;
    use crate::domain::policy::Policy;
    use crate::state::binding_key::BindingKey;
    use crate::state::index::Index;
    use crate::state::personas::{Personas, PersonasUnknown};
    use crate::state::shared::Shared;

    const ALICE: Identity<'_> = Identity::User("alice");

    #[test]
    fn a_snapshot_sees_what_changes_in_its_index() {
        let index = Arc::new(Shared::new(Index::new()));
        let policy = Arc::new(Policy::built_in());
        let snapshot = Snapshot::sharing(policy, Arc::clone(&index), Personas::Unknown);
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
        let index = Arc::new(Shared::new(Index::new()));
        let shared = Arc::clone(&index);
        std::thread::spawn(move || shared.change(|_| panic!("in the middle")))
            .join()
            .unwrap_err();
        let policy = Arc::new(Policy::built_in());
        let snapshot = Snapshot::sharing(policy, index, Personas::Unknown);
        assert!(snapshot.held_by(ALICE).is_empty());
    }

    #[test]
    fn persona_bindings_that_nobody_read_are_unknown_and_not_none() {
        let snapshot = Snapshot::new(Arc::new(Policy::built_in()), Index::new());
        assert_eq!(snapshot.persona_bindings(), Err(PersonasUnknown::NotYet));
        let read = snapshot.with_personas(crate::state::personas::PersonaIndex::new());
        assert_eq!(read.persona_bindings(), Ok(0));
    }
}
