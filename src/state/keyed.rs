//! Values by the key of the binding that they are of.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;

use super::binding_key::BindingKey;
use super::slab::Slab;

/// Values that are found by a key, and have a small number as long as they are there.
///
/// The key is beside its value and not in the table as well, which for a million bindings counts.
#[derive(Debug)]
pub(super) struct Keyed<T> {
    values: Slab<(BindingKey, T)>,
    by_key: HashTable<u32>,
    /// Keys are hostile, so the hash is keyed.
    hasher: RandomState,
}

impl<T: Default> Keyed<T> {
    pub(super) fn new() -> Self {
        Self {
            values: Slab::new(),
            by_key: HashTable::new(),
            hasher: RandomState::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.by_key.len()
    }

    /// The numbers of all values, in no order.
    pub(super) fn numbers(&self) -> impl Iterator<Item = u32> {
        self.by_key.iter().copied()
    }

    pub(super) fn number_of(&self, key: BindingKey) -> Option<u32> {
        self.by_key
            .find(self.hasher.hash_one(key), |number| {
                self.values
                    .get(*number)
                    .is_some_and(|(other, _)| *other == key)
            })
            .copied()
    }

    pub(super) fn get(&self, number: u32) -> Option<&T> {
        self.values.get(number).map(|(_, value)| value)
    }

    pub(super) fn of_key(&self, key: BindingKey) -> Option<&T> {
        self.get(self.number_of(key)?)
    }

    pub(super) fn of_key_mut(&mut self, key: BindingKey) -> Option<&mut T> {
        let number = self.number_of(key)?;
        self.values.get_mut(number).map(|(_, value)| value)
    }

    /// Adds a value whose key is not there yet and tells its number; `None` when all are taken.
    pub(super) fn insert(&mut self, key: BindingKey, value: T) -> Option<u32> {
        let number = self.values.insert((key, value))?;
        let (values, hasher) = (&self.values, &self.hasher);
        self.by_key
            .insert_unique(hasher.hash_one(key), number, |number| {
                values
                    .get(*number)
                    .map_or(0, |(key, _)| hasher.hash_one(key))
            });
        Some(number)
    }

    /// Takes out the value with this key, and tells the number that it had.
    pub(super) fn remove(&mut self, key: BindingKey) -> Option<(u32, T)> {
        let number = self.number_of(key)?;
        let hash = self.hasher.hash_one(key);
        if let Ok(entry) = self.by_key.find_entry(hash, |other| *other == number) {
            entry.remove();
        }
        let (_, value) = self.values.remove(number)?;
        Some((number, value))
    }
}
