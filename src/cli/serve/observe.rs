//! From what happens to the state to metrics and readiness.

use std::time::Duration;

use tokio::time::timeout;

use crate::server::readiness::{Condition, Readiness};
use crate::state::handle::State;
use crate::telemetry::metrics::Metrics;

/// How old the count of persona bindings may be.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Turns the process ready when the state has been read once, and keeps the gauges right.
pub(super) async fn state(state: &State, readiness: &Readiness, metrics: &Metrics) {
    let mut changes = state.changes();
    loop {
        if let Some(snapshot) = state.current() {
            readiness.set(Condition::HoldingsSynced, true);
            metrics.set_index_synced(true);
            metrics.set_holdings_entries(snapshot.entries());
            metrics.set_persona_bindings(snapshot.persona_bindings().ok());
        }
        // What changes about persona bindings alone is announced to nobody.
        match timeout(LOOK_AGAIN, changes.changed()).await {
            Ok(Ok(())) | Err(_) => {}
            Ok(Err(_)) => return std::future::pending().await,
        }
    }
}

/// How often the age of what is known is told while it grows.
const TICK: Duration = Duration::from_secs(1);
/// A source that fails for so long is more than an API server that starts again.
const LONG: Duration = Duration::from_mins(1);

/// Tells whether the source of the holdings works, and if not, since when.
///
/// Calls whose subjects are covered by the last good state are allowed meanwhile, which somebody
/// should know; the others cannot be confirmed and are told to come again.
pub(super) async fn staleness(state: &State, metrics: &Metrics) {
    let mut failing = state.failing();
    let mut is_told = false;
    loop {
        let since = *failing.borrow_and_update();
        let age = since.map(|since| since.elapsed());
        metrics.set_stale(age);
        let is_long = age.is_some_and(|age| age >= LONG);
        if is_long && !is_told {
            tracing::error!(
                seconds = age.unwrap_or_default().as_secs(),
                "the holdings could not be kept up to date for long; what they held last still \
                 allows, and what they lack cannot be confirmed"
            );
        }
        if age.is_none() && is_told {
            tracing::info!("the holdings are kept up to date again");
        }
        is_told = is_long || is_told && age.is_some();
        let changed = failing.changed();
        let ended = match age {
            None => changed.await.is_err(),
            Some(_) => timeout(TICK, changed)
                .await
                .is_ok_and(|changed| changed.is_err()),
        };
        if ended {
            return std::future::pending().await;
        }
    }
}
