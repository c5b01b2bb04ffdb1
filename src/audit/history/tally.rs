//! Denials counted by key, within bounds. Pure.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::audit::denial::Denial;
use crate::audit::line::json_length;

/// What an entry takes beside its key, at most, in bytes: `count`, `first_seen`, `last_seen` and a
/// line feed.
const BESIDE_KEY: usize = 124;

/// How often something was refused, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// How many calls.
    pub count: u64,
    /// The first of them.
    pub first_seen: Timestamp,
    /// The last of them.
    pub last_seen: Timestamp,
}

/// How much is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Entries.
    pub entries: usize,
    /// Bytes, as JSON lines.
    pub bytes: usize,
}

impl Bounds {
    /// Well under the 1 MiB that a ConfigMap may hold, and what each replica can write every few
    /// seconds without being a burden to etcd.
    pub const HISTORY: Self = Self {
        entries: 2_000,
        bytes: 640 * 1024,
    };
}

/// Denials by key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    entries: BTreeMap<Arc<Denial>, Entry>,
    bytes: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    seen: Seen,
    bytes: usize,
}

impl Seen {
    /// One call.
    #[must_use]
    pub const fn once(at: Timestamp) -> Self {
        Self {
            count: 1,
            first_seen: at,
            last_seen: at,
        }
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            count: self.count.saturating_add(other.count),
            first_seen: self.first_seen.min(other.first_seen),
            last_seen: self.last_seen.max(other.last_seen),
        }
    }
}

impl Tally {
    /// Counts these calls.
    pub fn add(&mut self, denial: impl Into<Arc<Denial>>, seen: Seen) {
        let denial = denial.into();
        if let Some(entry) = self.entries.get_mut(&denial) {
            entry.seen = entry.seen.and(seen);
            return;
        }
        let bytes = json_length(&*denial) + BESIDE_KEY;
        self.bytes += bytes;
        self.entries.insert(denial, Entry { seen, bytes });
    }

    /// Counts what another has counted.
    pub fn merge(&mut self, other: &Self) {
        for (denial, seen) in other.iter() {
            self.add(Arc::clone(denial), seen);
        }
    }

    /// Takes one entry out.
    pub fn remove(&mut self, denial: &Denial) -> Option<Seen> {
        let entry = self.entries.remove(denial)?;
        self.bytes -= entry.bytes;
        Some(entry.seen)
    }

    /// How often this was refused, and when, if it was.
    #[must_use]
    pub fn get(&self, denial: &Denial) -> Option<Seen> {
        self.entries.get(denial).map(|entry| entry.seen)
    }

    /// Every entry, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<Denial>, Seen)> {
        self.entries
            .iter()
            .map(|(denial, entry)| (denial, entry.seen))
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// At most so many bytes it takes as JSON lines.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many calls were counted.
    #[must_use]
    pub fn calls(&self) -> u64 {
        let counts = self.entries.values().map(|entry| entry.seen.count);
        counts.fold(0, u64::saturating_add)
    }

    /// Whether it is larger than this.
    #[must_use]
    pub fn exceeds(&self, bounds: Bounds) -> bool {
        self.len() > bounds.entries || self.bytes > bounds.bytes
    }

    /// Evicts until it is within bounds, and returns what was evicted.
    ///
    /// It is always the requester with most entries who loses one, the one that was seen last the
    /// longest ago; for want of bytes, the requester with most bytes. So nobody's entries can be
    /// pushed out by another's before there are as many of theirs.
    #[must_use = "what was evicted is to be counted"]
    pub fn trim(&mut self, bounds: Bounds) -> Self {
        let mut evicted = Self::default();
        if self.len() > bounds.entries {
            self.evict(&mut evicted, |_| 1, |tally| tally.len() > bounds.entries);
        }
        if self.bytes > bounds.bytes {
            let by_bytes = |entry: &Entry| entry.bytes;
            self.evict(&mut evicted, by_bytes, |tally| tally.bytes > bounds.bytes);
        }
        evicted
    }

    /// Evicts by what an entry weighs, while there is too much.
    fn evict(
        &mut self,
        evicted: &mut Self,
        weight: impl Fn(&Entry) -> usize,
        is_too_much: impl Fn(&Self) -> bool,
    ) {
        let mut requesters: BTreeMap<&str, Vec<Weighed<'_>>> = BTreeMap::new();
        for (denial, entry) in &self.entries {
            let entries = requesters.entry(&denial.requester).or_default();
            entries.push((entry.seen, weight(entry), denial));
        }
        let mut heaviest: BinaryHeap<Shelf> = requesters.into_values().map(Shelf::new).collect();
        while is_too_much(self) {
            let Some(mut most) = heaviest.pop() else {
                return;
            };
            let Some((_, denial, weight)) = most.oldest.pop() else {
                continue;
            };
            most.weight -= weight;
            if let Some(seen) = self.remove(&denial) {
                evicted.add(denial, seen);
            }
            heaviest.push(most);
        }
    }
}

/// An entry, with what it weighs.
type Weighed<'t> = (Seen, usize, &'t Arc<Denial>);

/// What one requester has, the oldest last. Compared by what it weighs; of two that weigh the same
/// the one with the older oldest entry is greater.
struct Shelf {
    weight: usize,
    oldest: Vec<(Timestamp, Arc<Denial>, usize)>,
}

impl Shelf {
    fn new(mut entries: Vec<Weighed<'_>>) -> Self {
        entries.sort_by_cached_key(|(seen, _, denial)| {
            Reverse((seen.last_seen, seen.first_seen, Arc::clone(denial)))
        });
        Self {
            weight: entries.iter().map(|(_, weight, _)| weight).sum(),
            oldest: entries
                .into_iter()
                .map(|(seen, weight, denial)| (seen.last_seen, Arc::clone(denial), weight))
                .collect(),
        }
    }

    fn rank(&self) -> impl Ord + '_ {
        let oldest = self.oldest.last();
        let oldest = oldest.map(|(seen, denial, _)| (seen, &denial.requester));
        (self.weight, Reverse(oldest))
    }
}

impl PartialEq for Shelf {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Shelf {}

impl PartialOrd for Shelf {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Shelf {
    fn cmp(&self, other: &Self) -> Ordering {
        self.rank().cmp(&other.rank())
    }
}

#[cfg(test)]
pub(in crate::audit) mod tests;
