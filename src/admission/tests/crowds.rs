//! Many calls at once.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::bench::{Bench, Live, create, message};
use crate::admission::answer::Answer;
use crate::admission::misses::{Capacity, Misses};
use crate::domain::policy::{Action, Policy};

/// A bench with so many places.
fn with_places(mut bench: Bench, calls: usize) -> Arc<Bench> {
    let capacity = Capacity {
        calls,
        ..Capacity::default()
    };
    let metrics = bench.webhook.metrics.clone();
    bench.webhook.misses = Misses::new(Duration::ZERO, capacity, metrics);
    Arc::new(bench)
}

fn by(requester: &str, user: &str) -> Value {
    let mut request = create(&[user]);
    request["request"]["userInfo"]["username"] = requester.into();
    request
}

/// Sends so many calls of a requester that have to wait, and lets them begin.
async fn crowd(bench: &Arc<Bench>, requester: &str, calls: usize) -> JoinSet<Answer> {
    let mut crowd = JoinSet::new();
    for _ in 0..calls {
        let (bench, request) = (Arc::clone(bench), by(requester, "nobody"));
        crowd.spawn(async move { bench.validate(&request).await });
    }
    sleep(Duration::from_millis(1)).await;
    crowd
}

#[tokio::test(start_paused = true)]
async fn a_hundred_misses_share_their_reads() {
    let bench = Arc::new(Bench::settling(Policy::built_in(), &[], Live::Users(&[])));
    let mut crowd = JoinSet::new();
    for number in 0..100 {
        let (bench, request) = (Arc::clone(&bench), by(&format!("user-{number}"), "nobody"));
        crowd.spawn(async move { bench.verdict(&request).await["allowed"].clone() });
    }
    let answers = crowd.join_all().await;
    assert!(answers.iter().all(|allowed| *allowed == false));
    assert!(bench.reads() <= 2, "{}", bench.reads());
    assert_eq!(bench.audit_lines().len(), 100);
    assert!(bench.has_metric("bindguard_decisions_total{decision=\"deny\"} 100"));
    assert!(bench.has_metric("bindguard_audit_lines_total{decision=\"deny\"} 100"));
}

#[tokio::test(start_paused = true)]
async fn a_full_pool_says_so_at_once_and_hits_are_answered_all_the_while() {
    let bench = with_places(Bench::new(Policy::built_in(), &["alice"], Live::Hangs), 4);
    let mut crowds = Vec::new();
    for requester in ["bob", "carol", "dave", "erin"] {
        crowds.push(crowd(&bench, requester, 4).await);
    }
    assert!(bench.has_metric("bindguard_misses_in_flight 4"));
    let started = Instant::now();
    let answer = bench.validate(&by("frank", "nobody")).await;
    assert!(message(&answer).contains("too many bindings wait already to be confirmed"));
    for _ in 0..1_000 {
        assert_eq!(bench.verdict(&create(&["alice"])).await["allowed"], true);
    }
    assert_eq!(started.elapsed(), Duration::ZERO);
    for crowd in crowds {
        crowd.join_all().await;
    }
    assert!(bench.has_metric("bindguard_misses_in_flight 0"));
}

#[tokio::test(start_paused = true)]
async fn one_requester_cannot_starve_another() {
    let bench = with_places(Bench::new(Policy::built_in(), &[], Live::Hangs), 16);
    let greedy = crowd(&bench, "greedy", 100).await;
    assert!(bench.has_metric("bindguard_misses_in_flight 8"));
    *bench.live.lock().unwrap() = Live::Users(&["nobody"]);
    let modest = bench.verdict(&by("modest", "nobody")).await;
    assert_eq!(modest["allowed"], true);
    let answers = greedy.join_all().await;
    let refused = answers.iter().filter(|answer| answer.status == 503);
    let told = refused.filter(|answer| message(answer).contains("of the same requester"));
    assert_eq!(told.count(), 92);
    assert!(bench.has_metric("bindguard_misses_refused_total{reason=\"share\"} 92"));
}

#[tokio::test(start_paused = true)]
async fn callers_that_hang_up_leave_their_places() {
    let bench = with_places(Bench::new(Policy::built_in(), &[], Live::Hangs), 4);
    for _ in 0..10 {
        let mut crowd = crowd(&bench, "bob", 4).await;
        assert!(bench.has_metric("bindguard_misses_in_flight 2"));
        crowd.shutdown().await;
        assert!(bench.has_metric("bindguard_misses_in_flight 0"));
    }
    let request = by("bob", "nobody");
    let short = Duration::from_millis(10);
    timeout(short, bench.validate(&request)).await.unwrap_err();
    assert!(bench.has_metric("bindguard_misses_in_flight 0"));
}

#[tokio::test(start_paused = true)]
async fn what_would_only_be_warned_needs_no_place() {
    let policy = Policy {
        action: Action::Warn,
        ..Policy::built_in()
    };
    let bench = with_places(Bench::new(policy, &[], Live::Hangs), 1);
    let crowd = crowd(&bench, "bob", 1).await;
    let response = bench.verdict(&by("carol", "nobody")).await;
    assert_eq!(response["allowed"], true);
    assert!(response["warnings"].is_array());
    crowd.join_all().await;
}
