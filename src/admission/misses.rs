//! The places for calls that wait for evidence, because the index does not cover a subject.
//!
//! A miss holds its body and its connection for seconds where a hit takes microseconds, so there
//! are so many places and no more. Hits never ask for one.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::telemetry::labels::MissRefusal;
use crate::telemetry::metrics::Metrics;

/// The longest `--settle`. A call waits no longer than half of its time for evidence anyway.
pub const MAX_SETTLE: Duration = Duration::from_secs(5);

/// How many calls may wait at once, and how large their bodies may be together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// Calls.
    pub calls: usize,
    /// Bytes of bodies.
    pub bytes: usize,
}

impl Default for Capacity {
    fn default() -> Self {
        Self {
            calls: 128,
            bytes: 64 * 1024 * 1024,
        }
    }
}

/// How misses are treated. Clones share the places.
#[derive(Clone, Debug)]
pub struct Misses {
    /// How long a miss waits for the watch before it is confirmed: companions that are created
    /// together with their persona binding are on their way.
    pub settle: Duration,
    pool: Arc<Pool>,
}

#[derive(Debug)]
struct Pool {
    capacity: Capacity,
    hasher: RandomState,
    taken: Mutex<Taken>,
    metrics: Metrics,
}

/// What is taken. There is an entry for a requester only while they have a place, so there are no
/// more entries than places. They are kept by hash: names are long, and of no use here. Two names
/// of one hash would share a share.
#[derive(Debug, Default)]
struct Taken {
    all: Share,
    by_requester: HashMap<u64, Share>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Share {
    calls: usize,
    bytes: usize,
}

impl Misses {
    /// Misses that wait so long for the watch, and as many at once as there is capacity for.
    #[must_use]
    pub fn new(settle: Duration, capacity: Capacity, metrics: Metrics) -> Self {
        Self {
            settle,
            pool: Arc::new(Pool {
                capacity,
                hasher: RandomState::new(),
                taken: Mutex::default(),
                metrics,
            }),
        }
    }

    /// Takes a place for a call with a body of so many bytes, or says at once why there is none.
    ///
    /// Up to half of the capacity is for whoever comes. Of the other half, a requester gets
    /// something only while they hold less than a quarter of all, so nobody holds more than half,
    /// and whoever holds less than a quarter is refused only when there is no room at all. Who
    /// holds nothing gets a place however large their body is, if there is room.
    pub(super) fn enter(&self, requester: &str, bytes: usize) -> Result<Place, MissRefusal> {
        let key = self.pool.hasher.hash_one(requester);
        let entered = self.pool.taken().enter(self.pool.capacity, key, bytes);
        if let Err(reason) = entered {
            self.pool.metrics.miss_refused(reason);
            return Err(reason);
        }
        self.pool.metrics.miss_began();
        Ok(Place {
            pool: Arc::clone(&self.pool),
            requester: key,
            bytes,
        })
    }
}

impl Pool {
    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    fn enter(&mut self, capacity: Capacity, key: u64, bytes: usize) -> Result<(), MissRefusal> {
        let all = self.all.and(bytes);
        if all.calls > capacity.calls {
            return Err(MissRefusal::Calls);
        }
        if all.bytes > capacity.bytes {
            return Err(MissRefusal::Bytes);
        }
        let own = self.by_requester.entry(key).or_default();
        let more = own.and(bytes);
        let is_first = own.calls == 0;
        let is_fair = |all: usize, own: usize, capacity: usize| {
            is_first || all <= capacity / 2 || own <= capacity / 4
        };
        if is_fair(all.calls, more.calls, capacity.calls)
            && is_fair(all.bytes, more.bytes, capacity.bytes)
        {
            *own = more;
            self.all = all;
            Ok(())
        } else {
            // There is an entry already, since the first place is always fair.
            Err(MissRefusal::Share)
        }
    }

    fn leave(&mut self, key: u64, bytes: usize) {
        self.all = self.all.without(bytes);
        if let Some(own) = self.by_requester.get_mut(&key) {
            *own = own.without(bytes);
            if own.calls == 0 {
                self.by_requester.remove(&key);
            }
        }
    }
}

impl Share {
    const fn and(self, bytes: usize) -> Self {
        Self {
            calls: self.calls.saturating_add(1),
            bytes: self.bytes.saturating_add(bytes),
        }
    }

    const fn without(self, bytes: usize) -> Self {
        Self {
            calls: self.calls.saturating_sub(1),
            bytes: self.bytes.saturating_sub(bytes),
        }
    }
}

/// A place of one call, free again when it is dropped: also when the caller hangs up.
#[derive(Debug)]
#[must_use = "a place that is dropped is free"]
pub(super) struct Place {
    pool: Arc<Pool>,
    requester: u64,
    bytes: usize,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.pool.taken().leave(self.requester, self.bytes);
        self.pool.metrics.miss_ended();
    }
}

#[cfg(test)]
mod tests;
