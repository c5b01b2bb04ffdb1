//! Calls, from body to answer.

use std::time::Duration;

use axum::body::Bytes;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::bench::{Bench, Live, binding, create, last_message, message, review, update};
use crate::admission::contract;
use crate::domain::policy::{Action, Policy};
use crate::state::handle::State;

const NOT_READ: &str = "bindguard: the cluster's companion bindings have not been read yet";

#[tokio::test]
async fn a_hit_in_the_index_allows_without_asking_anybody() {
    let bench = Bench::new(Policy::built_in(), &["alice"], Live::Fails);
    let response = bench.verdict(&create(&["alice"])).await;
    assert_eq!(response, json!({"uid": "u-1", "allowed": true}));
    assert_eq!(bench.reads(), 0);
    assert!(bench.audit_lines().is_empty());
}

#[tokio::test]
async fn a_miss_that_the_live_read_covers_is_allowed() {
    let bench = Bench::new(Policy::built_in(), &[], Live::Users(&["alice"]));
    let response = bench.verdict(&create(&["alice"])).await;
    assert_eq!(response["allowed"], true);
    assert_eq!(bench.reads(), 1);
    assert!(bench.has_metric("bindguard_confirmations_total{result=\"found\"} 1"));
    assert!(bench.audit_lines().is_empty());
}

#[tokio::test]
async fn a_miss_that_the_live_read_confirms_is_denied_and_recorded_once() {
    let bench = Bench::new(Policy::built_in(), &["alice"], Live::Users(&["alice"]));
    let response = bench.verdict(&create(&["alice", "bob"])).await;
    assert_eq!(response["allowed"], false);
    assert_eq!(response["status"]["code"], 403);
    assert_eq!(response["status"]["reason"], "Forbidden");
    let message = response["status"]["message"].as_str().unwrap();
    assert!(
        message.contains("User bob lacks") && !message.contains("alice"),
        "{message}"
    );
    let lines = bench.audit_lines();
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["decision"], "deny");
    assert_eq!(lines[0]["requester"]["username"], "carol");
    assert_eq!(lines[0]["missing_total"], 2);
    let annotations = &response["auditAnnotations"];
    assert_eq!(annotations["decision"], "deny");
    let record: Value = serde_json::from_str(annotations["record"].as_str().unwrap()).unwrap();
    assert_eq!(record, lines[0]);
    assert!(bench.has_metric("bindguard_decisions_total{decision=\"deny\"} 1"));
    assert!(bench.has_metric("bindguard_audit_lines_total{decision=\"deny\"} 1"));
}

#[tokio::test(start_paused = true)]
async fn a_miss_that_cannot_be_confirmed_is_to_be_asked_again() {
    for (live, words) in [
        (Live::Fails, "could not be asked to confirm"),
        (Live::Hangs, "did not confirm it within 3000 ms"),
    ] {
        let bench = Bench::new(Policy::built_in(), &[], live);
        let started = Instant::now();
        let answer = bench.validate(&create(&["alice"])).await;
        assert!(started.elapsed() < Duration::from_millis(3_400));
        let message = message(&answer);
        assert!(message.contains(words), "{message}");
        assert!(message.ends_with("nothing was decided, please try again"));
        assert!(bench.audit_lines().is_empty());
        assert!(bench.has_metric("bindguard_confirmations_total{result=\"failed\"} 1"));
    }
}

#[tokio::test]
async fn what_would_only_be_warned_passes_although_it_cannot_be_confirmed() {
    for (action, decision, warned) in [
        (Action::Warn, "warn", true),
        (Action::Audit, "audit", false),
    ] {
        let policy = Policy {
            action,
            ..Policy::built_in()
        };
        let bench = Bench::new(policy, &[], Live::Fails);
        let response = bench.verdict(&create(&["alice"])).await;
        assert_eq!(response["allowed"], true);
        assert_eq!(response["warnings"].is_array(), warned);
        assert_eq!(bench.audit_lines()[0]["decision"], decision);
    }
}

#[tokio::test]
async fn an_update_that_brings_nobody_in_asks_nobody_and_warns() {
    let bench = Bench::new(Policy::built_in(), &[], Live::Fails);
    let response = bench.verdict(&update(&["alice"], &["bob", "alice"])).await;
    assert_eq!(response["allowed"], true);
    let warning = response["warnings"][0].as_str().unwrap();
    assert!(warning.contains("User alice lacks"), "{warning}");
    assert_eq!(bench.reads(), 0);
    assert_eq!(bench.audit_lines()[0]["because"], "ratchet");
    assert_eq!(bench.audit_lines()[0]["missing"][0]["before"], true);
}

