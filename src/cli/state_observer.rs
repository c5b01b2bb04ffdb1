//! From what happens to the state to metrics.

use crate::state::event::{Observer, StateEvent};
use crate::telemetry::labels::WatchKind;
use crate::telemetry::metrics::Metrics;

/// Counts what happens to the state.
pub(in crate::cli) fn state_observer(metrics: &Metrics) -> Observer {
    let metrics = metrics.clone();
    let kind = WatchKind::ClusterRoleBinding;
    let role_bindings = WatchKind::RoleBinding;
    Observer::new(move |event| match event {
        StateEvent::Listed | StateEvent::Changed => metrics.watch_delivered(kind, 1),
        StateEvent::RoleBindingsListed | StateEvent::RoleBindingsChanged => {
            metrics.watch_delivered(role_bindings, 1);
        }
        StateEvent::SourceFailed => metrics.watch_failed(kind),
        StateEvent::RoleBindingsFailed => metrics.watch_failed(role_bindings),
        StateEvent::TaskRestarted => metrics.watch_restarted(kind),
        StateEvent::SourceRecovered
        | StateEvent::RoleBindingsRecovered
        | StateEvent::ObjectUnreadable
        | StateEvent::PolicyInForce
        | StateEvent::ConfirmStarted
        | StateEvent::ConfirmFailed => {}
    })
}
