//! From what happens to the state to metrics and readiness.

use crate::server::readiness::{Condition, Readiness};
use crate::state::event::{Observer, StateEvent};
use crate::state::handle::State;
use crate::telemetry::labels::WatchKind;
use crate::telemetry::metrics::Metrics;

/// Counts what happens to the state.
pub(super) fn observer(metrics: &Metrics) -> Observer {
    let metrics = metrics.clone();
    let kind = WatchKind::ClusterRoleBinding;
    Observer::new(move |event| match event {
        StateEvent::Listed | StateEvent::Changed => metrics.watch_delivered(kind, 1),
        StateEvent::SourceFailed => metrics.watch_failed(kind),
        StateEvent::TaskRestarted => metrics.watch_restarted(kind),
        StateEvent::SourceRecovered
        | StateEvent::ObjectUnreadable
        | StateEvent::PolicyInForce
        | StateEvent::ConfirmStarted
        | StateEvent::ConfirmFailed => {}
    })
}

/// Turns the process ready when the state has been read once, and keeps the gauges right.
pub(super) async fn state(state: &State, readiness: &Readiness, metrics: &Metrics) {
    let mut changes = state.changes();
    loop {
        if let Some(snapshot) = state.current() {
            readiness.set(Condition::HoldingsSynced, true);
            metrics.set_index_synced(true);
            metrics.set_holdings_entries(snapshot.entries());
        }
        if changes.changed().await.is_err() {
            return std::future::pending().await;
        }
    }
}
