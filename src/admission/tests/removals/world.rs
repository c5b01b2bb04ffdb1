//! A cluster for removals: what the index knows of it, and what is true.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::admission::tests::bench::{Bench, Live};
use crate::domain::binding::{Binding, BindingKind, RoleRef, Subject};
use crate::domain::identity::SubjectKind;
use crate::domain::policy::{Action, Companion, Policy};
use crate::state::binding_key::BindingKey;
use crate::state::confirm::{Confirm, ConfirmLimits};
use crate::state::event::Observer;
use crate::state::handle::State;
use crate::state::index::Index;
use crate::state::personas::{PersonaBinding, PersonaIndex};
use crate::state::reread::{PersonaSource, Reread};
use crate::state::snapshot::Snapshot;
use crate::state::source::{Source, SourceError};

pub(super) const NAMESPACES: &str = "spectro-list-namespaces";
pub(super) const TEMPLATES: &str = "spectro-list-vmtemplates";

/// What a source does when it is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reads {
    Work,
    Fail,
    Hang,
}

/// What is true.
#[derive(Clone)]
pub(super) struct Truth {
    pub(super) bindings: Arc<Mutex<Vec<PersonaBinding>>>,
    pub(super) lists: Arc<Mutex<Reads>>,
    pub(super) rereads: Arc<Mutex<Reads>>,
    /// How many bindings were read again.
    pub(super) reread: Arc<Mutex<usize>>,
}

async fn obey(reads: Reads) -> Result<(), SourceError> {
    match reads {
        Reads::Work => Ok(()),
        Reads::Fail => Err(SourceError::Expired(1)),
        Reads::Hang => std::future::pending().await,
    }
}

impl Source for Truth {
    async fn read(&self, policy: Arc<Policy>) -> Result<Index, SourceError> {
        let reads = *self.lists.lock().unwrap();
        obey(reads).await?;
        Ok(index(&policy, &self.bindings.lock().unwrap()))
    }
}

impl PersonaSource for Truth {
    async fn reread(&self, known: Vec<PersonaBinding>) -> Result<Vec<PersonaBinding>, SourceError> {
        let reads = *self.rereads.lock().unwrap();
        obey(reads).await?;
        *self.reread.lock().unwrap() += known.len();
        let is_known = |found: &Binding<'_>| {
            known.iter().map(PersonaBinding::as_binding).any(|known| {
                (known.kind, known.namespace, known.name)
                    == (found.kind, found.namespace, found.name)
            })
        };
        let bindings = self.bindings.lock().unwrap();
        let found = bindings
            .iter()
            .filter(|found| is_known(&found.as_binding()));
        Ok(found.cloned().collect())
    }
}

fn index(policy: &Policy, bindings: &[PersonaBinding]) -> Index {
    Index::of(policy, keyed(bindings))
}

fn keyed(bindings: &[PersonaBinding]) -> impl Iterator<Item = (BindingKey, Binding<'_>)> {
    bindings.iter().map(|binding| {
        let binding = binding.as_binding();
        (BindingKey::of_binding(&binding), binding)
    })
}

pub(super) struct World {
    pub(super) bench: Bench,
    pub(super) truth: Truth,
}

impl World {
    /// A cluster of these bindings, all of them known.
    pub(super) fn new(policy: Policy, bindings: Vec<PersonaBinding>) -> Self {
        let policy = Arc::new(policy);
        let personas = PersonaIndex::of(&policy, keyed(&bindings));
        let snapshot = Snapshot::new(Arc::clone(&policy), index(&policy, &bindings));
        Self::with_snapshot(snapshot.with_personas(personas), bindings)
    }

    /// The same, whose persona bindings nobody has read yet.
    pub(super) fn without_personas(policy: Policy, bindings: Vec<PersonaBinding>) -> Self {
        let index = index(&policy, &bindings);
        Self::with_snapshot(Snapshot::new(Arc::new(policy), index), bindings)
    }

    fn with_snapshot(snapshot: Snapshot, bindings: Vec<PersonaBinding>) -> Self {
        let state = State::new();
        state.publish(Arc::new(snapshot));
        let mut bench = Bench::with_state(state.clone(), Live::Fails);
        let truth = Truth {
            bindings: Arc::new(Mutex::new(bindings)),
            lists: Arc::new(Mutex::new(Reads::Work)),
            rereads: Arc::new(Mutex::new(Reads::Work)),
            reread: Arc::default(),
        };
        let limits = ConfirmLimits {
            timeout: Duration::from_mins(1),
            ..ConfirmLimits::default()
        };
        let observer = Observer::ignore();
        bench.webhook.confirm = Confirm::start(truth.clone(), state, limits, observer);
        bench.webhook.reread = Reread::from(truth.clone());
        Self { bench, truth }
    }

    /// From now on this is true, and the index does not know it.
    pub(super) fn becomes(&self, bindings: Vec<PersonaBinding>) {
        *self.truth.bindings.lock().unwrap() = bindings;
    }

