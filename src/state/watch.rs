//! Keeps the state like a cluster, by a watch on its `ClusterRoleBindings`.

use std::convert::Infallible;
use std::fmt::Debug;
use std::sync::Arc;

use futures::StreamExt;
use futures::stream::BoxStream;
use kube::runtime::watcher;
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;
use tokio::sync::watch;

use super::event::{Observer, StateEvent};
use super::feed::{Effect, Feed, Takes};
use super::handle::State;
use super::personas::watch::follow_role_bindings;
use super::supervise::supervise;
use super::watched::Watched;
use crate::domain::policy::Policy;
use crate::kubernetes::client::WATCH_TIMEOUT;
use crate::kubernetes::cluster_role_binding::{self, ClusterRoleBinding};
use crate::kubernetes::role_binding;

pub(super) type Events<K = ClusterRoleBinding> =
    BoxStream<'static, watcher::Result<watcher::Event<K>>>;
pub(super) type Open<K = ClusterRoleBinding> = Arc<dyn Fn() -> Events<K> + Send + Sync>;

/// Feeds the state from a cluster for as long as this future lives.
///
/// A snapshot appears once the first list is complete. Another policy gets a watch and an index of
/// its own, and takes effect when that is complete; until then the one before serves. A policy
/// with the same companions and personas takes effect at once. `RoleBindings` have a watch of
/// their own, which nothing waits for.
pub async fn watch_cluster(
    client: Client,
    state: State,
    policies: watch::Receiver<Arc<Policy>>,
    observer: Observer,
) -> Infallible {
    let part = Arc::clone(state.role_bindings());
    let (for_part, of_role_bindings) = (policies.clone(), observer.of_role_bindings());
    let open_part = opener(client.clone(), role_binding::PAGE);
    let personas = supervise("watch of RoleBindings", observer.clone(), move || {
        follow_role_bindings(
            Arc::clone(&open_part),
            Arc::clone(&part),
            for_part.clone(),
            of_role_bindings.clone(),
        )
    });
    let open = opener(client, cluster_role_binding::PAGE);
    let holdings = supervise("watch", observer.clone(), move || {
        follow_policies(
            Arc::clone(&open),
            state.clone(),
            policies.clone(),
            observer.clone(),
        )
    });
    tokio::join!(holdings, personas).0
}

/// What opens a watch on all objects of a kind.
pub(super) fn opener<K>(client: Client, page: u32) -> Open<K>
where
    K: Resource<DynamicType = ()> + DeserializeOwned + Clone + Debug + Send + 'static,
{
    Arc::new(move || {
        let configuration = watcher::Config::default()
            .page_size(page)
            .timeout(u32::try_from(WATCH_TIMEOUT.as_secs()).unwrap_or(25));
        watcher(Api::all(client.clone()), configuration).boxed()
    })
}

async fn follow_policies(
    open: Open,
    state: State,
    mut policies: watch::Receiver<Arc<Policy>>,
    observer: Observer,
) -> Infallible {
    let _abandoned = MarkFailing(state.clone());
    let begin = |policy: Arc<Policy>| {
        let part = Arc::clone(state.role_bindings());
        let feed = Feed::new(policy, part, observer.clone());
        Watched::new(feed, Arc::clone(&open), observer.clone())
    };
    let mut live: Option<Watched<Feed>> = None;
    let mut next = Some(begin(Arc::clone(&policies.borrow_and_update())));
    loop {
        tokio::select! {
            biased;
            policy = changed(&mut policies) => {
                let shared = live.as_ref().and_then(|live| live.feed().snapshot(Arc::clone(&policy)));
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
fn serve(live: Option<&mut Watched<Feed>>, state: &State, observer: &Observer) {
    let Some(live) = live else { return };
    let told = state.clone();
    live.report_failures_to(Arc::new(move |failing| {
        if failing {
            told.mark_failing();
        } else {
            told.mark_working();
        }
    }));
    let policy = Arc::clone(live.feed().policy());
    if let Some(snapshot) = live.feed().snapshot(policy) {
        state.publish(Arc::new(snapshot));
        observer.tell(StateEvent::PolicyInForce);
    }
}

/// The next policy; never returns when there will be none.
pub(super) async fn changed(policies: &mut watch::Receiver<Arc<Policy>>) -> Arc<Policy> {
    if policies.changed().await.is_err() {
        return std::future::pending().await;
    }
    Arc::clone(&policies.borrow_and_update())
}

/// Returns when the first list of the watch is complete; never, if there is no watch.
pub(super) async fn until_listed<F: Takes>(next: &mut Option<Watched<F>>) {
    let Some(next) = next else {
        return std::future::pending().await;
    };
    while next.next().await != Effect::Listed {}
}

async fn follow(live: &mut Option<Watched<Feed>>, state: &State) -> Infallible {
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
