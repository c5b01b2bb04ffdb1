//! What was refused and is not in the cluster yet.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::tally::{Bounds, Seen, Tally};
use crate::audit::denial::Denial;
use crate::audit::record::{Record, Verdict};
use crate::telemetry::labels::EventWrite;
use crate::telemetry::metrics::Metrics;

/// Denials on their way to the cluster. Clones share them.
///
/// What waits is bounded as the history is, so that nothing grows while the API server is away.
#[derive(Clone, Debug)]
pub struct Denials(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    history: Basket,
    events: Basket,
    metrics: Metrics,
}

impl Denials {
    /// None so far.
    #[must_use]
    pub fn new(metrics: Metrics) -> Self {
        Self(Arc::new(Shared {
            history: Basket::default(),
            events: Basket::default(),
            metrics,
        }))
    }

    /// Takes a call that is about to be answered with a refusal. Of other calls, and of dry runs,
    /// nothing is kept. Waits for nothing.
    pub fn remember(&self, record: &Record<'_>) {
        if record.decision != Verdict::Deny || record.dry_run {
            return;
        }
        let Shared {
            history,
            events,
            metrics,
        } = &*self.0;
        let denial = Arc::new(Denial::of(record));
        let seen = Seen::once(record.time);
        metrics.denials_wait(1);
        let evicted = history.put(Arc::clone(&denial), seen);
        metrics.history_evicted(evicted.len());
        metrics.denials_wait_no_more(evicted.calls());
        for _ in events.put(denial, seen).iter() {
            metrics.event_written(EventWrite::Limited);
        }
    }

    /// What goes into Events.
    pub(in crate::audit) fn to_events(&self) -> &Basket {
        &self.0.events
    }

    /// What goes to the history.
    pub(super) fn to_history(&self) -> &Basket {
        &self.0.history
    }

    pub(in crate::audit) fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }
}

/// Where denials wait for one who takes them.
#[derive(Debug, Default)]
pub(in crate::audit) struct Basket {
    waiting: Mutex<Tally>,
    arrived: Notify,
}

impl Basket {
    /// Adds one, and returns what had to be evicted.
    fn put(&self, denial: Arc<Denial>, seen: Seen) -> Tally {
        /// Not at every denial beyond the bounds: a trim costs as much as what it looks at.
        const FAR_TOO_MUCH: Bounds = Bounds {
            entries: Bounds::HISTORY.entries * 2,
            bytes: Bounds::HISTORY.bytes * 2,
        };
        let mut waiting = self.waiting();
        waiting.add(denial, seen);
        let evicted = if waiting.exceeds(FAR_TOO_MUCH) {
            waiting.trim(Bounds::HISTORY)
        } else {
            Tally::default()
        };
        drop(waiting);
        self.arrived.notify_one();
        evicted
    }

    /// Returns when there is something to take.
    pub(in crate::audit) async fn arrived(&self) {
        while self.waiting().is_empty() {
            self.arrived.notified().await;
        }
    }

    /// What has come since the last time.
    pub(in crate::audit) fn take(&self) -> Tally {
        std::mem::take(&mut *self.waiting())
    }

    fn waiting(&self) -> MutexGuard<'_, Tally> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
