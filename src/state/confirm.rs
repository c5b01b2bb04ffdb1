//! Before a denial: a read of all holdings that started after somebody asked for it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

use super::event::{Observer, StateEvent};
use super::handle::State;
use super::snapshot::Snapshot;
use super::source::{Source, SourceError};
use crate::telemetry::causes::WithCauses;

/// How many callers may wait before further ones wait to be let in.
const QUEUE: usize = 1024;

/// The limits of confirming reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConfirmLimits {
    /// The least time between the starts of two reads.
    pub interval: Duration,
    /// How long a read may take. It bounds how long one that hangs keeps the next from starting.
    pub timeout: Duration,
}

impl Default for ConfirmLimits {
    fn default() -> Self {
        Self {
            interval: Duration::from_millis(500),
            timeout: Duration::from_secs(3),
        }
    }
}

/// Why there is no confirmation. The caller must not guess.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ConfirmError {
    /// There is no policy in force yet.
    #[error("the holdings were never read yet")]
    NotSynced,
    /// The read took too long.
    #[error("reading the holdings took longer than {0:?}")]
    TimedOut(Duration),
    /// The read failed.
    #[error("the holdings cannot be read")]
    Failed(#[from] SourceError),
    /// The read broke off.
    #[error("reading the holdings broke off")]
    BrokeOff,
}

type Answer = Result<Arc<Snapshot>, ConfirmError>;

/// Confirms by a fresh read, which all share who wait for it. Cheap to clone; reads end with the
/// last clone.
#[derive(Clone, Debug)]
pub struct Confirm {
    callers: mpsc::Sender<oneshot::Sender<Answer>>,
}

impl Confirm {
    /// Begins to serve confirmations from the source, by the policy that is in force in the state
    /// when a read starts. Must be called within a tokio runtime.
    pub fn start(
        source: impl Source,
        state: State,
        limits: ConfirmLimits,
        observer: Observer,
    ) -> Self {
        let (callers, queue) = mpsc::channel(QUEUE);
        let reader = Reader {
            source: Arc::new(source),
            state,
            limits,
            observer,
            failing: false,
        };
        // It holds nothing that can panic (reads have tasks of their own), and ends with the last
        // caller: there is nothing to supervise.
        tokio::spawn(serve(queue, reader));
        Self { callers }
    }

    /// What a read says that starts after this call: a snapshot of its own, with the policy in
    /// force. If that is another than the request began with, judge the request by this one.
    ///
    /// Waits as long as it takes: the deadline is the caller's. Dropping the future is fine.
    ///
    /// # Errors
    ///
    /// If the read fails or takes too long, or there is no policy in force.
    pub async fn confirm(&self) -> Answer {
        let (answer, receiver) = oneshot::channel();
        self.callers
            .send(answer)
            .await
            .map_err(|_| ConfirmError::BrokeOff)?;
        receiver.await.unwrap_or(Err(ConfirmError::BrokeOff))
    }
}

async fn serve<S: Source>(
    mut queue: mpsc::Receiver<oneshot::Sender<Answer>>,
    mut reader: Reader<S>,
) {
    let mut allowed = Instant::now();
    while let Some(first) = queue.recv().await {
        sleep_until(allowed).await;
        // All of these asked before the read starts. Who asks while it runs stays in the queue:
        // the read may have missed what made them ask.
        let mut waiting = vec![first];
        while let Ok(caller) = queue.try_recv() {
            waiting.push(caller);
        }
        waiting.retain(|caller| !caller.is_closed());
        if waiting.is_empty() {
            continue;
        }
        allowed = Instant::now() + reader.limits.interval;
        let answer = reader.read().await;
        for caller in waiting {
            // Whoever gave up in the meantime needs no answer.
            let _ = caller.send(answer.clone());
        }
    }
}

struct Reader<S> {
    source: Arc<S>,
    state: State,
    limits: ConfirmLimits,
    observer: Observer,
    failing: bool,
}

impl<S: Source> Reader<S> {
    async fn read(&mut self) -> Answer {
        let current = self.state.current().ok_or(ConfirmError::NotSynced)?;
        self.observer.tell(StateEvent::ConfirmStarted);
        let answer = self.read_by(&current).await;
        match &answer {
            Ok(_) => self.worked(),
            Err(error) => self.failed(error),
        }
        answer
    }

    fn failed(&mut self, error: &ConfirmError) {
        self.observer.tell(StateEvent::ConfirmFailed);
        if !std::mem::replace(&mut self.failing, true) {
            tracing::warn!(
                error = %WithCauses(error),
                "a read to confirm what is missing failed; until one works, it is not known"
            );
        }
    }

    fn worked(&mut self) {
        if std::mem::replace(&mut self.failing, false) {
            tracing::info!("reads to confirm what is missing work again");
        }
    }

    async fn read_by(&self, current: &Snapshot) -> Answer {
        let policy = Arc::clone(current.policy());
        let source = Arc::clone(&self.source);
        let for_read = Arc::clone(&policy);
        // A task of its own, so that a panic ends one read; in a set, so that one that takes too
        // long is ended when the set is dropped.
        let mut task = JoinSet::new();
        task.spawn(async move { source.read(for_read).await });
        match timeout(self.limits.timeout, task.join_next()).await {
            Ok(Some(Ok(read))) => Ok(Arc::new(Snapshot::new(policy, read?))),
            Ok(Some(Err(_)) | None) => Err(ConfirmError::BrokeOff),
            Err(_elapsed) => Err(ConfirmError::TimedOut(self.limits.timeout)),
        }
    }
}

#[cfg(test)]
mod tests;
