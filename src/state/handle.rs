//! The handle by which everybody gets at the current snapshot.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use tokio::sync::watch;
use tokio::time::Instant;

use super::personas::RoleBindingPart;
use super::snapshot::Snapshot;

/// The current snapshot, shared by the one that feeds it and those that ask it. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct State(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    current: ArcSwapOption<Snapshot>,
    synced: watch::Sender<bool>,
    changes: watch::Sender<u64>,
    role_bindings: Arc<RoleBindingPart>,
    failing_since: watch::Sender<Option<Instant>>,
}

impl State {
    /// A state without a snapshot: nothing was read yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The snapshot to judge by, once one is complete. Keep it for the whole request.
    #[must_use]
    pub fn current(&self) -> Option<Arc<Snapshot>> {
        self.0.current.load_full()
    }

    /// Makes a complete snapshot the current one.
    pub fn publish(&self, snapshot: Arc<Snapshot>) {
        self.0.current.store(Some(snapshot));
        self.0.synced.send_replace(true);
        self.announce_change();
    }

    /// Whether there is a snapshot, as a value that can be waited for.
    #[must_use]
    pub fn synced(&self) -> watch::Receiver<bool> {
        self.0.synced.subscribe()
    }

    /// A number that grows with every change to the holdings and with every new snapshot.
    ///
    /// Take the receiver first, then look something up, then wait for the receiver: so no change
    /// goes unnoticed. After a change, ask for the current snapshot again: it may be another.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }

    /// Since when the source of the current snapshot has been failing, if it is: since then the
    /// holdings may be out of date.
    #[must_use]
    pub fn failing_since(&self) -> Option<Instant> {
        *self.0.failing_since.borrow()
    }

    /// The same, as a value that can be waited for.
    #[must_use]
    pub fn failing(&self) -> watch::Receiver<Option<Instant>> {
        self.0.failing_since.subscribe()
    }

    /// The persona bindings among the `RoleBindings`, which belong to every snapshot of a cluster.
    pub(super) fn role_bindings(&self) -> &Arc<RoleBindingPart> {
        &self.0.role_bindings
    }

    pub(super) fn announce_change(&self) {
        self.0.changes.send_modify(|count| *count += 1);
    }

    pub(super) fn mark_failing(&self) {
        self.0.failing_since.send_if_modified(|since| {
            let is_new = since.is_none();
            since.get_or_insert_with(Instant::now);
            is_new
        });
    }

    pub(super) fn mark_working(&self) {
        self.0
            .failing_since
            .send_if_modified(|since| since.take().is_some());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::State;
    use crate::domain::policy::Policy;
    use crate::state::index::Index;
    use crate::state::snapshot::Snapshot;

    #[tokio::test]
    async fn there_is_no_snapshot_until_one_is_published() {
        let state = State::new();
        let mut synced = state.synced();
        let mut changes = state.changes();
        assert!(state.current().is_none() && !*synced.borrow());
        let snapshot = Snapshot::new(Arc::new(Policy::built_in()), Index::new());
        state.publish(Arc::new(snapshot));
        assert!(*synced.wait_for(|synced| *synced).await.unwrap());
        changes.changed().await.unwrap();
        assert!(state.current().is_some());
    }

    #[tokio::test]
    async fn a_request_keeps_the_snapshot_it_began_with() {
        let state = State::new();
        let publish = |name: &str| {
            let policy = Policy {
                name: name.to_owned(),
                ..Policy::built_in()
            };
            state.publish(Arc::new(Snapshot::new(Arc::new(policy), Index::new())));
        };
        publish("first");
        let kept = state.current().unwrap();
        publish("second");
        assert_eq!(kept.policy().name, "first");
        assert_eq!(state.current().unwrap().policy().name, "second");
    }

    #[tokio::test(start_paused = true)]
    async fn failing_counts_from_the_first_failure() {
        let state = State::new();
        state.mark_failing();
        let since = state.failing_since().unwrap();
        tokio::time::advance(std::time::Duration::from_secs(1)).await;
        state.mark_failing();
        assert_eq!(state.failing_since(), Some(since));
        state.mark_working();
        assert_eq!(state.failing_since(), None);
    }
}
