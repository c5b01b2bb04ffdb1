use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt;
use futures::stream::poll_fn;
use kube::runtime::watcher::{Error, Event};
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;

use super::follow_role_bindings;
use crate::domain::policy::{Action, Policy};
use crate::kubernetes::role_binding::RoleBinding;
use crate::state::event::StateEvent;
use crate::state::fixtures::{count, remembering, role_binding};
use crate::state::handle::State;
use crate::state::personas::{Personas, PersonasUnknown};
use crate::state::watch::Open;

type Item = Result<Event<RoleBinding>, Error>;

/// A cluster whose watches the test writes by hand, in the order in which they are opened.
struct Cluster {
    opened: Arc<Mutex<Vec<mpsc::UnboundedSender<Item>>>>,
    policies: watch::Sender<Arc<Policy>>,
    personas: Personas,
    events: Arc<Mutex<Vec<StateEvent>>>,
}

impl Cluster {
    fn start() -> Self {
        let opened: Arc<Mutex<Vec<_>>> = Arc::default();
        let register = Arc::clone(&opened);
        let open: Open<RoleBinding> = Arc::new(move || {
            let (sender, mut receiver) = mpsc::unbounded_channel();
            register.lock().unwrap().push(sender);
            poll_fn(move |context| receiver.poll_recv(context)).boxed()
        });
        let (policies, receiver) = watch::channel(Arc::new(Policy::built_in()));
        let (observer, events) = remembering();
        let state = State::new();
        let part = Arc::clone(state.role_bindings());
        let observer = observer.of_role_bindings();
        tokio::spawn(follow_role_bindings(open, part, receiver, observer));
        let personas = Personas::Parts {
            cluster_role_bindings: Arc::default(),
            role_bindings: Arc::clone(state.role_bindings()),
        };
        Self {
            opened,
            policies,
            personas,
            events,
        }
    }

    async fn send(&self, watch: usize, items: impl IntoIterator<Item = Item>) {
        settle().await;
        for item in items {
            self.opened.lock().unwrap()[watch].send(item).unwrap();
        }
        settle().await;
    }

    async fn list(&self, watch: usize, bindings: &[RoleBinding]) {
        let listed = bindings.iter().cloned().map(Event::InitApply);
        let events = std::iter::once(Event::Init)
            .chain(listed)
            .chain([Event::InitDone]);
        self.send(watch, events.map(Ok)).await;
    }

    fn known(&self, policy: &Policy) -> Result<usize, PersonasUnknown> {
        self.personas.len(policy)
    }
}

async fn settle() {
    sleep(Duration::from_millis(1)).await;
}

fn another() -> Policy {
    let mut policy = Policy::built_in();
    policy.personas[0].cluster_roles.pop();
    policy
}

#[tokio::test(start_paused = true)]
async fn nothing_is_known_until_the_first_list_is_complete() {
    let cluster = Cluster::start();
    let policy = Policy::built_in();
    let one = role_binding("a", "view", &["alice"]);
    cluster
        .send(0, [Ok(Event::Init), Ok(Event::InitApply(one))])
        .await;
    assert_eq!(cluster.known(&policy), Err(PersonasUnknown::NotYet));
    cluster.send(0, [Ok(Event::InitDone)]).await;
    assert_eq!(cluster.known(&policy), Ok(1));
    let other = role_binding("b", "view", &["bob"]);
    cluster.send(0, [Ok(Event::Apply(other))]).await;
    assert_eq!(cluster.known(&policy), Ok(2));
}

#[tokio::test(start_paused = true)]
async fn a_list_that_is_refused_is_told_and_tried_again() {
    let cluster = Cluster::start();
    let policy = Policy::built_in();
    let refused = || Err(Error::NoResourceVersion);
    cluster.send(0, [refused(), refused()]).await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(cluster.known(&policy), Err(PersonasUnknown::Unreadable));
    assert_eq!(count(&cluster.events, StateEvent::RoleBindingsFailed), 2);
    assert_eq!(count(&cluster.events, StateEvent::SourceFailed), 0);
    cluster.list(0, &[]).await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(cluster.known(&policy), Ok(0));
    assert_eq!(count(&cluster.events, StateEvent::RoleBindingsRecovered), 1);
}

#[tokio::test(start_paused = true)]
async fn an_index_that_was_complete_serves_on_when_the_watch_fails() {
    let cluster = Cluster::start();
    cluster
        .list(0, &[role_binding("a", "view", &["alice"])])
        .await;
    cluster.send(0, [Err(Error::NoResourceVersion)]).await;
    assert_eq!(cluster.known(&Policy::built_in()), Ok(1));
}

#[tokio::test(start_paused = true)]
async fn a_policy_with_other_personas_has_an_index_when_its_own_is_complete() {
    let cluster = Cluster::start();
    cluster
        .list(0, &[role_binding("a", "spectro-vm-viewer", &["alice"])])
        .await;
    cluster.policies.send(Arc::new(another())).unwrap();
    settle().await;
    assert_eq!(cluster.known(&another()), Err(PersonasUnknown::NotYet));
    assert_eq!(cluster.known(&Policy::built_in()), Ok(1));
    cluster
        .list(1, &[role_binding("a", "spectro-vm-viewer", &["alice"])])
        .await;
    assert_eq!(cluster.known(&another()), Ok(0));
}

#[tokio::test(start_paused = true)]
async fn a_policy_with_the_same_personas_opens_no_watch() {
    let cluster = Cluster::start();
    cluster.list(0, &[]).await;
    let policy = Policy {
        action: Action::Warn,
        ..Policy::built_in()
    };
    cluster.policies.send(Arc::new(policy.clone())).unwrap();
    settle().await;
    assert_eq!(cluster.known(&policy), Ok(0));
    assert_eq!(cluster.opened.lock().unwrap().len(), 1);
}
