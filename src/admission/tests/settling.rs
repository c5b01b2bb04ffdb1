//! Companions that are on their way when the call arrives.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::bench::{Bench, Live, create, last_message, message, publish, update};
use crate::domain::policy::{Action, Policy};

const SETTLED: &str = "bindguard_misses_settled_total 1";

/// The answer to a call while something else happens so long after it arrived, and how long the
/// answer took.
async fn answered_while(
    bench: &Bench,
    request: &Value,
    after: Duration,
    happens: impl FnOnce(),
) -> (Value, Duration) {
    let started = Instant::now();
    let answered = async {
        let verdict = bench.verdict(request).await;
        (verdict, started.elapsed())
    };
    let (answered, ()) = tokio::join!(answered, async {
        sleep(after).await;
        happens();
    });
    answered
}

#[tokio::test(start_paused = true)]
async fn companions_that_arrive_while_the_call_waits_allow_it_at_once_and_without_a_read() {
    let bench = Bench::settling(Policy::built_in(), &[], Live::Fails);
    let after = Duration::from_millis(120);
    let (response, took) = answered_while(&bench, &create(&["alice"]), after, || {
        bench.index(&["alice"]);
    })
    .await;
    assert_eq!(response["allowed"], true);
    assert!(took < Duration::from_millis(135), "{took:?}");
    assert_eq!(bench.reads(), 0);
    assert!(bench.has_metric(SETTLED));
    assert!(bench.audit_lines().is_empty());
}

#[tokio::test(start_paused = true)]
async fn changes_that_bring_nothing_are_waited_over() {
    let bench = Bench::settling(Policy::built_in(), &[], Live::Fails);
    let request = create(&["alice"]);
    let changes = async {
        for _ in 0..100 {
            sleep(Duration::from_millis(1)).await;
            bench.index(&["bob"]);
        }
        bench.index(&["bob", "alice"]);
    };
    let (response, ()) = tokio::join!(bench.verdict(&request), changes);
    assert_eq!(response["allowed"], true);
    assert!(bench.has_metric(SETTLED));
}

#[tokio::test(start_paused = true)]
async fn companions_that_arrive_later_are_found_by_the_read() {
    let bench = Bench::settling(Policy::built_in(), &[], Live::Users(&[]));
    let live = Arc::clone(&bench.live);
    let after = Duration::from_millis(499);
    let (response, took) = answered_while(&bench, &create(&["alice"]), after, move || {
        *live.lock().unwrap() = Live::Users(&["alice"]);
    })
    .await;
    assert_eq!(response["allowed"], true);
    assert_eq!(took.as_millis(), 500);
    assert_eq!(bench.reads(), 1);
    assert!(bench.has_metric("bindguard_confirmations_total{result=\"found\"} 1"));
}