    /// The response to a request, and the one audit line that it left, if it left one.
    pub(super) async fn asked(&self, request: &Value) -> (Value, Value) {
        let before = self.bench.audit_lines().len();
        let response = self.bench.verdict(request).await;
        let mut lines = self.bench.audit_lines().split_off(before);
        assert!(lines.len() <= 1, "{lines:?}");
        (response, lines.pop().unwrap_or(Value::Null))
    }
}

/// The built-in policy with another `companionRemoval`.
pub(super) fn policy(companion_removal: Action) -> Policy {
    Policy {
        companion_removal,
        ..Policy::built_in()
    }
}

/// The same, where binding `cluster-admin` gives the first companion as well.
pub(super) fn policy_with_implied(companion_removal: Action) -> Policy {
    let mut policy = policy(companion_removal);
    policy.companions[0] = Companion {
        cluster_role: NAMESPACES.to_owned(),
        implied_by: vec!["cluster-admin".to_owned()],
    };
    policy
}

/// A subject from `User alice`, `Group devs`, `ServiceAccount dev/bot`, or a user's bare name.
fn subject(text: &str) -> Subject<'_> {
    let (kind, name) = text.split_once(' ').unwrap_or(("User", text));
    let kind = SubjectKind::parse(kind).unwrap();
    let (namespace, name) = match (kind, name.split_once('/')) {
        (SubjectKind::ServiceAccount, Some((namespace, name))) => (Some(namespace), name),
        _ => (None, name),
    };
    Subject {
        kind,
        name,
        namespace,
    }
}

pub(super) fn role_binding(
    namespace: &str,
    name: &str,
    role: &str,
    subjects: &[&str],
) -> PersonaBinding {
    bind(
        BindingKind::RoleBinding,
        Some(namespace),
        name,
        role,
        subjects,
    )
}

pub(super) fn cluster_role_binding(name: &str, role: &str, subjects: &[&str]) -> PersonaBinding {
    bind(BindingKind::ClusterRoleBinding, None, name, role, subjects)
}

fn bind(
    kind: BindingKind,
    namespace: Option<&str>,
    name: &str,
    role: &str,
    subjects: &[&str],
) -> PersonaBinding {
    PersonaBinding::of(&Binding {
        kind,
        namespace,
        name,
        role: RoleRef::new(None, "ClusterRole", role),
        subjects: subjects.iter().map(|text| subject(text)).collect(),
    })
}

/// Both companions for these subjects, by bindings of the companions' names.
pub(super) fn both(subjects: &[&str]) -> Vec<PersonaBinding> {
    [NAMESPACES, TEMPLATES]
        .map(|role| cluster_role_binding(role, role, subjects))
        .into()
}

fn object(binding: &PersonaBinding) -> Value {
    let binding = binding.as_binding();
    let subjects: Vec<Value> = binding
        .subjects
        .iter()
        .map(|subject| match subject.kind {
            SubjectKind::ServiceAccount => {
                json!({"kind": "ServiceAccount", "name": subject.name,
                       "namespace": subject.namespace})
            }
            kind => json!({"kind": kind.as_str(), "name": subject.name}),
        })
        .collect();
    json!({
        "metadata": {"name": binding.name, "uid": "0e0e0e0e-0000-4000-8000-000000000000"},
        "roleRef": {"kind": "ClusterRole", "name": binding.role.name},
        "subjects": subjects,
    })
}

fn review(operation: &str, object: &Value, old_object: &Value) -> Value {
    json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "u-1",
            "kind": {
                "group": "rbac.authorization.k8s.io", "version": "v1", "kind": "ClusterRoleBinding"
            },
            "operation": operation,
            "userInfo": {"username": "carol", "groups": ["admins", "system:authenticated"]},
            "object": object,
            "oldObject": old_object,
            "dryRun": false,
        }
    })
}

pub(super) fn delete(binding: &PersonaBinding) -> Value {
    review("DELETE", &Value::Null, &object(binding))
}

/// An update that leaves these subjects.
pub(super) fn update(binding: &PersonaBinding, subjects: &[&str]) -> Value {
    let old = binding.as_binding();
    let new = cluster_role_binding(old.name, old.role.name, subjects);
    review("UPDATE", &object(&new), &object(binding))
}

/// The warnings of a response.
pub(super) fn warnings(response: &Value) -> Vec<&str> {
    assert_eq!(response["allowed"], true, "{response}");
    let warnings = response["warnings"].as_array();
    warnings
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

/// The pairs of an audit line, as `subject: companion`, with a mark on those that are lost.
pub(super) fn missing(line: &Value) -> Vec<String> {
    let pairs = line["missing"].as_array();
    pairs
        .into_iter()
        .flatten()
        .map(|pair| {
            let lost = if pair["lost"] == true { "lost " } else { "" };
            let subject = &pair["subject"];
            format!(
                "{lost}{} {}: {}",
                subject["kind"].as_str().unwrap(),
                subject["name"].as_str().unwrap(),
                pair["companion"].as_str().unwrap()
            )
        })
        .collect()
}
