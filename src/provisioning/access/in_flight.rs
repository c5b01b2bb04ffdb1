//! The questions that are being asked now, so that a burst of requests asks each of them once.

use std::time::Duration;

use futures::future::{BoxFuture, Shared, WeakShared};
use hashbrown::HashMap;
use tokio::time::Instant;

use super::{Digest32, NoAccess};

/// How long after a question was asked others still join it. One that hangs would otherwise be
/// waited for by whoever comes, and never asked anew.
pub(super) const JOINED_FOR: Duration = Duration::from_secs(1);

/// What comes of a question. Each who waits drives it on, and it ends with the last of them.
pub(super) type Outcome = Shared<BoxFuture<'static, Result<(), NoAccess>>>;

/// By what the answers depend on. There are no more than are asked in the time that anybody waits.
#[derive(Debug, Default)]
pub(super) struct InFlight(HashMap<Digest32, Asked>);

#[derive(Debug)]
struct Asked {
    since: Instant,
    outcome: WeakShared<BoxFuture<'static, Result<(), NoAccess>>>,
}

impl InFlight {
    /// The same question, if it is being asked and has no answer yet.
    pub(super) fn join(&self, key: &Digest32) -> Option<Outcome> {
        let asked = self.0.get(key)?;
        let outcome = asked.outcome.upgrade()?;
        // An answer that is there was given before whoever comes now, and only a yes is remembered.
        let is_open = outcome.peek().is_none() && asked.since.elapsed() < JOINED_FOR;
        is_open.then_some(outcome)
    }

    /// Lets others join this one, and forgets those that are over.
    pub(super) fn insert(&mut self, key: Digest32, outcome: &Outcome) {
        self.0.retain(|_, asked| {
            let outcome = asked.outcome.upgrade();
            outcome.is_some_and(|outcome| outcome.peek().is_none())
        });
        // It has not ended before it began.
        if let Some(outcome) = outcome.downgrade() {
            let since = Instant::now();
            self.0.insert(key, Asked { since, outcome });
        }
    }

    /// How many there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}
