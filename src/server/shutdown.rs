//! How the process ends when it is told to.
//!
//! A pod that terminates keeps getting calls until the endpoints of its Service are updated
//! everywhere. So at SIGTERM it turns unready, goes on serving for a while (the linger), old
//! connections and new ones, and only then takes no more and lets those in flight end.

use std::future::pending;
use std::io;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use axum_server::{Address, Handle};
use futures::{Stream, StreamExt as _, stream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::sleep;

use super::readiness::Readiness;

/// The process is gone this long after the first signal: a second before the 30 s after which
/// Kubernetes kills it, by default.
const GONE_WITHIN: Duration = Duration::from_secs(29);
/// The longest linger, which leaves calls in flight some time to end.
pub const MAX_LINGER: Duration = Duration::from_secs(25);
/// The linger where nobody says otherwise.
pub const DEFAULT_LINGER: Duration = Duration::from_secs(5);

/// Who wants the process to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM: Kubernetes, or a service manager.
    Terminate,
    /// SIGINT: a person at a terminal, who waits, and in front of whom no endpoints are updated.
    /// There is no linger then.
    Interrupt,
}

/// How the process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Every call was answered.
    Drained,
    /// Time was up, and so many connections were cut.
    Cut {
        /// How many.
        connections: usize,
    },
    /// A second signal came, and nothing was waited for any more.
    AtOnce,
}

/// How long each part of the end takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// How long to go on after SIGTERM as if nothing had happened.
    pub linger: Duration,
    /// How long calls in flight may take after that.
    pub drain: Duration,
}

impl Plan {
    /// A plan with this linger, at most [`MAX_LINGER`], that is over within 30 s.
    #[must_use]
    pub fn with_linger(linger: Duration) -> Self {
        let linger = linger.min(MAX_LINGER);
        let drain = GONE_WITHIN.saturating_sub(linger);
        Self { linger, drain }
    }
}

/// SIGTERM and SIGINT as they come. From here on neither ends the process by itself.
///
/// # Errors
///
/// When the handlers cannot be installed.
pub fn signals() -> io::Result<impl Stream<Item = Signal> + Send + Unpin> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(stream::poll_fn(move |context| {
        // Both are asked, so that both wake the task.
        match (terminate.poll_recv(context), interrupt.poll_recv(context)) {
            (Poll::Ready(Some(())), _) => Poll::Ready(Some(Signal::Terminate)),
            (_, Poll::Ready(Some(()))) => Poll::Ready(Some(Signal::Interrupt)),
            _ => Poll::Pending,
        }
    }))
}

/// Serves until a signal, and then ends as planned. `None` when serving ended by itself.
pub(super) async fn serve_until_told<A: Address>(
    serving: impl Future<Output = ()>,
    signals: impl Stream<Item = Signal>,
    plan: Plan,
    readiness: &Readiness,
    handle: &Handle<A>,
) -> Option<Ended> {
    let mut serving = pin!(serving);
    let mut signals = pin!(signals);
    let signal = tokio::select! {
        () = &mut serving => return None,
        signal = next(&mut signals) => signal,
    };
    readiness.drain();
    let linger = match signal {
        Signal::Terminate => plan.linger,
        Signal::Interrupt => Duration::ZERO,
    };
    tracing::info!(
        ?signal,
        ?linger,
        "about to end; another signal ends at once"
    );
    tokio::select! {
        () = &mut serving => return None,
        _ = next(&mut signals) => return Some(Ended::AtOnce),
        () = sleep(linger) => {}
    }
    tracing::info!(connections = handle.connection_count(), "draining");
    handle.graceful_shutdown(None);
    tokio::select! {
        biased;
        () = &mut serving => Some(Ended::Drained),
        _ = next(&mut signals) => Some(Ended::AtOnce),
        () = sleep(plan.drain) => Some(Ended::Cut { connections: handle.connection_count() }),
    }
}

async fn next(signals: &mut Pin<&mut impl Stream<Item = Signal>>) -> Signal {
    match signals.next().await {
        Some(signal) => signal,
        None => pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::{DEFAULT_LINGER, Duration, Plan};

    #[test]
    fn whatever_the_linger_the_process_is_gone_within_thirty_seconds() {
        for linger in [0, 5, 15, 25, 30, 3_600].map(Duration::from_secs) {
            let plan = Plan::with_linger(linger);
            assert!(
                plan.linger + plan.drain < Duration::from_secs(30),
                "{plan:?}"
            );
            assert!(plan.drain >= Duration::from_secs(4), "{plan:?}");
        }
        assert_eq!(Plan::with_linger(DEFAULT_LINGER).linger, DEFAULT_LINGER);
    }
}
