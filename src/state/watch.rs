//! Keeps the state like a cluster, by a watch on its `ClusterRoleBindings`.

use std::convert::Infallible;
use std::sync::Arc;

use futures::StreamExt;
use futures::stream::BoxStream;
use kube::runtime::watcher;
use kube::{Api, Client};
use tokio::sync::watch;

use super::event::{Observer, StateEvent};
use super::feed::{Effect, Feed};
use super::handle::State;
use super::supervise::supervise;
use super::watched::Watched;
use crate::domain::policy::Policy;
use crate::kubernetes::client::WATCH_TIMEOUT;
use crate::kubernetes::cluster_role_binding::{ClusterRoleBinding, PAGE};

pub(super) type Events = BoxStream<'static, watcher::Result<watcher::Event<ClusterRoleBinding>>>;
pub(super) type Open = Arc<dyn Fn() -> Events + Send + Sync>;

/// Feeds the state from a cluster for as long as this future lives.
///
/// A snapshot appears once the first list is complete. Another policy gets a watch and an index of
/// its own, and takes effect when that is complete; until then the one before serves. A policy
/// with the same companions takes effect at once.
pub async fn watch_cluster(
    client: Client,
    state: State,
    policies: watch::Receiver<Arc<Policy>>,
    observer: Observer,
) -> Infallible {
    let open: Open = Arc::new(move || {
        let configuration = watcher::Config::default()
            .page_size(PAGE)
            .timeout(u32::try_from(WATCH_TIMEOUT.as_secs()).unwrap_or(25));
        watcher(Api::all(client.clone()), configuration).boxed()
    });
    supervise("watch", observer.clone(), move || {
        follow_policies(
            Arc::clone(&open),
            state.clone(),
            policies.clone(),
            observer.clone(),
        )
    })
    .await
}

async fn follow_policies(
    open: Open,
    state: State,
    mut policies: watch::Receiver<Arc<Policy>>,
    observer: Observer,
) -> Infallible {
    let _abandoned = MarkFailing(state.clone());
    let begin = |policy: Arc<Policy>| {
        let feed = Feed::new(policy, observer.clone());
        Watched::new(feed, Arc::clone(&open), observer.clone())
    };
    let mut live: Option<Watched> = None;
    let mut next = Some(begin(Arc::clone(&policies.borrow_and_update())));
    loop {
        tokio::select! {
            biased;
            policy = changed(&mut policies) => {
                let shared = live.as_ref().and_then(|live| live.snapshot(Arc::clone(&policy)));
                next = match shared {
                    Some(snapshot) => {
                        state.publish(Arc::new(snapshot));
                        observer.tell(StateEvent::PolicyInForce);
                        None
                    }
                    None => Some(begin(policy)),
                };
            }
            () = until_listed(&mut next) => {
                live = next.take();
                serve(live.as_mut(), &state, &observer);
            }
            never = follow(&mut live, &state) => match never {},
        }
    }
}

/// Makes the complete index the one to judge by.
fn serve(live: Option<&mut Watched>, state: &State, observer: &Observer) {
    let Some(live) = live else { return };
    live.report_failures_to(state);
    if let Some(snapshot) = live.own_snapshot() {
        state.publish(Arc::new(snapshot));
        observer.tell(StateEvent::PolicyInForce);
    }
}

/// The next policy; never returns when there will be none.
async fn changed(policies: &mut watch::Receiver<Arc<Policy>>) -> Arc<Policy> {
    if policies.changed().await.is_err() {
        return std::future::pending().await;
    }
    Arc::clone(&policies.borrow_and_update())
}

async fn until_listed(next: &mut Option<Watched>) {
    let Some(next) = next else {
        return std::future::pending().await;
    };
    while next.next().await != Effect::Listed {}
}

async fn follow(live: &mut Option<Watched>, state: &State) -> Infallible {
    let Some(live) = live else {
        return std::future::pending().await;
    };
    loop {
        match live.next().await {
            Effect::Nothing => {}
            Effect::Changed | Effect::Listed => state.announce_change(),
        }
    }
}

/// Says that nobody feeds the state any more when the task that does breaks off.
struct MarkFailing(State);

impl Drop for MarkFailing {
    fn drop(&mut self) {
        self.0.mark_failing();
    }
}

#[cfg(test)]
mod tests;
