//! Keeps the persona bindings like those of a cluster, by a watch on its `RoleBindings`.
//!
//! Apart from the watch that feeds the holdings, so that nothing waits for it: where the right to
//! list `RoleBindings` is missing, everything goes on but the judgement of removals.

use std::convert::Infallible;
use std::sync::Arc;

use tokio::sync::watch;

use super::feed::RoleBindingFeed;
use super::have_same_personas;
use super::part::RoleBindingPart;
use crate::domain::policy::Policy;
use crate::kubernetes::role_binding::RoleBinding;
use crate::state::event::Observer;
use crate::state::feed::Effect;
use crate::state::watch::{Open, changed, until_listed};
use crate::state::watched::Watched;

/// Feeds the part for as long as this future lives. A policy with other personas gets a watch and
/// an index of its own; until that is complete, the part has none for it.
pub(in crate::state) async fn follow_role_bindings(
    open: Open<RoleBinding>,
    part: Arc<RoleBindingPart>,
    mut policies: watch::Receiver<Arc<Policy>>,
    observer: Observer,
) -> Infallible {
    let _abandoned = MarkFailing(Arc::clone(&part));
    let begin = |policy: Arc<Policy>| {
        let feed = RoleBindingFeed::new(policy, observer.clone());
        let mut watched = Watched::new(feed, Arc::clone(&open), observer.clone());
        let told = Arc::clone(&part);
        watched.report_failures_to(Arc::new(move |failing| told.set_failing(failing)));
        watched
    };
    let serves = |watched: &Option<Watched<RoleBindingFeed>>, policy: &Policy| {
        watched
            .as_ref()
            .is_some_and(|watched| have_same_personas(&watched.feed().listed.policy, policy))
    };
    let mut live: Option<Watched<RoleBindingFeed>> = None;
    let mut next = Some(begin(Arc::clone(&policies.borrow_and_update())));
    loop {
        tokio::select! {
            biased;
            policy = changed(&mut policies) => {
                if serves(&live, &policy) {
                    next = None;
                } else if !serves(&next, &policy) {
                    next = Some(begin(policy));
                }
            }
            () = until_listed(&mut next) => {
                live = next.take();
                if let Some(live) = &live {
                    part.publish(Arc::clone(&live.feed().listed));
                }
            }
            never = follow(&mut live) => match never {},
        }
    }
}

async fn follow(live: &mut Option<Watched<RoleBindingFeed>>) -> Infallible {
    let Some(live) = live else {
        return std::future::pending().await;
    };
    loop {
        let _: Effect = live.next().await;
    }
}

/// Says that nobody feeds the part any more when the task that does breaks off.
struct MarkFailing(Arc<RoleBindingPart>);

impl Drop for MarkFailing {
    fn drop(&mut self) {
        self.0.set_failing(true);
    }
}

#[cfg(test)]
mod tests;
