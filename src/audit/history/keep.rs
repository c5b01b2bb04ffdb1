//! Merges what was refused into the ConfigMap, beside all other replicas that do the same.

use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::convert::Infallible;
use std::fmt;
use std::hash::BuildHasher as _;
use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::collect::Denials;
use super::stored::Stored;
use super::tally::{Bounds, Tally};
use crate::kubernetes::backoff::Backoff;
use crate::kubernetes::shared_config_map::{self, Written};
use crate::telemetry::labels::HistoryWrite;

/// How long denials are collected before they are written. With the write itself it is less than
/// the five seconds of which the history may know nothing when a replica is killed.
const COLLECT: Duration = Duration::from_secs(2);
/// How long one attempt may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often an attempt begins anew because another replica was faster. Each time one of them
/// succeeds, so that this is enough for many.
const MOST_CONFLICTS: u32 = 30;
/// After an attempt that failed.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LAST_WAIT: Duration = Duration::from_secs(30);

/// Keeps the history of one replica in the cluster.
pub struct Keeper {
    denials: Denials,
    client: Client,
    namespace: String,
    name: String,
    /// By what name the ConfigMap knows this replica.
    writer: String,
    /// The number of the batch under way, or of the last one.
    number: u64,
    /// What is being written. It stays the same until it is known to be stored, since an attempt
    /// may have arrived although its answer did not.
    batch: Option<Arc<Tally>>,
    /// What was complained of last, so that it is told once.
    told: Option<Trouble>,
    /// Whether garbage was complained of.
    is_garbage_told: bool,
}

/// Why a batch could not be written.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Trouble {
    Absent,
    Forbidden,
    Conflicts,
    Refused(String),
    Unreachable,
}

impl Keeper {
    /// Keeps it in the ConfigMap of this name, which must exist.
    #[must_use]
    pub fn new(denials: Denials, client: Client, namespace: &str, name: &str) -> Self {
        Self {
            denials,
            client,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            writer: format!("{:016x}", RandomState::new().hash_one(0)),
            number: 0,
            batch: None,
            told: None,
            is_garbage_told: false,
        }
    }

    /// Writes what comes, in batches, for as long as this future lives. It may be dropped at any
    /// point, and run again.
    pub async fn run(&mut self) -> Infallible {
        let mut backoff = Backoff::new(FIRST_WAIT, LAST_WAIT);
        loop {
            if self.batch.is_none() {
                self.denials.to_history().arrived().await;
                sleep(COLLECT).await;
            }
            if self.write().await {
                backoff.reset();
            } else {
                sleep(backoff.take()).await;
            }
        }
    }

    /// Writes what is left, trying until then, and returns how many calls the history may never
    /// know of.
    pub async fn finish(&mut self, until: Instant) -> u64 {
        let left = async {
            let mut backoff = Backoff::new(Duration::from_millis(50), FIRST_WAIT);
            while self.is_behind() {
                if self.write().await {
                    continue;
                }
                if self.told.as_ref().is_some_and(Trouble::lasts) {
                    return;
                }
                sleep(backoff.take()).await;
            }
        };
        let _ = timeout_at(until, left).await;
        let batch = self.batch.as_ref().map_or(0, |batch| batch.calls());
        let lost = batch.saturating_add(self.denials.to_history().take().calls());
        if lost > 0 {
            tracing::error!(
                denials = lost,
                "these denials may be missing in the history; they are in the audit lines"
            );
        }
        lost
    }

    fn is_behind(&mut self) -> bool {
        if self.batch.is_none() {
            self.next_batch();
        }
        self.batch.is_some()
    }

    /// Makes a batch of what waits, if anything does.
    fn next_batch(&mut self) {
        let mut batch = self.denials.to_history().take();
        if batch.is_empty() {
            return;
        }
        self.evicted(&batch.trim(Bounds::HISTORY));
        self.number += 1;
        self.batch = Some(Arc::new(batch));
    }

    fn evicted(&self, evicted: &Tally) {
        let metrics = self.denials.metrics();
        metrics.history_evicted(evicted.len());
        metrics.denials_wait_no_more(evicted.calls());
    }

    /// Writes the batch under way, or the next one. Whether nothing is left of it.
    async fn write(&mut self) -> bool {
        if !self.is_behind() {
            return true;
        }
        let attempt = timeout(PATIENCE, self.merge()).await;
        let metrics = self.denials.metrics().clone();
        match attempt.unwrap_or(Err(Trouble::Unreachable)) {
            Ok(entries) => {
                let written = self.batch.take().unwrap_or_default();
                metrics.denials_wait_no_more(written.calls());
                metrics.history_written(HistoryWrite::Ok);
                metrics.set_history_entries(entries);
                if self.told.take().is_some() {
                    tracing::info!("the history of denials is written again");
                }
                true
            }
            Err(trouble) => {
                metrics.history_written(trouble.label());
                self.complain(trouble);
                false
            }
        }
    }

