//! Calls, from body to answer, with a source of holdings that the test controls.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use serde_json::{Value, json};

use crate::admission::answer::Answer;
use crate::admission::{Webhook, contract};
use crate::audit::log::AuditLog;
use crate::audit::record::Caller;
use crate::domain::binding::{Binding, BindingKind, RoleRef, Subject};
use crate::domain::identity::SubjectKind;
use crate::domain::policy::{Action, Policy};
use crate::state::binding_key::BindingKey;
use crate::state::confirm::{Confirm, ConfirmLimits};
use crate::state::event::Observer;
use crate::state::handle::State;
use crate::state::index::Index;
use crate::state::snapshot::Snapshot;
use crate::state::source::{Source, SourceError};
use crate::telemetry::metrics::Metrics;

/// What the live read finds.
#[derive(Clone)]
enum Live {
    Users(&'static [&'static str]),
    Fails,
    Hangs,
}

#[derive(Clone)]
struct Scripted {
    live: Live,
    reads: Arc<AtomicUsize>,
}

impl Source for Scripted {
    async fn read(&self, policy: Arc<Policy>) -> Result<Index, SourceError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        match self.live {
            Live::Users(users) => Ok(index(&policy, users)),
            Live::Fails => Err(SourceError::Expired(3)),
            Live::Hangs => std::future::pending().await,
        }
    }
}

/// Both companions for these users.
fn index(policy: &Policy, users: &[&str]) -> Index {
    let bindings = policy.companions.iter().map(|companion| {
        let name = companion.cluster_role.as_str();
        let binding = Binding {
            kind: BindingKind::ClusterRoleBinding,
            namespace: None,
            name,
            role: RoleRef::new(None, "ClusterRole", name),
            subjects: users
                .iter()
                .map(|user| Subject {
                    kind: SubjectKind::User,
                    name: user,
                    namespace: None,
                })
                .collect(),
        };
        (BindingKey::of_source(name), binding)
    });
    Index::of(policy, bindings)
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

struct Bench {
    webhook: Webhook,
    reads: Arc<AtomicUsize>,
    lines: Lines,
}

impl Bench {
    /// A webhook whose index knows these users, and whose live read finds `live`.
    fn new(policy: Policy, indexed: &[&str], live: Live) -> Self {
        let state = State::new();
        let snapshot_index = index(&policy, indexed);
        state.publish(Arc::new(Snapshot::new(Arc::new(policy), snapshot_index)));
        Self::with_state(state, live)
    }

    fn with_state(state: State, live: Live) -> Self {
        let reads = Arc::default();
        let source = Scripted {
            live,
            reads: Arc::clone(&reads),
        };
        let limits = ConfirmLimits::default();
        let lines = Lines::default();
        let webhook = Webhook {
            confirm: Confirm::start(source, state.clone(), limits, Observer::ignore()),
            state,
            audit: AuditLog::start(lines.clone()).unwrap(),
            metrics: Metrics::new("0.0.0"),
            caller: Caller::Unverified,
            now: || jiff::Timestamp::UNIX_EPOCH,
        };
        Self {
            webhook,
            reads,
            lines,
        }
    }

    async fn validate(&self, request: &Value) -> Answer {
        let body = Bytes::from(request.to_string());
        self.webhook.validate(body, Duration::from_secs(10)).await
    }

    /// The response of a verdict, checked against the contract.
    async fn verdict(&self, request: &Value) -> Value {
        let answer = self.validate(request).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let review: Value = serde_json::from_slice(&answer.body).unwrap();
        contract::check(request, &review, true);
        review["response"].clone()
    }

    fn reads(&self) -> usize {
        self.reads.load(Ordering::SeqCst)
    }

    fn audit_lines(&self) -> Vec<Value> {
        let text = String::from_utf8(self.lines.0.lock().unwrap().clone()).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    fn has_metric(&self, line: &str) -> bool {
        self.webhook.metrics.encode().lines().any(|one| one == line)
    }
}

fn binding(role: &str, users: &[&str]) -> Value {
    let subjects: Vec<Value> = users
        .iter()
        .map(|user| json!({"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": user}))
        .collect();
    json!({
        "metadata": {"name": "vm-users", "namespace": "dev"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": subjects,
    })
}

fn review(operation: &str, object: &Value, old_object: &Value) -> Value {
    json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "u-1",
            "kind": {"group": "rbac.authorization.k8s.io", "version": "v1", "kind": "RoleBinding"},
            "resource": {
                "group": "rbac.authorization.k8s.io", "version": "v1", "resource": "rolebindings"
            },
            "operation": operation,
            "name": "vm-users",
            "namespace": "dev",
            "userInfo": {"username": "carol", "groups": ["system:authenticated"]},
            "object": object,
            "oldObject": old_object,
            "dryRun": false,
        }
    })
}

fn create(users: &[&str]) -> Value {
    review("CREATE", &binding("spectro-vm-user", users), &Value::Null)
}

fn update(new: &[&str], old: &[&str]) -> Value {
    let role = "spectro-vm-user";
    review("UPDATE", &binding(role, new), &binding(role, old))
}

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
        let started = tokio::time::Instant::now();
        let answer = bench.validate(&create(&["alice"])).await;
        assert!(started.elapsed() < Duration::from_millis(3_400));
        assert_eq!(answer.status, 503);
        assert_eq!(answer.retry_after, Some(1));
        let status: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(status["kind"], "Status");
        assert!(
            status["message"].as_str().unwrap().contains(words),
            "{status}"
        );
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
