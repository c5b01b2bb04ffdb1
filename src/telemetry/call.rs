//! The record of one call, made whatever way the call ends.

use std::time::Instant;

use super::labels::{Endpoint, Outcome};
use super::metrics::Metrics;

/// Counts a call as in flight while it lives, and records outcome and duration when it is dropped.
///
/// The outcome is [`Outcome::Aborted`] until something else is said, so that a call that ends on
/// a path nobody thought of (its caller hung up, its task was dropped) is counted too.
#[derive(Debug)]
#[must_use = "a guard that is dropped at once records an aborted call"]
pub struct CallGuard {
    metrics: Metrics,
    endpoint: Endpoint,
    outcome: Outcome,
    started: Instant,
}

impl CallGuard {
    /// Starts the record of a call.
    pub(super) fn start(metrics: Metrics, endpoint: Endpoint) -> Self {
        metrics.call_started();
        Self {
            metrics,
            endpoint,
            outcome: Outcome::Aborted,
            started: Instant::now(),
        }
    }

    /// Says how the call ended. The last word counts.
    pub fn set_outcome(&mut self, outcome: Outcome) {
        self.outcome = outcome;
    }
}

impl Drop for CallGuard {
    fn drop(&mut self) {
        self.metrics
            .call_ended(self.endpoint, self.outcome, self.started.elapsed());
    }
}

/// Counts a connection as open while it lives.
#[derive(Debug)]
#[must_use = "a guard that is dropped at once counts nothing"]
pub struct ConnectionGuard {
    metrics: Metrics,
}

impl ConnectionGuard {
    /// Counts one more connection.
    pub(super) fn start(metrics: Metrics) -> Self {
        metrics.connection_opened();
        Self { metrics }
    }
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        self.metrics.connection_closed();
    }
}

#[cfg(test)]
mod tests {
    use super::{Endpoint, Metrics, Outcome};

    fn has_line(metrics: &Metrics, line: &str) -> bool {
        let text = metrics.encode();
        text.lines().any(|candidate| candidate == line)
    }

    #[test]
    fn a_call_is_recorded_with_what_was_said_of_it() {
        let metrics = Metrics::new("1.2.3");
        let mut call = metrics.call(Endpoint::Validate);
        assert!(has_line(&metrics, "bindguard_requests_in_flight 1"));
        call.set_outcome(Outcome::Deny);
        drop(call);
        for line in [
            "bindguard_requests_in_flight 0",
            "bindguard_requests_total{endpoint=\"validate\",outcome=\"deny\"} 1",
            "bindguard_requests_total{endpoint=\"validate\",outcome=\"aborted\"} 0",
            "bindguard_request_duration_seconds_count{endpoint=\"validate\"} 1",
        ] {
            assert!(has_line(&metrics, line), "{line}\n{}", metrics.encode());
        }
    }

    #[test]
    fn a_call_of_which_nothing_was_said_is_recorded_as_aborted() {
        let metrics = Metrics::new("1.2.3");
        drop(metrics.call(Endpoint::Mutate));
        assert!(has_line(
            &metrics,
            "bindguard_requests_total{endpoint=\"mutate\",outcome=\"aborted\"} 1"
        ));
    }

    #[test]
    fn a_connection_counts_while_its_guard_lives() {
        let metrics = Metrics::new("1.2.3");
        let connection = metrics.connection();
        assert!(has_line(&metrics, "bindguard_connections 1"));
        drop(connection);
        assert!(has_line(&metrics, "bindguard_connections 0"));
    }
}