    /// Merges the batch into what is stored, and returns how many entries there are then.
    async fn merge(&mut self) -> Result<usize, Trouble> {
        for _ in 0..MOST_CONFLICTS {
            let read = shared_config_map::get(&self.client, &self.namespace, &self.name).await?;
            let mut read = read.ok_or(Trouble::Absent)?;
            let binary = read.binary_data.iter().flatten().count();
            let data = read.data.take().unwrap_or_default();
            let batch = self.batch.clone().unwrap_or_default();
            let (writer, number) = (self.writer.clone(), self.number);
            // Some thousand lines are read and written, and calls are to be answered meanwhile.
            let merging = spawn_blocking(move || Merged::of(&data, &batch, &writer, number));
            let Ok(merged) = merging.await else {
                // The process ends.
                return Err(Trouble::Unreachable);
            };
            let Some(data) = merged.data else {
                return Ok(merged.entries);
            };
            match shared_config_map::replace(&self.client, read, data).await? {
                Written::Done => {
                    self.denials.metrics().history_evicted(merged.evicted);
                    self.tell_garbage(merged.garbage + binary);
                    return Ok(merged.entries);
                }
                Written::Conflict => {
                    let metrics = self.denials.metrics();
                    metrics.history_written(HistoryWrite::Conflict);
                    sleep(self.moment()).await;
                }
            }
        }
        Err(Trouble::Conflicts)
    }

    /// Some time in which others have done, by chance another than theirs.
    fn moment(&self) -> Duration {
        Duration::from_millis(RandomState::new().hash_one(&self.writer) % 40)
    }

    fn tell_garbage(&mut self, garbage: usize) {
        if garbage == 0 {
            self.is_garbage_told = false;
            return;
        }
        self.denials.metrics().history_garbage(garbage);
        if !std::mem::replace(&mut self.is_garbage_told, true) {
            tracing::warn!(
                entries = garbage,
                "the ConfigMap {}/{} held what is no entry of the history; it was dropped",
                self.namespace,
                self.name
            );
        }
    }

    fn complain(&mut self, trouble: Trouble) {
        if self.told.as_ref() != Some(&trouble) {
            tracing::warn!(
                "the history of denials is not written to the ConfigMap {}/{}: {trouble}; it is \
                 tried again until it works, and calls are answered as ever",
                self.namespace,
                self.name
            );
        }
        self.told = Some(trouble);
    }
}

/// What is stored, with a batch merged into it.
struct Merged {
    /// What to store, unless the batch is in it already.
    data: Option<BTreeMap<String, String>>,
    entries: usize,
    evicted: usize,
    garbage: usize,
}

impl Merged {
    fn of(data: &BTreeMap<String, String>, batch: &Tally, writer: &str, number: u64) -> Self {
        let mut stored = Stored::read(data);
        let is_known = stored.has(writer, number);
        let mut evicted = Tally::default();
        if !is_known {
            stored.denials.merge(batch);
            evicted = stored.denials.trim(Bounds::HISTORY);
            stored.note(writer, number);
        }
        Self {
            data: (!is_known).then(|| stored.write()),
            entries: stored.denials.len(),
            evicted: evicted.len(),
            garbage: stored.garbage,
        }
    }
}

impl Trouble {
    /// Whether somebody has to do something before it is over.
    const fn lasts(&self) -> bool {
        matches!(self, Self::Absent | Self::Forbidden | Self::Refused(_))
    }

    const fn label(&self) -> HistoryWrite {
        match self {
            Self::Absent => HistoryWrite::Absent,
            Self::Forbidden => HistoryWrite::Forbidden,
            Self::Conflicts | Self::Refused(_) => HistoryWrite::Refused,
            Self::Unreachable => HistoryWrite::Unreachable,
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Absent => "there is none",
            Self::Forbidden => "bindguard may not get and update it",
            Self::Conflicts => "others change it all the time",
            Self::Refused(message) => message,
            Self::Unreachable => "the API server cannot be asked",
        })
    }
}

impl From<kube::Error> for Trouble {
    fn from(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) if status.code == 403 => Self::Forbidden,
            kube::Error::Api(status) if status.code == 404 => Self::Absent,
            kube::Error::Api(status) if status.code < 500 && status.code != 429 => {
                Self::Refused(status.message)
            }
            error => {
                tracing::debug!(%error, "the history could not be written");
                Self::Unreachable
            }
        }
    }
}

#[cfg(test)]
mod tests;
