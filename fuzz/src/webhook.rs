//! The webhook without a socket, before a small cluster that never changes.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bindguard::admission::Webhook;
use bindguard::admission::answer::Answer;
use bindguard::admission::attempts::Attempts;
use bindguard::admission::misses::{Capacity, Misses};
use bindguard::audit::log::AuditLog;
use bindguard::audit::record::Caller;
use bindguard::domain::binding::Binding;
use bindguard::domain::policy::{Action, Policy};
use bindguard::manifest::{ManifestBinding, read};
use bindguard::provisioning::intake::Intake;
use bindguard::state::binding_key::BindingKey;
use bindguard::state::confirm::{Confirm, ConfirmLimits};
use bindguard::state::event::Observer;
use bindguard::state::handle::State;
use bindguard::state::index::Index;
use bindguard::state::personas::{PersonaBinding, PersonaIndex};
use bindguard::state::reread::{PersonaSource, Reread};
use bindguard::state::snapshot::Snapshot;
use bindguard::state::source::{Source, SourceError};
use bindguard::telemetry::labels::Decision;
use bindguard::telemetry::metrics::Metrics;
use bytes::Bytes;
use tokio::runtime::{Builder, Runtime};

const CLUSTER: &str = include_str!("cluster.yaml");
/// Longer than the slowest machine needs: a call that runs out of time is a fault.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A webhook that judges by one policy.
pub(crate) struct Judge {
    webhook: Webhook,
    lines: Lines,
    runtime: Runtime,
}

impl Judge {
    /// A webhook whose rules both take this action.
    pub(crate) fn new(action: Action) -> Self {
        let mut policy = Policy {
            action,
            companion_removal: action,
            ..Policy::built_in()
        };
        policy.companions[1].implied_by = vec!["view".to_owned()];
        let cluster = Cluster::new();
        let state = State::new();
        let index = Index::of(&policy, cluster.keyed());
        let personas = PersonaIndex::of(&policy, cluster.keyed());
        let snapshot = Snapshot::new(Arc::new(policy), index).with_personas(personas);
        state.publish(Arc::new(snapshot));

        let runtime = Builder::new_current_thread()
            .enable_time()
            .build()
            .expect("a runtime");
        let entered = runtime.enter();
        let limits = ConfirmLimits {
            interval: Duration::ZERO,
            timeout: TIMEOUT,
        };
        let metrics = Metrics::new("0.0.0");
        let lines = Lines::default();
        let webhook = Webhook {
            orders: Intake::closed("nothing makes companions here"),
            reread: Reread::from(cluster.clone()),
            confirm: Confirm::start(cluster, state.clone(), limits, Observer::ignore()),
            state,
            misses: Misses::new(Duration::ZERO, Capacity::default(), metrics.clone()),
            attempts: Attempts::default(),
            audit: AuditLog::start(lines.clone(), metrics.clone()).expect("a thread"),
            metrics,
            caller: Caller::Unverified,
            now: || jiff::Timestamp::UNIX_EPOCH,
        };
        drop(entered);
        Self {
            webhook,
            lines,
            runtime,
        }
    }

    /// The answer to a body, and what was written to the audit log.
    pub(crate) fn validate(&self, body: &[u8]) -> (Answer, Vec<u8>) {
        let body = Bytes::copy_from_slice(body);
        let answer = self.runtime.block_on(async {
            let answer = self.webhook.validate(body, TIMEOUT).await;
            if answer.decision != Some(Decision::Allow) {
                assert!(self.webhook.audit.flush(TIMEOUT).await, "a line is stuck");
            }
            answer
        });
        let lines = std::mem::take(&mut *self.lines.0.lock().expect("no panic in between"));
        (answer, lines)
    }

    /// The answer to a body that is to be changed, which it never is.
    pub(crate) fn mutate(&self, body: &[u8]) -> Answer {
        let body = Bytes::copy_from_slice(body);
        self.runtime.block_on(self.webhook.mutate(body, TIMEOUT))
    }
}

/// What is true.
#[derive(Clone)]
struct Cluster(Arc<Vec<PersonaBinding>>);

impl Cluster {
    fn new() -> Self {
        let contents = read(CLUSTER);
        assert!(contents.problems.is_empty(), "{:?}", contents.problems);
        let bindings = contents.bindings.iter().map(ManifestBinding::as_binding);
        let bindings = bindings.map(|binding| PersonaBinding::of(&binding));
        Self(Arc::new(bindings.collect()))
    }

    fn keyed(&self) -> impl Iterator<Item = (BindingKey, Binding<'_>)> {
        self.0.iter().map(|binding| {
            let binding = binding.as_binding();
            (BindingKey::of_binding(&binding), binding)
        })
    }
}

impl Source for Cluster {
    async fn read(&self, policy: Arc<Policy>) -> Result<Index, SourceError> {
        Ok(Index::of(&policy, self.keyed()))
    }
}

impl PersonaSource for Cluster {
    async fn reread(
        &self,
        bindings: Vec<PersonaBinding>,
    ) -> Result<Vec<PersonaBinding>, SourceError> {
        Ok(bindings)
    }
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut lines = self.0.lock().expect("no panic in between");
        lines.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
