use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::{Confirm, ConfirmError, ConfirmLimits};
use crate::domain::companion_set::CompanionSet;
use crate::domain::holdings::Holdings;
use crate::domain::identity::Identity;
use crate::domain::policy::Policy;
use crate::state::binding_key::BindingKey;
use crate::state::event::{Observer, StateEvent};
use crate::state::fixtures::{count, remembering};
use crate::state::handle::State;
use crate::state::index::Index;
use crate::state::snapshot::Snapshot;
use crate::state::source::{Source, SourceError};

/// What a fake source does with a read.
#[derive(Clone, Copy)]
enum Behaviour {
    /// Answers after this time with what was true when it started.
    Takes(Duration),
    Fails,
    Hangs,
    Panics,
}

/// A source whose truth is a number, told as which user holds the first companion.
#[derive(Clone)]
struct Fake {
    behaviour: Arc<Mutex<Behaviour>>,
    truth: Arc<AtomicU64>,
    starts: Arc<Mutex<Vec<Instant>>>,
}

impl Fake {
    fn new(behaviour: Behaviour) -> Self {
        Self {
            behaviour: Arc::new(Mutex::new(behaviour)),
            truth: Arc::default(),
            starts: Arc::default(),
        }
    }

    fn reads(&self) -> usize {
        self.starts.lock().unwrap().len()
    }

    fn serve(&self) -> Confirm {
        self.serve_telling(Observer::ignore())
    }

    fn serve_telling(&self, observer: Observer) -> Confirm {
        let state = State::new();
        let snapshot = Snapshot::new(Arc::new(Policy::built_in()), Index::new());
        state.publish(Arc::new(snapshot));
        Confirm::start(self.clone(), state, ConfirmLimits::default(), observer)
    }
}

impl Source for Fake {
    async fn read(&self, _policy: Arc<Policy>) -> Result<Index, SourceError> {
        self.starts.lock().unwrap().push(Instant::now());
        let truth = self.truth.load(Ordering::SeqCst).to_string();
        let behaviour = *self.behaviour.lock().unwrap();
        match behaviour {
            Behaviour::Takes(time) => sleep(time).await,
            Behaviour::Fails => return Err(SourceError::Expired(3)),
            Behaviour::Hangs => std::future::pending().await,
            Behaviour::Panics => panic!("a source that panics"),
        }
        let mut index = Index::new();
        let key = BindingKey::of_source("truth");
        index.apply(key, CompanionSet::of(0), [Identity::User(&truth)]);
        Ok(index)
    }
}

fn saw(answer: &Snapshot, truth: u64) -> bool {
    !answer
        .held_by(Identity::User(&truth.to_string()))
        .is_empty()
}

const QUICK: Behaviour = Behaviour::Takes(Duration::from_millis(10));

#[tokio::test(start_paused = true)]
async fn the_first_read_starts_at_once() {
    let source = Fake::new(QUICK);
    let started = Instant::now();
    source.serve().confirm().await.unwrap();
    assert_eq!(started.elapsed().as_millis(), 10);
}

#[tokio::test(start_paused = true)]
async fn who_asks_while_a_read_runs_gets_the_next_one() {
    let source = Fake::new(Behaviour::Takes(Duration::from_millis(300)));
    let confirm = source.serve();
    let early = tokio::spawn({
        let confirm = confirm.clone();
        async move { confirm.confirm().await }
    });
    sleep(Duration::from_millis(100)).await;
    assert_eq!(source.reads(), 1);
    source.truth.store(1, Ordering::SeqCst);
    let late = confirm.confirm().await.unwrap();
    assert!(saw(&late, 1));
    assert!(saw(&early.await.unwrap().unwrap(), 0));
    assert_eq!(source.reads(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_hundred_callers_share_two_reads_at_most() {
    let source = Fake::new(QUICK);
    let confirm = source.serve();
    let callers: Vec<_> = (0..100)
        .map(|_| {
            let confirm = confirm.clone();
            tokio::spawn(async move { confirm.confirm().await })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap().unwrap();
    }
    assert!((1..=2).contains(&source.reads()), "{}", source.reads());
}

#[tokio::test(start_paused = true)]
async fn at_most_two_reads_start_in_a_second() {
    let source = Fake::new(QUICK);
    let confirm = source.serve();
    for _ in 0..9 {
        confirm.confirm().await.unwrap();
    }
    let starts = source.starts.lock().unwrap().clone();
    for pair in starts.windows(2) {
        assert!(pair[1] - pair[0] >= Duration::from_millis(500));
    }
    assert_eq!((starts[8] - starts[0]).as_secs(), 4);
}

#[tokio::test(start_paused = true)]
async fn an_error_reaches_all_who_wait_and_the_next_read_is_tried() {
    let source = Fake::new(Behaviour::Fails);
    let (observer, events) = remembering();
    let confirm = source.serve_telling(observer);
    let (one, other) = tokio::join!(confirm.confirm(), confirm.confirm());
    for answer in [one, other] {
        assert!(matches!(
            answer,
            Err(ConfirmError::Failed(SourceError::Expired(3)))
        ));
    }
    *source.behaviour.lock().unwrap() = QUICK;
    confirm.confirm().await.unwrap();
    assert_eq!(count(&events, StateEvent::ConfirmStarted), source.reads());
    assert_eq!(count(&events, StateEvent::ConfirmFailed), 1);
}

#[tokio::test(start_paused = true)]
async fn a_read_that_hangs_does_not_hold_up_the_next() {
    let source = Fake::new(Behaviour::Hangs);
    let confirm = source.serve();
    let answer = confirm.confirm().await;
    assert!(matches!(answer, Err(ConfirmError::TimedOut(_))));
    *source.behaviour.lock().unwrap() = QUICK;
    confirm.confirm().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_read_that_panics_is_an_error_and_no_more() {
    let source = Fake::new(Behaviour::Panics);
    let confirm = source.serve();
    let answer = confirm.confirm().await;
    assert!(matches!(answer, Err(ConfirmError::BrokeOff)));
    *source.behaviour.lock().unwrap() = QUICK;
    confirm.confirm().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_gives_up_disturbs_nobody() {
    let source = Fake::new(Behaviour::Takes(Duration::from_millis(300)));
    let confirm = source.serve();
    let impatient = timeout(Duration::from_millis(50), confirm.confirm());
    let (gave_up, stayed) = tokio::join!(impatient, confirm.confirm());
    assert!(gave_up.is_err());
    stayed.unwrap();
}

#[tokio::test(start_paused = true)]
async fn nobody_waiting_means_nothing_read() {
    let source = Fake::new(QUICK);
    let confirm = source.serve();
    confirm.confirm().await.unwrap();
    timeout(Duration::from_millis(100), confirm.confirm())
        .await
        .unwrap_err();
    sleep(Duration::from_secs(5)).await;
    assert_eq!(source.reads(), 1);
}

#[tokio::test]
async fn without_a_policy_in_force_there_is_nothing_to_confirm() {
    let limits = ConfirmLimits::default();
    let confirm = Confirm::start(Fake::new(QUICK), State::new(), limits, Observer::ignore());
    let answer = confirm.confirm().await;
    assert!(matches!(answer, Err(ConfirmError::NotSynced)));
}
