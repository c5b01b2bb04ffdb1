//! The persona bindings, by what they are and by whom they name.
//!
//! Synchronous, and knows nothing of where bindings come from. What a lookup costs depends on how
//! many bindings it finds, not on how many there are.

use std::fmt;
use std::hash::{BuildHasher, RandomState};

use hashbrown::{HashSet, HashTable};
use smallvec::SmallVec;

use super::packed::PersonaBinding;
use crate::domain::binding::Binding;
use crate::domain::identity::Identity;
use crate::domain::policy::Policy;
use crate::state::binding_key::BindingKey;
use crate::state::keyed::Keyed;

/// The persona bindings of one policy's personas.
pub struct PersonaIndex {
    bindings: Keyed<PersonaBinding>,
    by_identity: HashTable<Naming>,
    /// Names are hostile, so the hash is keyed.
    hasher: RandomState,
}

/// The bindings that name the identities with this hash: nearly always one identity. Its name is
/// in the bindings, and need not be here again.
#[derive(Debug)]
struct Naming {
    hash: u64,
    bindings: SmallVec<[u32; 4]>,
}

impl PersonaIndex {
    /// An index with nothing in it.
    #[must_use]
    pub fn new() -> Self {
        Self {
            bindings: Keyed::new(),
            by_identity: HashTable::new(),
            hasher: RandomState::new(),
        }
    }

    /// The index of those of the bindings that bind a persona. Where two have the same key, the
    /// later counts.
    #[must_use]
    pub fn of<'a>(
        policy: &Policy,
        bindings: impl IntoIterator<Item = (BindingKey, Binding<'a>)>,
    ) -> Self {
        let mut index = Self::new();
        for (key, binding) in bindings {
            index.apply_binding(policy, key, &binding);
        }
        index
    }

    /// Takes in a binding that is new or has changed; if it binds no persona, it is forgotten.
    /// Whether anything is different now.
    pub fn apply_binding(
        &mut self,
        policy: &Policy,
        key: BindingKey,
        binding: &Binding<'_>,
    ) -> bool {
        if policy.persona_of(binding.kind, binding.role).is_none() {
            return self.delete(key);
        }
        let packed = PersonaBinding::of(binding);
        if self.bindings.of_key(key) == Some(&packed) {
            return false;
        }
        self.delete(key);
        self.insert(key, packed, binding);
        true
    }

    /// Takes in that the binding with this key is gone. Whether anything is different now.
    pub fn delete(&mut self, key: BindingKey) -> bool {
        let Some((number, binding)) = self.bindings.remove(key) else {
            return false;
        };
        for hash in self.hashes(&binding.as_binding()) {
            self.forget(hash, number);
        }
        true
    }

    /// How many persona bindings there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bindings.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bindings that name one of the identities, each once, in no order.
    #[must_use]
    pub fn naming(&self, identities: &HashSet<Identity<'_>>) -> Vec<PersonaBinding> {
        let numbers: HashSet<u32> = identities
            .iter()
            .filter_map(|identity| self.find(self.hasher.hash_one(identity)))
            .flat_map(|naming| naming.bindings.iter().copied())
            .collect();
        self.get(numbers)
            .filter(|binding| {
                let binding = binding.as_binding();
                binding.identities().any(|one| identities.contains(&one))
            })
            .collect()
    }

    /// All bindings, in no order.
    #[must_use]
    pub fn all(&self) -> Vec<PersonaBinding> {
        self.get(self.bindings.numbers()).collect()
    }

    fn get(&self, numbers: impl IntoIterator<Item = u32>) -> impl Iterator<Item = PersonaBinding> {
        numbers
            .into_iter()
            .filter_map(|number| self.bindings.get(number).cloned())
    }

    fn insert(&mut self, key: BindingKey, packed: PersonaBinding, binding: &Binding<'_>) {
        let Some(number) = self.bindings.insert(key, packed) else {
            return;
        };
        for hash in self.hashes(binding) {
            self.by_identity
                .entry(hash, |naming| naming.hash == hash, |naming| naming.hash)
                .or_insert(Naming {
                    hash,
                    bindings: SmallVec::new(),
                })
                .into_mut()
                .bindings
                .push(number);
        }
    }

    /// The hashes of those whom a binding names, each once.
    fn hashes(&self, binding: &Binding<'_>) -> SmallVec<[u64; 8]> {
        let mut hashes: SmallVec<[u64; 8]> = binding
            .identities()
            .map(|identity| self.hasher.hash_one(identity))
            .collect();
        hashes.sort_unstable();
        hashes.dedup();
        hashes
    }

    fn find(&self, hash: u64) -> Option<&Naming> {
        self.by_identity.find(hash, |naming| naming.hash == hash)
    }

    fn forget(&mut self, hash: u64, number: u32) {
        let found = self
            .by_identity
            .find_entry(hash, |naming| naming.hash == hash);
        let Ok(mut entry) = found else { return };
        let bindings = &mut entry.get_mut().bindings;
        if let Some(place) = bindings.iter().position(|other| *other == number) {
            bindings.swap_remove(place);
        }
        if bindings.is_empty() {
            entry.remove();
        }
    }
}

impl Default for PersonaIndex {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for PersonaIndex {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("PersonaIndex")
            .field("bindings", &self.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