#[tokio::test]
async fn a_denied_update_names_the_new_and_warns_of_the_old() {
    let bench = Bench::new(Policy::built_in(), &[], Live::Users(&[]));
    let response = bench.verdict(&update(&["alice", "bob"], &["alice"])).await;
    let message = response["status"]["message"].as_str().unwrap();
    assert!(
        message.contains("User bob lacks") && !message.contains("alice"),
        "{message}"
    );
    let warnings = response["warnings"].as_array().unwrap();
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].as_str().unwrap().contains("User alice lacks"));
}

#[tokio::test]
async fn deletions_and_other_kinds_pass() {
    let bench = Bench::new(Policy::built_in(), &[], Live::Fails);
    let deletion = review(
        "DELETE",
        &Value::Null,
        &binding("spectro-vm-user", &["alice"]),
    );
    let mut other = create(&["alice"]);
    other["request"]["kind"] = json!({"group": "apps", "version": "v1", "kind": "Deployment"});
    let role = review("CREATE", &binding("some-role", &["alice"]), &Value::Null);
    for request in [deletion, other, role] {
        assert_eq!(bench.verdict(&request).await["allowed"], true, "{request}");
    }
    assert_eq!(bench.reads(), 0);
}

#[tokio::test]
async fn before_the_holdings_were_read_every_call_is_to_be_asked_again() {
    let bench = Bench::with_state(State::new(), Live::Users(&[]));
    let answer = bench.validate(&create(&["alice"])).await;
    assert_eq!((answer.status.as_u16(), answer.retry_after), (503, Some(1)));
}

#[tokio::test(start_paused = true)]
async fn who_asks_again_and_again_is_told_why_at_last() {
    let bench = Bench::with_state(State::new(), Live::Users(&[]));
    let started = Instant::now();
    loop {
        let answer = bench.validate(&create(&["alice"])).await;
        assert_eq!(last_message(&answer), NOT_READ);
        let Some(seconds) = answer.retry_after else {
            break;
        };
        sleep(Duration::from_secs(seconds.into())).await;
    }
    let taken = started.elapsed();
    assert!((8_500..9_500).contains(&taken.as_millis()), "{taken:?}");
}

#[tokio::test(start_paused = true)]
async fn the_last_attempt_takes_no_longer_than_the_api_server_waits() {
    let bench = Bench::new(Policy::built_in(), &[], Live::Hangs);
    let started = Instant::now();
    let mut attempts = 0;
    loop {
        attempts += 1;
        let answer = bench.validate(&create(&["alice"])).await;
        let message = last_message(&answer);
        assert!(message.contains("did not confirm it within"), "{message}");
        let Some(seconds) = answer.retry_after else {
            break;
        };
        sleep(Duration::from_secs(seconds.into())).await;
    }
    assert_eq!(attempts, 3);
    let taken = started.elapsed();
    assert!((8_900..9_100).contains(&taken.as_millis()), "{taken:?}");
}

#[tokio::test]
async fn what_is_no_review_is_a_bad_request_with_a_reason() {
    let bench = Bench::new(Policy::built_in(), &[], Live::Fails);
    let body = Bytes::from_static(b"{\"kind\": 7}");
    for answer in [
        bench
            .webhook
            .validate(body.clone(), Duration::from_secs(1))
            .await,
        bench.webhook.mutate(body, Duration::from_secs(1)).await,
    ] {
        assert_eq!(answer.status, 400);
        let status: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(status["reason"], "BadRequest");
        assert!(
            status["message"].as_str().unwrap().contains("kind"),
            "{status}"
        );
    }
}

#[tokio::test]
async fn nothing_is_patched() {
    let bench = Bench::new(Policy::built_in(), &[], Live::Fails);
    let request = create(&["alice"]);
    let body = Bytes::from(request.to_string());
    let answer = bench.webhook.mutate(body, Duration::from_secs(5)).await;
    let review: Value = serde_json::from_slice(&answer.body).unwrap();
    contract::check(&request, &review, false);
    assert_eq!(review["response"], json!({"uid": "u-1", "allowed": true}));
}

#[tokio::test]
async fn a_name_to_be_generated_is_told_as_far_as_it_is_known() {
    let bench = Bench::new(Policy::built_in(), &[], Live::Users(&[]));
    let mut request = create(&["alice"]);
    request["request"]["object"]["metadata"] = json!({"generateName": "vm-", "namespace": "dev"});
    request["request"].as_object_mut().unwrap().remove("name");
    let response = bench.verdict(&request).await;
    let message = response["status"]["message"].as_str().unwrap();
    assert!(
        message.starts_with("RoleBinding dev/\"vm-…\" grants"),
        "{message}"
    );
}
