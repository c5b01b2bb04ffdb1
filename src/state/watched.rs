//! One watch that goes on over failures.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use kube::runtime::watcher::{Error, Event};
use tokio::time::{sleep, timeout};

use super::backoff::Backoff;
use super::event::{Observer, StateEvent};
use super::feed::{Effect, Feed};
use super::handle::State;
use super::snapshot::Snapshot;
use super::watch::{Events, Open};
use crate::domain::policy::Policy;
use crate::kubernetes::cluster_role_binding::ClusterRoleBinding;

const FIRST_WAIT: Duration = Duration::from_millis(250);
const LAST_WAIT: Duration = Duration::from_secs(5);
/// A watch that is taken up again successfully says nothing as long as nothing changes. An attempt
/// that fails does so within the client's timeouts for connecting and reading: after this time
/// without a word it has succeeded.
const QUIET: Duration = Duration::from_secs(40);

/// A watch and the index that it feeds.
pub(super) struct Watched {
    feed: Feed,
    open: Open,
    events: Events,
    backoff: Backoff,
    listed: bool,
    failing: bool,
    /// Whom to tell that the index may be out of date, once it serves.
    state: Option<State>,
    observer: Observer,
}

impl Watched {
    pub(super) fn new(feed: Feed, open: Open, observer: Observer) -> Self {
        Self {
            feed,
            events: open(),
            open,
            backoff: Backoff::new(FIRST_WAIT, LAST_WAIT),
            listed: false,
            failing: false,
            state: None,
            observer,
        }
    }

    /// The index with this policy, if the policy has the companions by which it is filled.
    pub(super) fn snapshot(&self, policy: Arc<Policy>) -> Option<Snapshot> {
        self.feed.snapshot(policy)
    }

    /// The index with the policy by which it is filled.
    pub(super) fn own_snapshot(&self) -> Option<Snapshot> {
        self.feed.snapshot(Arc::clone(self.feed.policy()))
    }

    /// From now on the state hears when the watch fails and when it works again.
    pub(super) fn report_failures_to(&mut self, state: &State) {
        if self.failing {
            state.mark_failing();
        } else {
            state.mark_working();
        }
        self.state = Some(state.clone());
    }

    /// Takes in the next event, however many failures it takes until there is one.
    ///
    /// Nothing is lost when this future is dropped.
    pub(super) async fn next(&mut self) -> Effect {
        loop {
            match self.item().await {
                Item::Event(event) => {
                    // An `Init` only says that a list is going to be tried, and an `InitApply`
                    // that some of it came.
                    match event {
                        Event::Init | Event::InitApply(_) => {}
                        Event::InitDone => {
                            self.listed = true;
                            self.recovered();
                        }
                        Event::Apply(_) | Event::Delete(_) => self.recovered(),
                    }
                    return self.feed.take(event);
                }
                Item::Quiet => self.recovered(),
                Item::Failed(error) => {
                    self.failed(&error);
                    if lost_an_event(&error) {
                        self.events = (self.open)();
                    }
                    sleep(self.backoff.take()).await;
                }
                Item::End => {
                    self.events = (self.open)();
                    sleep(self.backoff.take()).await;
                }
            }
        }
    }

    async fn item(&mut self) -> Item {
        let next = self.events.next();
        let item = if self.failing && self.listed {
            match timeout(QUIET, next).await {
                Ok(item) => item,
                Err(_elapsed) => return Item::Quiet,
            }
        } else {
            next.await
        };
        match item {
            Some(Ok(event)) => Item::Event(event),
            Some(Err(error)) => Item::Failed(error),
            None => Item::End,
        }
    }

    fn failed(&mut self, error: &Error) {
        self.observer.tell(StateEvent::SourceFailed);
        if !std::mem::replace(&mut self.failing, true) {
            // Once, however often it fails before it works again.
            tracing::warn!(
                %error,
                "watching ClusterRoleBindings failed; it is tried again until it works"
            );
        }
        if let Some(state) = &self.state {
            state.mark_failing();
        }
    }

    fn recovered(&mut self) {
        self.backoff.reset();
        if std::mem::replace(&mut self.failing, false) {
            self.observer.tell(StateEvent::SourceRecovered);
            tracing::info!("watching ClusterRoleBindings works again");
        }
        if let Some(state) = &self.state {
            state.mark_working();
        }
    }
}

/// What there is to hear of a watch.
#[expect(
    clippy::large_enum_variant,
    reason = "it is taken apart as soon as it is made; an allocation for each event is dearer"
)]
enum Item {
    Event(Event<ClusterRoleBinding>),
    Failed(Error),
    Quiet,
    End,
}

/// Whether an event was on the wire that kube could not decode and goes on without: what it said
/// only a new list can tell.
fn lost_an_event(error: &Error) -> bool {
    matches!(error, Error::WatchFailed(kube::Error::SerdeError(_)))
}
