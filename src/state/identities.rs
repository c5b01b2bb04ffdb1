//! Identities, each kept once, with the companions that it holds.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashMap;
use smallvec::SmallVec;

use super::numbers::Numbers;
use super::records::Records;
use crate::domain::companion_set::CompanionSet;
use crate::domain::holdings::HeldByEach;
use crate::domain::identity::Identity;

/// Every identity that holds something, by number and by name.
#[derive(Debug)]
pub(super) struct Identities {
    records: Records,
    by_identity: Numbers,
    /// By how many bindings more than one an identity holds a companion, where it does. Few do,
    /// so the others need not pay for a counter.
    surplus: HashMap<(u32, u8), u32, RandomState>,
    /// Names are hostile, so the hash is keyed.
    hasher: RandomState,
}

impl Identities {
    pub(super) fn new() -> Self {
        Self {
            records: Records::new(),
            by_identity: Numbers::new(),
            surplus: HashMap::default(),
            hasher: RandomState::new(),
        }
    }

    /// What the identity holds.
    pub(super) fn held_by(&self, identity: Identity<'_>) -> CompanionSet {
        self.find(identity)
            .map_or(CompanionSet::EMPTY, |(_, held)| held)
    }

    /// What each of the identities holds, in their order.
    ///
    /// In holdings that no cache holds a lookup waits for memory twice, in the table and at the
    /// record. So all that the lookups will read is touched before the first one begins: the
    /// processor waits for many at a time where nothing depends on what comes.
    pub(super) fn held_by_each(&self, identities: &[Identity<'_>]) -> HeldByEach {
        let hash = |identity: &Identity<'_>| self.hasher.hash_one(identity);
        let hashes: SmallVec<[u64; 8]> = identities.iter().map(hash).collect();
        if hashes.len() > 1 {
            let likely: SmallVec<[Option<u32>; 8]> = hashes
                .iter()
                .map(|hash| self.by_identity.find(*hash, |_| true))
                .collect();
            for number in likely.into_iter().flatten() {
                self.records.touch(number);
            }
        }
        identities
            .iter()
            .zip(hashes)
            .map(|(identity, hash)| self.find_hashed(*identity, hash))
            .map(|found| found.map_or(CompanionSet::EMPTY, |(_, held)| held))
            .collect()
    }

    /// The identity's number, for [`hold`](Self::hold), which must follow: an identity that holds
    /// nothing is never taken out again.
    pub(super) fn intern(&mut self, identity: Identity<'_>) -> Option<u32> {
        if let Some((number, _)) = self.find(identity) {
            return Some(number);
        }
        let hash = self.hasher.hash_one(identity);
        let number = self.records.insert(identity)?;
        self.by_identity.insert(hash, number).then_some(number)
    }

    /// The identity's number and what it holds, if it holds anything.
    pub(super) fn find(&self, identity: Identity<'_>) -> Option<(u32, CompanionSet)> {
        self.find_hashed(identity, self.hasher.hash_one(identity))
    }

    fn find_hashed(&self, identity: Identity<'_>, hash: u64) -> Option<(u32, CompanionSet)> {
        let mut found = CompanionSet::EMPTY;
        let number = self.by_identity.find(hash, |number| {
            self.records.get(number).is_some_and(|(other, held)| {
                found = held;
                other == identity
            })
        })?;
        Some((number, found))
    }

    /// By how many bindings an identity holds a companion that it does hold.
    pub(super) fn givers(&self, number: u32, companion: usize) -> usize {
        let surplus = u8::try_from(companion)
            .ok()
            .and_then(|companion| self.surplus.get(&(number, companion)));
        1 + surplus.map_or(0, |surplus| *surplus as usize)
    }

    /// Counts one more binding that gives the companions to the identity. Tells how many of them
    /// it did not hold before.
    pub(super) fn hold(&mut self, number: u32, given: CompanionSet) -> usize {
        let Some((_, held)) = self.records.get(number) else {
            return 0;
        };
        for companion in small_positions(held.intersection(given)) {
            *self.surplus.entry((number, companion)).or_insert(0) += 1;
        }
        self.records.set_held(number, held.union(given));
        given.without(held).len()
    }

    /// Counts one binding less that gives the companions to the identity, which is forgotten when
    /// it holds nothing more. Tells how many of them it no longer holds.
    pub(super) fn release(&mut self, number: u32, given: CompanionSet) -> usize {
        let Some((_, held)) = self.records.get(number) else {
            return 0;
        };
        let gone: CompanionSet = small_positions(held.intersection(given))
            .filter(|companion| !take_one(&mut self.surplus, (number, *companion)))
            .map(usize::from)
            .collect();
        let left = held.without(gone);
        self.records.set_held(number, left);
        if left.is_empty() {
            self.forget(number);
        }
        gone.len()
    }

    fn forget(&mut self, number: u32) {
        let Some((identity, _)) = self.records.get(number) else {
            return;
        };
        let hash = self.hasher.hash_one(identity);
        self.by_identity.remove(hash, number);
        self.records.remove(number);
    }
}

/// Takes one from a counter that is absent when it is zero; false if there was none to take.
fn take_one(surplus: &mut HashMap<(u32, u8), u32, RandomState>, key: (u32, u8)) -> bool {
    let Some(count) = surplus.get_mut(&key) else {
        return false;
    };
    *count -= 1;
    if *count == 0 {
        surplus.remove(&key);
    }
    true
}

fn small_positions(set: CompanionSet) -> impl Iterator<Item = u8> {
    set.positions()
        .filter_map(|position| u8::try_from(position).ok())
}

#[cfg(test)]
mod tests {
    use super::Identities;
    use crate::domain::companion_set::CompanionSet;
    use crate::domain::identity::Identity;

    const FIRST: CompanionSet = CompanionSet::of(0);

    #[test]
    fn what_is_held_twice_is_held_until_both_are_gone() {
        let mut identities = Identities::new();
        let alice = identities.intern(Identity::User("alice")).unwrap();
        assert_eq!(identities.hold(alice, FIRST), 1);
        assert_eq!(identities.hold(alice, FIRST), 0);
        assert_eq!(identities.release(alice, FIRST), 0);
        assert_eq!(identities.held_by(Identity::User("alice")), FIRST);
        assert_eq!(identities.release(alice, FIRST), 1);
        assert!(identities.held_by(Identity::User("alice")).is_empty());
        assert!(identities.by_identity.is_empty() && identities.surplus.is_empty());
    }

    #[test]
    fn namespace_and_name_do_not_run_into_each_other() {
        let mut identities = Identities::new();
        let one = Identity::ServiceAccount {
            namespace: "ab",
            name: "c",
        };
        let other = Identity::ServiceAccount {
            namespace: "a",
            name: "bc",
        };
        let number = identities.intern(one).unwrap();
        identities.hold(number, FIRST);
        assert!(identities.held_by(other).is_empty());
        assert!(identities.held_by(Identity::User("abc")).is_empty());
    }
}
