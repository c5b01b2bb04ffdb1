//! A webhook without a socket, with a source of holdings that the test controls.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::admission::answer::Answer;
use crate::admission::attempts::Attempts;
use crate::admission::misses::{Capacity, Misses};
use crate::admission::{Webhook, contract};
use crate::audit::log::AuditLog;
use crate::audit::record::Caller;
use crate::domain::binding::{Binding, BindingKind, RoleRef, Subject};
use crate::domain::identity::SubjectKind;
use crate::domain::policy::Policy;
use crate::provisioning::intake::Intake;
use crate::state::binding_key::BindingKey;
use crate::state::confirm::{Confirm, ConfirmLimits};
use crate::state::event::Observer;
use crate::state::handle::State;
use crate::state::index::Index;
use crate::state::personas::PersonaBinding;
use crate::state::reread::{PersonaSource, Reread};
use crate::state::snapshot::Snapshot;
use crate::state::source::{Source, SourceError};
use crate::telemetry::metrics::Metrics;

/// What the live read finds.
#[derive(Clone)]
pub(super) enum Live {
    Users(&'static [&'static str]),
    /// What there was after so long.
    Slow(Duration, &'static [&'static str]),
    Fails,
    Hangs,
}

#[derive(Clone)]
struct Scripted {
    live: Arc<Mutex<Live>>,
    reads: Arc<Mutex<Vec<Instant>>>,
}

impl Source for Scripted {
    async fn read(&self, policy: Arc<Policy>) -> Result<Index, SourceError> {
        self.reads.lock().unwrap().push(Instant::now());
        let live = self.live.lock().unwrap().clone();
        match live {
            Live::Users(users) => Ok(index(&policy, users)),
            Live::Slow(time, users) => {
                tokio::time::sleep(time).await;
                Ok(index(&policy, users))
            }
            Live::Fails => Err(SourceError::Expired(3)),
            Live::Hangs => std::future::pending().await,
        }
    }
}

impl PersonaSource for Scripted {
    async fn reread(
        &self,
        _bindings: Vec<PersonaBinding>,
    ) -> Result<Vec<PersonaBinding>, SourceError> {
        Err(SourceError::Expired(1))
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

/// Makes a snapshot of this policy, in which these users hold both companions, the current one.
pub(super) fn publish(state: &State, policy: Policy, users: &[&str]) {
    let index = index(&policy, users);
    state.publish(Arc::new(Snapshot::new(Arc::new(policy), index)));
}

/// The message of a call that was to be asked again.
#[track_caller]
pub(super) fn message(answer: &Answer) -> String {
    assert_eq!(answer.retry_after, Some(1));
    last_message(answer)
}

/// The message of a call that was not decided, whether it was to be asked again or not.
#[track_caller]
pub(super) fn last_message(answer: &Answer) -> String {
    assert_eq!(answer.status.as_u16(), 503);
    let status: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(status["kind"], "Status");
    status["message"].as_str().unwrap().to_owned()
}

#[derive(Clone, Default)]
pub(in crate::admission) struct Lines(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

pub(super) struct Bench {
    pub(super) webhook: Webhook,
    pub(super) live: Arc<Mutex<Live>>,
    reads: Arc<Mutex<Vec<Instant>>>,
    lines: Lines,
}

impl Bench {
    /// A webhook whose index knows these users, and whose live read finds `live`.
    pub(super) fn new(policy: Policy, indexed: &[&str], live: Live) -> Self {
        let state = State::new();
        publish(&state, policy, indexed);
        Self::with_state(state, live)
    }

    /// The same, whose calls wait for the watch for half a second.
    pub(super) fn settling(policy: Policy, indexed: &[&str], live: Live) -> Self {
        let mut bench = Self::new(policy, indexed, live);
        bench.webhook.misses.settle = Duration::from_millis(500);
        bench
    }

    /// From now on the index knows these users.
    pub(super) fn index(&self, users: &[&str]) {
        publish(&self.webhook.state, Policy::built_in(), users);
    }

    pub(super) fn with_state(state: State, live: Live) -> Self {
        let reads = Arc::default();
        let live = Arc::new(Mutex::new(live));
        let source = Scripted {
            live: Arc::clone(&live),
            reads: Arc::clone(&reads),
        };
        let limits = ConfirmLimits::default();
        let lines = Lines::default();
        let metrics = Metrics::new("0.0.0");
        let webhook = Webhook {
            reread: Reread::from(source.clone()),
            confirm: Confirm::start(source, state.clone(), limits, Observer::ignore()),
            state,
            misses: Misses::new(Duration::ZERO, Capacity::default(), metrics.clone()),
            audit: AuditLog::start(lines.clone(), metrics.clone()).unwrap(),
            attempts: Attempts::default(),
            orders: Intake::closed("this server makes no companions"),
            metrics,
            caller: Caller::Unverified,
            now: || jiff::Timestamp::UNIX_EPOCH,
        };
        Self {
            webhook,
            live,
            reads,
            lines,
        }
    }

    pub(super) async fn validate(&self, request: &Value) -> Answer {
        self.validate_within(request, Duration::from_secs(10)).await
    }

    pub(super) async fn validate_within(&self, request: &Value, timeout: Duration) -> Answer {
        let body = Bytes::from(request.to_string());
        self.webhook.validate(body, timeout).await
    }

    /// The response of a verdict, checked against the contract.
    pub(super) async fn verdict(&self, request: &Value) -> Value {
        let answer = self.validate(request).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let review: Value = serde_json::from_slice(&answer.body).unwrap();
        contract::check(request, &review, true);
        review["response"].clone()
    }

    pub(super) fn reads(&self) -> usize {
        self.reads.lock().unwrap().len()
    }

    /// When the only read began. A paused clock runs on while the thread of the audit log works,
    /// so this is what can be measured of a call that leaves a record.
    pub(super) fn read_at(&self) -> Instant {
        let reads = self.reads.lock().unwrap();
        assert_eq!(reads.len(), 1);
        reads[0]
    }

    /// All audit lines, once all are written: where the clock is paused, calls do not wait for the
    /// thread that writes.
    pub(super) fn audit_lines(&self) -> Vec<Value> {
        while !self.has_metric("bindguard_audit_lines_waiting 0") {
            std::thread::yield_now();
        }
        let text = String::from_utf8(self.lines.0.lock().unwrap().clone()).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    pub(super) fn has_metric(&self, line: &str) -> bool {
        self.webhook.metrics.encode().lines().any(|one| one == line)
    }
}

pub(super) fn binding(role: &str, users: &[&str]) -> Value {
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

pub(super) fn review(operation: &str, object: &Value, old_object: &Value) -> Value {
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

pub(super) fn create(users: &[&str]) -> Value {
    review("CREATE", &binding("spectro-vm-user", users), &Value::Null)
}

pub(super) fn update(new: &[&str], old: &[&str]) -> Value {
    let role = "spectro-vm-user";
    review("UPDATE", &binding(role, new), &binding(role, old))
}
