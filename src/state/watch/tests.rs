use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt;
use futures::stream::{poll_fn, unfold};
use kube::runtime::watcher::{Error, Event};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::{Events, Open, follow_policies};
use crate::domain::companion_set::CompanionSet;
use crate::domain::holdings::Holdings;
use crate::domain::identity::Identity;
use crate::domain::policy::{Action, Policy};
use crate::kubernetes::cluster_role_binding::ClusterRoleBinding;
use crate::state::event::StateEvent;
use crate::state::fixtures::{binding, count, remembering};
use crate::state::handle::State;

type Item = Result<Event<ClusterRoleBinding>, Error>;

/// A cluster whose watches the test writes by hand, in the order in which they are opened.
struct Cluster {
    opened: Arc<Mutex<Vec<mpsc::UnboundedSender<Item>>>>,
    policies: watch::Sender<Arc<Policy>>,
    state: State,
    events: Arc<Mutex<Vec<StateEvent>>>,
    task: JoinHandle<std::convert::Infallible>,
}

fn stream(mut items: mpsc::UnboundedReceiver<Item>) -> Events {
    poll_fn(move |context| items.poll_recv(context)).boxed()
}

impl Cluster {
    fn start() -> Self {
        let opened: Arc<Mutex<Vec<_>>> = Arc::default();
        let register = Arc::clone(&opened);
        let open: Open = Arc::new(move || {
            let (sender, receiver) = mpsc::unbounded_channel();
            register.lock().unwrap().push(sender);
            stream(receiver)
        });
        let (policies, receiver) = watch::channel(Arc::new(Policy::built_in()));
        let (observer, events) = remembering();
        let state = State::new();
        let task = tokio::spawn(follow_policies(open, state.clone(), receiver, observer));
        Self {
            opened,
            policies,
            state,
            events,
            task,
        }
    }

    /// Sends on the nth watch, and lets the task take it in.
    async fn send(&self, watch: usize, items: impl IntoIterator<Item = Item>) {
        settle().await;
        for item in items {
            self.opened.lock().unwrap()[watch].send(item).unwrap();
        }
        settle().await;
    }

    async fn list(&self, watch: usize, bindings: &[ClusterRoleBinding]) {
        let listed = bindings.iter().cloned().map(Event::InitApply);
        let events = std::iter::once(Event::Init)
            .chain(listed)
            .chain([Event::InitDone]);
        self.send(watch, events.map(Ok)).await;
    }

    fn held(&self, user: &str) -> CompanionSet {
        let snapshot = self.state.current().unwrap();
        snapshot.held_by(Identity::User(user))
    }

    fn count(&self, event: StateEvent) -> usize {
        count(&self.events, event)
    }

    fn watches(&self) -> usize {
        self.opened.lock().unwrap().len()
    }
}

async fn settle() {
    sleep(Duration::from_millis(1)).await;
}

fn broken() -> Item {
    Err(Error::NoResourceVersion)
}

fn undecodable() -> Item {
    let error = serde_json::from_str::<u8>("x").unwrap_err();
    Err(Error::WatchFailed(kube::Error::SerdeError(error)))
}

const FIRST: CompanionSet = CompanionSet::of(0);

#[tokio::test(start_paused = true)]
async fn there_is_a_snapshot_only_after_the_end_of_the_first_list() {
    let cluster = Cluster::start();
    cluster
        .send(
            0,
            [Ok(Event::Init), Ok(Event::InitApply(binding("1", &["a"])))],
        )
        .await;
    assert!(cluster.state.current().is_none());
    cluster.send(0, [Ok(Event::InitDone)]).await;
    assert_eq!(cluster.held("a"), FIRST);
    assert!(*cluster.state.synced().borrow());
}

#[tokio::test(start_paused = true)]
async fn every_change_to_the_index_is_announced() {
    let cluster = Cluster::start();
    cluster.list(0, &[]).await;
    let mut changes = cluster.state.changes();
    cluster
        .send(0, [Ok(Event::Apply(binding("1", &["a"])))])
        .await;
    assert!(changes.has_changed().unwrap());
    changes.mark_unchanged();
    cluster
        .send(0, [Ok(Event::Apply(binding("1", &["a"])))])
        .await;
    assert!(!changes.has_changed().unwrap());
}

#[tokio::test(start_paused = true)]
async fn failures_are_counted_and_the_last_good_state_serves_on() {
    let cluster = Cluster::start();
    cluster.list(0, &[binding("1", &["a"])]).await;
    cluster.send(0, [broken(), broken(), broken()]).await;
    sleep(Duration::from_secs(2)).await;
    assert_eq!(cluster.count(StateEvent::SourceFailed), 3);
    assert_eq!(cluster.count(StateEvent::SourceRecovered), 0);
    assert!(cluster.state.failing_since().is_some());
    assert_eq!(cluster.held("a"), FIRST);
    cluster
        .send(0, [Ok(Event::Apply(binding("2", &["b"])))])
        .await;
    assert_eq!(cluster.count(StateEvent::SourceRecovered), 1);
    assert!(cluster.state.failing_since().is_none());
    assert_eq!(cluster.held("b"), FIRST);
}

