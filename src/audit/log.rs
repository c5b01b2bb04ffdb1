//! The stream that audit lines go to.
//!
//! Every line that is handed over ends up in one of two counts, written or lost, whether or not its
//! call waited for it to the end; until then it counts as waiting. So decisions can be compared
//! with lines by metrics alone.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use std::{io, thread};

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout, timeout_at};

use super::history::Denials;
use super::record::Record;
use super::stream::LineStream;
use crate::telemetry::labels::Decision;
use crate::telemetry::metrics::Metrics;

/// How many lines may wait for the stream: at 16 KiB a line, 16 MiB.
const QUEUE: usize = 1_024;
/// How long a call waits for its line to be written.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long it waits when the stream is known to be stuck: long enough to notice that it moves
/// again, and short enough that calls are answered as if nothing were wrong.
const PATIENCE_WHEN_STUCK: Duration = Duration::from_millis(20);
/// Whoever waited less than this in vain has not shown that the stream is stuck.
const PROOF: Duration = Duration::from_millis(100);

/// What became of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// The stream has it.
    Yes,
    /// The stream has not taken it yet. It may still.
    NotYet,
    /// The stream refused it, or too many lines wait for the stream already.
    No,
}

/// A handle to the stream of audit lines, and to what is kept of denials beside. Clones share it.
#[derive(Clone, Debug)]
pub struct AuditLog {
    queue: mpsc::Sender<Job>,
    stuck: Arc<AtomicBool>,
    metrics: Metrics,
    denials: Option<Denials>,
}

#[derive(Debug)]
enum Job {
    Line {
        bytes: Vec<u8>,
        decision: Decision,
        done: oneshot::Sender<Written>,
    },
    /// Tells that all lines before it are out of the queue.
    Flush(oneshot::Sender<()>),
}

impl AuditLog {
    /// Starts the thread that writes to the stream, one whole line after the other.
    ///
    /// A thread of its own, because a pipe that nobody reads blocks its writer, and a blocked
    /// writer must not keep the server from answering. The stream should not have a buffer of its
    /// own: what is in one is not written.
    ///
    /// # Errors
    ///
    /// If the operating system gives no thread.
    pub fn start(stream: impl Write + Send + 'static, metrics: Metrics) -> io::Result<Self> {
        let (queue, jobs) = mpsc::channel(QUEUE);
        let stuck = Arc::new(AtomicBool::new(false));
        let writer = Writer {
            stream: LineStream::new(stream),
            stuck: Arc::clone(&stuck),
            metrics: metrics.clone(),
            refused: false,
        };
        thread::Builder::new()
            .name("audit".to_owned())
            .spawn(move || writer.run(jobs))?;
        Ok(Self {
            queue,
            stuck,
            metrics,
            denials: None,
        })
    }

    /// The same, with denials going to the cluster as well.
    #[must_use]
    pub fn with_denials(self, denials: Denials) -> Self {
        Self {
            denials: Some(denials),
            ..self
        }
    }

    /// Keeps what is to be kept of a decided call beside its line. Waits for nothing.
    pub fn remember(&self, record: &Record<'_>) {
        if let Some(denials) = &self.denials {
            denials.remember(record);
        }
    }

    /// Waits for a turn to write one line: until then at the latest, for a second at most, and
    /// hardly at all while the stream is stuck.
    ///
    /// A call that is dropped while it waits has written nothing.
    pub async fn turn(&self, until: Instant) -> Turn<'_> {
        let patience = if self.stuck.load(Ordering::Relaxed) {
            PATIENCE_WHEN_STUCK
        } else {
            PATIENCE
        };
        let began = Instant::now();
        let until = until.min(began + patience);
        let place = match timeout_at(until, self.queue.reserve()).await {
            Ok(Ok(place)) => Some(place),
            Ok(Err(_)) | Err(_) => None,
        };
        Turn {
            log: self,
            place,
            began,
            until,
        }
    }

    /// Waits until every line handed over so far is written or lost, but not longer than this.
    /// Whether it got so far.
    pub async fn flush(&self, patience: Duration) -> bool {
        let (done, flushed) = oneshot::channel();
        let flush =
            async { self.queue.send(Job::Flush(done)).await.is_ok() && flushed.await.is_ok() };
        let flushed = timeout(patience, flush).await.unwrap_or(false);
        if !flushed {
            let waiting = self.queue.max_capacity() - self.queue.capacity();
            tracing::error!(
                waiting,
                "audit lines that standard output did not take in time are lost"
            );
        }
        flushed
    }

    fn found_stuck(&self) {
        if !self.stuck.swap(true, Ordering::Relaxed) {
            tracing::error!(
                "standard output takes no audit lines; until it does, calls are answered before \
                 their line is written"
            );
        }
    }
}

/// The turn of one call to write its line.
#[derive(Debug)]
#[must_use = "a turn that is not used writes nothing"]
pub struct Turn<'a> {
    log: &'a AuditLog,
    /// None when so many lines wait that there is no place for one more.
    place: Option<mpsc::Permit<'a, Job>>,
    began: Instant,
    until: Instant,
}

impl Turn<'_> {
    /// Hands the line over, at once, and then waits until the stream has it or patience is over.
    /// The line is counted whatever becomes of the waiting.
    pub async fn write(self, bytes: Vec<u8>, decision: Decision) -> Written {
        let Self {
            log,
            place,
            began,
            until,
        } = self;
        let Some(place) = place else {
            log.metrics.audit_line_lost(decision);
            log.found_stuck();
            return Written::No;
        };
        let (done, written) = oneshot::channel();
        log.metrics.audit_line_waits();
        place.send(Job::Line {
            bytes,
            decision,
            done,
        });
        match timeout_at(until, written).await {
            Ok(written) => written.unwrap_or(Written::No),
            Err(_elapsed) => {
                log.metrics.audit_line_late();
                if began.elapsed() >= PROOF {
                    log.found_stuck();
                }
                Written::NotYet
            }
        }
    }
}

struct Writer<W> {
    stream: LineStream<W>,
    stuck: Arc<AtomicBool>,
    metrics: Metrics,
    /// Whether the last line was refused.
    refused: bool,
}

impl<W: Write> Writer<W> {
    fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        while let Some(job) = jobs.blocking_recv() {
            match job {
                Job::Line {
                    bytes,
                    decision,
                    done,
                } => {
                    let written = self.write(&bytes, decision);
                    // A call that waited too long is no longer there to be told.
                    let _ = done.send(written);
                }
                Job::Flush(done) => {
                    let _ = done.send(());
                }
            }
        }
    }

    fn write(&mut self, line: &[u8], decision: Decision) -> Written {
        let result = self.stream.write_line(line);
        // Refusing is moving, too: nobody needs to wait for it.
        let was_stuck = self.stuck.swap(false, Ordering::Relaxed);
        let written = match result {
            Ok(()) => {
                self.metrics.audit_line_written(decision);
                if std::mem::replace(&mut self.refused, false) || was_stuck {
                    tracing::info!("standard output takes audit lines again");
                }
                Written::Yes
            }
            Err(error) => {
                self.metrics.audit_line_lost(decision);
                if !std::mem::replace(&mut self.refused, true) {
                    tracing::error!(
                        %error,
                        "standard output refuses audit lines; they are lost until it takes them"
                    );
                }
                Written::No
            }
        };
        // Last, so that no line is counted nowhere in between.
        self.metrics.audit_line_waits_no_more();
        written
    }
}

#[cfg(test)]
mod tests;
