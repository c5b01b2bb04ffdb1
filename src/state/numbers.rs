//! Numbers by the hashes of what they stand for, in a table in which a lookup waits for memory
//! once.
//!
//! hashbrown's has its tags and its values in different places, so that a lookup in a table that no
//! cache holds waits for one after the other; and it has to hash everything anew, and so to read
//! everything, when it grows, while lookups wait for the lock. Here a slot is 8 bytes with half of
//! a hash in it, which is enough to find its place in a table of any size.

/// The number that no slot has, and so stands for a free one.
const FREE: u32 = u32::MAX;
const SMALLEST: usize = 16;

/// The table: open addressing, the next slot being the next choice.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    /// As many as a power of two, of which a quarter or more are free; or none.
    slots: Vec<Slot>,
    taken: usize,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    tag: u32,
    number: u32,
}

const FREE_SLOT: Slot = Slot {
    tag: 0,
    number: FREE,
};

impl Numbers {
    pub(super) const fn new() -> Self {
        Self {
            slots: Vec::new(),
            taken: 0,
        }
    }

    #[cfg(test)]
    pub(super) const fn is_empty(&self) -> bool {
        self.taken == 0
    }

    /// The number under this hash for which the question is answered with yes.
    pub(super) fn find(&self, hash: u64, is_it: impl FnMut(u32) -> bool) -> Option<u32> {
        let place = self.place(hash, is_it)?;
        Some(self.slots.get(place)?.number)
    }

    /// Adds a number that is not there yet under its hash. False if it is one that cannot be kept.
    pub(super) fn insert(&mut self, hash: u64, number: u32) -> bool {
        if number == FREE {
            return false;
        }
        if (self.taken + 1) * 4 > self.slots.len() * 3 {
            self.grow();
        }
        self.taken += 1;
        self.put(Slot {
            tag: tag(hash),
            number,
        });
        true
    }

    /// Takes out a number, and moves up what stands behind it only because it was in the way.
    pub(super) fn remove(&mut self, hash: u64, number: u32) {
        let Some(mut hole) = self.place(hash, |other| other == number) else {
            return;
        };
        self.taken -= 1;
        let mut next = self.after(hole);
        while let Some(slot) = self.slots.get(next).copied()
            && slot.number != FREE
        {
            let distance = |from: usize| next.wrapping_sub(from) & self.mask();
            if distance(self.first_choice(slot.tag)) >= distance(hole) {
                self.set(hole, slot);
                hole = next;
            }
            next = self.after(next);
        }
        self.set(hole, FREE_SLOT);
    }

    fn place(&self, hash: u64, mut is_it: impl FnMut(u32) -> bool) -> Option<usize> {
        let tag = tag(hash);
        let mut place = self.first_choice(tag);
        loop {
            let slot = self.slots.get(place)?;
            if slot.number == FREE {
                return None;
            }
            if slot.tag == tag && is_it(slot.number) {
                return Some(place);
            }
            place = self.after(place);
        }
    }

    fn grow(&mut self) {
        let size = (self.slots.len() * 2).max(SMALLEST);
        let before = std::mem::replace(&mut self.slots, vec![FREE_SLOT; size]);
        for slot in before {
            if slot.number != FREE {
                self.put(slot);
            }
        }
    }

    fn put(&mut self, slot: Slot) {
        let mut place = self.first_choice(slot.tag);
        while self
            .slots
            .get(place)
            .is_some_and(|slot| slot.number != FREE)
        {
            place = self.after(place);
        }
        self.set(place, slot);
    }

    fn set(&mut self, place: usize, slot: Slot) {
        if let Some(to) = self.slots.get_mut(place) {
            *to = slot;
        }
    }

    fn first_choice(&self, tag: u32) -> usize {
        tag as usize & self.mask()
    }

    fn after(&self, place: usize) -> usize {
        place.wrapping_add(1) & self.mask()
    }

    fn mask(&self) -> usize {
        self.slots.len().saturating_sub(1)
    }
}

/// The half of a hash that is kept.
fn tag(hash: u64) -> u32 {
    u32::try_from(hash >> 32).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::{FREE, Numbers};

    /// A hash whose kept half is this.
    fn hash(tag: u32) -> u64 {
        u64::from(tag) << 32
    }

    #[test]
    fn numbers_under_one_hash_are_told_apart_by_the_question() {
        let mut numbers = Numbers::new();
        assert_eq!(numbers.find(hash(7), |_| true), None);
        for number in 0..100 {
            assert!(numbers.insert(hash(7), number));
        }
        assert_eq!(numbers.find(hash(7), |number| number == 42), Some(42));
        assert_eq!(numbers.find(hash(7), |number| number == 100), None);
        assert_eq!(numbers.find(hash(8), |_| true), None);
    }

    #[test]
    fn the_number_that_marks_free_slots_is_refused() {
        let mut numbers = Numbers::new();
        assert!(!numbers.insert(hash(1), FREE));
        assert!(numbers.is_empty());
    }

    /// Few hashes, so that most slots are not the first choice of what is in them, and some runs of
    /// slots go over the end.
    #[test]
    fn whatever_is_inserted_and_removed_it_agrees_with_a_map() {
        let mut numbers = Numbers::new();
        let mut map = HashMap::new();
        let mut random = 1_u32;
        for step in 0..100_000_u32 {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let number = (random >> 8) % 200;
            let tag = (number % 37).wrapping_mul(0x9e37_79b9) | 0xffff_fff0;
            if let Some(tag) = map.remove(&number) {
                numbers.remove(hash(tag), number);
            } else {
                map.insert(number, tag);
                assert!(numbers.insert(hash(tag), number));
            }
            let probe = step % 200;
            let tag = (probe % 37).wrapping_mul(0x9e37_79b9) | 0xffff_fff0;
            let found = numbers.find(hash(tag), |number| number == probe);
            assert_eq!(found.is_some(), map.contains_key(&probe), "{probe}");
        }
        for (number, tag) in map {
            numbers.remove(hash(tag), number);
        }
        assert!(numbers.is_empty());
        assert!(numbers.slots.iter().all(|slot| slot.number == FREE));
    }
}
