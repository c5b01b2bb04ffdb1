//! What goes to the cluster of denials, behind the answers.

use std::convert::Infallible;
use std::sync::OnceLock;
use std::time::Duration;

use kube::Client;
use tokio::time::Instant;

use super::arguments::Arguments;
use crate::audit::events::Reporter;
use crate::audit::history::{Denials, Keeper};
use crate::audit::log::AuditLog;
use crate::telemetry::metrics::Metrics;

/// When the process is to be gone, after the first signal: what comes after has half a second
/// before Kubernetes kills it, by default.
const GONE_BY: Duration = Duration::from_millis(29_500);
/// The longest that the end waits for the cluster.
const LONGEST: Duration = Duration::from_secs(3);

/// Keeps the history and reports denials, if there is a cluster to do so in.
pub(super) struct History(Option<(Keeper, Reporter)>);

/// An audit log whose denials go to the cluster, and what brings them there. Without a cluster,
/// the same audit log and nothing.
pub(super) fn beside(
    audit: AuditLog,
    client: Option<&Client>,
    arguments: &Arguments,
    metrics: &Metrics,
) -> (AuditLog, History) {
    let Some(client) = client else {
        return (audit, History(None));
    };
    let denials = Denials::new(metrics.clone());
    let keeper = Keeper::new(
        denials.clone(),
        client.clone(),
        &arguments.installation.bindguard_namespace,
        &arguments.history,
    );
    let reporter = Reporter::new(denials.clone(), client.clone());
    let history = History(Some((keeper, reporter)));
    (audit.with_denials(denials), history)
}

impl History {
    /// Writes what comes, for as long as this future lives.
    pub(super) async fn run(&mut self) -> Infallible {
        match &mut self.0 {
            Some((keeper, reporter)) => tokio::join!(keeper.run(), reporter.run()).0,
            None => std::future::pending().await,
        }
    }

    /// Writes what is left.
    pub(super) async fn finish(&mut self, patience: Duration) {
        if let Some((keeper, reporter)) = &mut self.0 {
            let until = Instant::now() + patience;
            tokio::join!(keeper.finish(until), reporter.finish(until));
        }
    }
}

/// When the process was told to end.
#[derive(Default)]
pub(super) struct Ending(OnceLock<Instant>);

impl Ending {
    /// A signal came.
    pub(super) fn told(&self) {
        let _ = self.0.set(Instant::now());
    }

    /// How long there is still to wait for the cluster, now that all calls are answered; at least
    /// so long.
    pub(super) fn left(&self, least: Duration) -> Duration {
        let since = self.0.get().map_or(Duration::ZERO, Instant::elapsed);
        GONE_BY.saturating_sub(since).clamp(least, LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::{advance, pause};

    use super::Ending;

    #[tokio::test]
    async fn the_end_waits_three_seconds_if_there_are_so_many_and_no_less_than_it_must() {
        pause();
        let least = Duration::from_millis(500);
        let ending = Ending::default();
        assert_eq!(ending.left(least), Duration::from_secs(3));
        ending.told();
        advance(Duration::from_secs(20)).await;
        // A second signal changes nothing.
        ending.told();
        assert_eq!(ending.left(least), Duration::from_secs(3));
        advance(Duration::from_secs(8)).await;
        assert_eq!(ending.left(least), Duration::from_millis(1_500));
        advance(Duration::from_secs(8)).await;
        assert_eq!(ending.left(least), least);
    }
}