#[tokio::test(start_paused = true)]
async fn what_never_arrives_is_confirmed_after_half_a_second_and_denied() {
    let bench = Bench::settling(Policy::built_in(), &[], Live::Users(&[]));
    let started = Instant::now();
    assert_eq!(bench.verdict(&create(&["alice"])).await["allowed"], false);
    assert_eq!((bench.read_at() - started).as_millis(), 500);
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_does_not_wait() {
    let bench = Bench::settling(Policy::built_in(), &[], Live::Users(&[]));
    let mut request = create(&["alice"]);
    request["request"]["dryRun"] = true.into();
    let started = Instant::now();
    assert_eq!(bench.verdict(&request).await["allowed"], false);
    assert_eq!(bench.read_at(), started);
}

#[tokio::test(start_paused = true)]
async fn without_settling_the_read_comes_at_once() {
    let bench = Bench::new(Policy::built_in(), &[], Live::Users(&[]));
    let started = Instant::now();
    assert_eq!(bench.verdict(&create(&["alice"])).await["allowed"], false);
    assert_eq!(bench.read_at(), started);
}

#[tokio::test(start_paused = true)]
async fn an_update_that_brings_nobody_in_does_not_wait() {
    let bench = Bench::settling(Policy::built_in(), &[], Live::Hangs);
    let started = Instant::now();
    bench.verdict(&update(&["alice"], &["alice"])).await;
    // The record may take the paused clock a second, but neither half a second more nor a read.
    assert!(started.elapsed() <= Duration::from_secs(1));
    assert_eq!(bench.reads(), 0);
}

#[tokio::test(start_paused = true)]
async fn whatever_the_timeout_an_attempt_takes_no_more_than_its_share() {
    // The API server's timeout and what an attempt may take, in milliseconds.
    for (timeout, most) in [
        (1_000, 333),
        (3_000, 1_000),
        (10_000, 3_000),
        (30_000, 3_000),
    ] {
        let bench = Bench::settling(Policy::built_in(), &[], Live::Hangs);
        let started = Instant::now();
        let timeout = Duration::from_millis(timeout);
        let answer = bench.validate_within(&create(&["alice"]), timeout).await;
        let words = format!("did not confirm it within {most} ms");
        assert!(last_message(&answer).contains(&words));
        assert_eq!(answer.retry_after, (timeout.as_secs() > 1).then_some(1));
        let most = Duration::from_millis(most);
        // A timer is right to the millisecond.
        let most = most..=most + Duration::from_millis(2);
        assert!(most.contains(&started.elapsed()), "{timeout:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_long_settling_leaves_time_for_the_read() {
    let mut bench = Bench::settling(
        Policy::built_in(),
        &[],
        Live::Slow(Duration::from_millis(1_400), &["alice"]),
    );
    bench.webhook.misses.settle = Duration::from_secs(5);
    let started = Instant::now();
    assert_eq!(bench.verdict(&create(&["alice"])).await["allowed"], true);
    assert_eq!(started.elapsed().as_millis(), 2_900);
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_takes_effect_meanwhile_judges_the_whole_call() {
    let warning = || Policy {
        action: Action::Warn,
        ..Policy::built_in()
    };
    let after = Duration::from_millis(100);

    // Milder, and the companions cannot be confirmed: its own warning, not a refusal to answer.
    let bench = Bench::settling(Policy::built_in(), &[], Live::Fails);
    let state = bench.webhook.state.clone();
    let (response, _) = answered_while(&bench, &create(&["alice"]), after, move || {
        publish(&state, warning(), &[]);
    })
    .await;
    assert_eq!(response["allowed"], true);
    assert_eq!(bench.audit_lines()[0]["decision"], "warn");

    // Stricter, and it cannot be confirmed: nothing is guessed.
    let bench = Bench::settling(warning(), &[], Live::Fails);
    let state = bench.webhook.state.clone();
    let request = create(&["alice"]);
    let (answer, ()) = tokio::join!(bench.validate(&request), async move {
        sleep(after).await;
        publish(&state, Policy::built_in(), &[]);
    });
    message(&answer);
    assert!(bench.audit_lines().is_empty());

    // One that has no such persona lets the call pass without a word.
    let bench = Bench::settling(Policy::built_in(), &[], Live::Fails);
    let state = bench.webhook.state.clone();
    let (response, _) = answered_while(&bench, &create(&["alice"]), after, move || {
        let mut policy = Policy::built_in();
        policy.personas.clear();
        publish(&state, policy, &[]);
    })
    .await;
    assert_eq!(response["allowed"], true);
    assert!(bench.audit_lines().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_would_only_be_warned_waits_as_well_and_passes_anyway() {
    let policy = Policy {
        action: Action::Warn,
        ..Policy::built_in()
    };
    let bench = Bench::settling(policy, &[], Live::Hangs);
    let started = Instant::now();
    let response = bench.verdict(&create(&["alice"])).await;
    assert_eq!(response["allowed"], true);
    assert!(response["warnings"].is_array());
    assert!((3..=4).contains(&started.elapsed().as_secs()));
}
