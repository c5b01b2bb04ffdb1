//! One watch that goes on over failures.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use kube::runtime::watcher::{Error, Event};
use tokio::time::{sleep, timeout};

use super::event::{Observer, StateEvent};
use super::feed::{Effect, Takes};
use super::watch::{Events, Open};
use crate::kubernetes::backoff::Backoff;

const FIRST_WAIT: Duration = Duration::from_millis(250);
const LAST_WAIT: Duration = Duration::from_secs(5);
/// A watch that is taken up again successfully says nothing as long as nothing changes. An attempt
/// that fails does so within the client's timeouts for connecting and reading: after this time
/// without a word it has succeeded.
const QUIET: Duration = Duration::from_secs(40);

/// Is told whether a watch fails.
pub(super) type Health = Arc<dyn Fn(bool) + Send + Sync>;

/// A watch and the index that it feeds.
pub(super) struct Watched<F: Takes> {
    feed: F,
    open: Open<F::Object>,
    events: Events<F::Object>,
    backoff: Backoff,
    listed: bool,
    failing: bool,
    /// Whom to tell that the index may be out of date, once it serves.
    health: Option<Health>,
    observer: Observer,
}

impl<F: Takes> Watched<F> {
    pub(super) fn new(feed: F, open: Open<F::Object>, observer: Observer) -> Self {
        Self {
            feed,
            events: open(),
            open,
            backoff: Backoff::new(FIRST_WAIT, LAST_WAIT),
            listed: false,
            failing: false,
            health: None,
            observer,
        }
    }

    /// What takes in the events.
    pub(super) const fn feed(&self) -> &F {
        &self.feed
    }

    /// From now on it is told when the watch fails and when it works again.
    pub(super) fn report_failures_to(&mut self, health: Health) {
        health(self.failing);
        self.health = Some(health);
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

    async fn item(&mut self) -> Item<F::Object> {
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
                "watching {} failed; it is tried again until it works",
                F::OBJECTS
            );
        }
        if let Some(health) = &self.health {
            health(true);
        }
    }

    fn recovered(&mut self) {
        self.backoff.reset();
        if std::mem::replace(&mut self.failing, false) {
            self.observer.tell(StateEvent::SourceRecovered);
            tracing::info!("watching {} works again", F::OBJECTS);
        }
        if let Some(health) = &self.health {
            health(false);
        }
    }
}

/// What there is to hear of a watch.
enum Item<K> {
    Event(Event<K>),
    Failed(Error),
    Quiet,
    End,
}

/// Whether an event was on the wire that kube could not decode and goes on without: what it said
/// only a new list can tell.
fn lost_an_event(error: &Error) -> bool {
    matches!(error, Error::WatchFailed(kube::Error::SerdeError(_)))
}