#[tokio::test(start_paused = true)]
async fn a_list_that_is_only_begun_is_no_recovery() {
    let cluster = Cluster::start();
    cluster.list(0, &[]).await;
    cluster.send(0, [broken(), Ok(Event::Init)]).await;
    sleep(Duration::from_secs(1)).await;
    assert!(cluster.state.failing_since().is_some());
    cluster.send(0, [broken(), Ok(Event::Init)]).await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(cluster.count(StateEvent::SourceFailed), 2);
    assert_eq!(cluster.count(StateEvent::SourceRecovered), 0);
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_stays_quiet_after_a_failure_has_recovered() {
    let cluster = Cluster::start();
    cluster.list(0, &[]).await;
    cluster.send(0, [broken()]).await;
    sleep(Duration::from_secs(45)).await;
    assert!(cluster.state.failing_since().is_none());
    assert_eq!(cluster.count(StateEvent::SourceRecovered), 1);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_cannot_be_decoded_leads_to_a_new_list() {
    let cluster = Cluster::start();
    cluster.list(0, &[binding("1", &["a"])]).await;
    cluster.send(0, [undecodable()]).await;
    assert_eq!(cluster.watches(), 2);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(cluster.held("a"), FIRST);
    cluster.list(1, &[binding("2", &["b"])]).await;
    assert!(cluster.held("a").is_empty());
    assert_eq!(cluster.held("b"), FIRST);
}

#[tokio::test(start_paused = true)]
async fn a_policy_with_other_companions_takes_effect_when_its_index_is_complete() {
    let cluster = Cluster::start();
    cluster.list(0, &[binding("1", &["a"])]).await;
    let mut policy = Policy::built_in();
    policy.companions.reverse();
    cluster.policies.send(Arc::new(policy)).unwrap();
    settle().await;
    assert_eq!(cluster.watches(), 2);
    cluster
        .send(0, [Ok(Event::Apply(binding("2", &["b"])))])
        .await;
    assert_eq!(cluster.held("b"), FIRST);
    let kept = cluster.state.current().unwrap();

    cluster.list(1, &[binding("1", &["a"])]).await;
    assert_eq!(cluster.held("a"), CompanionSet::of(1));
    assert_eq!(kept.held_by(Identity::User("a")), FIRST);
    cluster
        .send(1, [Ok(Event::Apply(binding("3", &["c"])))])
        .await;
    assert_eq!(cluster.held("c"), CompanionSet::of(1));
}

#[tokio::test(start_paused = true)]
async fn a_policy_with_the_same_companions_takes_effect_at_once() {
    let cluster = Cluster::start();
    cluster.list(0, &[binding("1", &["a"])]).await;
    let policy = Policy {
        action: Action::Warn,
        ..Policy::built_in()
    };
    cluster.policies.send(Arc::new(policy)).unwrap();
    settle().await;
    let snapshot = cluster.state.current().unwrap();
    assert_eq!(snapshot.policy().action, Action::Warn);
    assert_eq!(cluster.watches(), 1);
    assert_eq!(cluster.held("a"), FIRST);
    cluster
        .send(0, [Ok(Event::Delete(binding("1", &["a"])))])
        .await;
    assert!(cluster.held("a").is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_edit_that_is_taken_back_before_its_index_is_complete_is_forgotten() {
    let cluster = Cluster::start();
    cluster.list(0, &[binding("1", &["a"])]).await;
    let mut policy = Policy::built_in();
    policy.companions.reverse();
    cluster.policies.send(Arc::new(policy)).unwrap();
    settle().await;
    cluster.policies.send(Arc::new(Policy::built_in())).unwrap();
    settle().await;
    assert!(cluster.opened.lock().unwrap()[1].is_closed());
    assert_eq!(cluster.held("a"), FIRST);
}

#[tokio::test(start_paused = true)]
async fn the_watch_goes_on_when_no_policy_will_come_any_more() {
    let mut cluster = Cluster::start();
    cluster.list(0, &[]).await;
    cluster.policies = watch::channel(Arc::new(Policy::built_in())).0;
    cluster
        .send(0, [Ok(Event::Apply(binding("1", &["a"])))])
        .await;
    assert_eq!(cluster.held("a"), FIRST);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_breaks_off_leaves_word() {
    let cluster = Cluster::start();
    cluster.list(0, &[]).await;
    assert!(cluster.state.failing_since().is_none());
    cluster.task.abort();
    settle().await;
    assert!(cluster.state.failing_since().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_ends_is_opened_again() {
    let ended: Arc<Mutex<u32>> = Arc::default();
    let opens = Arc::clone(&ended);
    let open: Open = Arc::new(move || {
        *opens.lock().unwrap() += 1;
        unfold((), |()| async { None::<(Item, ())> }).boxed()
    });
    let (_policies, receiver) = watch::channel(Arc::new(Policy::built_in()));
    let (observer, _) = remembering();
    let task = follow_policies(open, State::new(), receiver, observer);
    let timeout = tokio::time::timeout(Duration::from_secs(30), task);
    timeout.await.unwrap_err();
    // With a wait in between that grows to five seconds.
    assert!((5..15).contains(&*ended.lock().unwrap()));
}
