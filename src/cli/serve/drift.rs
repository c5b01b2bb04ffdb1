//! Looks again and again whether the API server asks about what the policy forbids.

use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::admission::drift::{self, Difference};
use crate::domain::policy::Policy;
use crate::kubernetes::webhook_configuration::{self, is_forbidden};
use crate::state::handle::State;
use crate::telemetry::labels::ConfigurationKind;
use crate::telemetry::metrics::Metrics;

/// How often the configurations are looked at.
const INTERVAL: Duration = Duration::from_secs(30);
/// How long after a start, or a new policy, they are looked at out of turn. Whoever changes the
/// policy has a moment to change the configurations.
const SOON: Duration = Duration::from_secs(2);
/// How long a configuration may take to be read.
const PATIENCE: Duration = Duration::from_secs(10);
/// Characters of a difference that are logged: conditions may be as long as the policy.
const LONGEST: usize = 1_000;
/// Differences that are logged one by one.
const MOST: usize = 20;

/// Compares the configurations with the policy in force for as long as this future lives, logs each
/// change once, and keeps the gauges. Nothing else depends on it. Without a cluster there is
/// nothing to compare.
pub(super) async fn watch(
    client: Option<Client>,
    name: &str,
    state: &State,
    mut policies: watch::Receiver<Arc<Policy>>,
    metrics: &Metrics,
) {
    let Some(client) = client else {
        return std::future::pending().await;
    };
    // The sender lives as long as the process, so that it is not asked whether it is gone.
    let _ = state.synced().wait_for(|synced| *synced).await;
    let mut validating = Report::new(ConfigurationKind::Validating);
    let mut mutating = Report::new(ConfigurationKind::Mutating);
    let mut pause = SOON;
    loop {
        tokio::select! {
            () = sleep(pause) => {}
            Ok(()) = policies.changed() => {
                pause = SOON;
                continue;
            }
        }
        pause = INTERVAL;
        if let Some(snapshot) = state.current() {
            let policy = snapshot.policy();
            let live = webhook_configuration::validating(&client, name);
            let seen = look(live, |live| drift::validating(policy, live.as_ref())).await;
            validating.tell(seen, metrics);
            let live = webhook_configuration::mutating(&client, name);
            let seen = look(live, |live| drift::mutating(policy, live.as_ref())).await;
            mutating.tell(seen, metrics);
        }
    }
}

/// What came of a look at a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Seen {
    Differences(Vec<Difference>),
    Forbidden,
    Failed,
}

async fn look<T>(
    live: impl Future<Output = kube::Result<Option<T>>>,
    compare: impl FnOnce(Option<T>) -> Vec<Difference>,
) -> Seen {
    match timeout(PATIENCE, live).await {
        Ok(Ok(live)) => Seen::Differences(compare(live)),
        Ok(Err(error)) if is_forbidden(&error) => Seen::Forbidden,
        Ok(Err(error)) => {
            tracing::debug!(%error, "a webhook configuration could not be read");
            Seen::Failed
        }
        Err(_elapsed) => Seen::Failed,
    }
}

/// What was told of one configuration last.
struct Report {
    kind: ConfigurationKind,
    told: Option<Seen>,
}

impl Report {
    const fn new(kind: ConfigurationKind) -> Self {
        Self { kind, told: None }
    }

    /// Sets the gauge, and logs what is new.
    fn tell(&mut self, seen: Seen, metrics: &Metrics) {
        let number = match &seen {
            Seen::Differences(differences) => Some(differences.len()),
            Seen::Forbidden | Seen::Failed => None,
        };
        metrics.set_drift(self.kind, number);
        if self.told.as_ref() == Some(&seen) {
            return;
        }
        let configuration = match self.kind {
            ConfigurationKind::Validating => "ValidatingWebhookConfiguration",
            ConfigurationKind::Mutating => "MutatingWebhookConfiguration",
        };
        match &seen {
            // The watch fails as well then, and says so.
            Seen::Failed => return,
            Seen::Forbidden => tracing::info!(
                configuration,
                "bindguard may not get this configuration, so nobody notices when it no longer \
                 fits the policy"
            ),
            Seen::Differences(none) if none.is_empty() => tracing::info!(
                configuration,
                "the configuration is as the policy in force wants it"
            ),
            Seen::Differences(differences) => {
                for difference in differences.iter().take(MOST) {
                    let difference: String = difference.to_string().chars().take(LONGEST).collect();
                    tracing::warn!(
                        configuration,
                        difference,
                        "the configuration is not as the policy in force wants it; apply what \
                         `bindguard manifests` prints"
                    );
                }
            }
        }
        self.told = Some(seen);
    }
}

#[cfg(test)]
mod tests {
    use super::{ConfigurationKind, Difference, Metrics, Report, Seen};

    #[test]
    fn the_gauge_follows_what_is_seen_and_an_outage_is_forgotten_when_it_is_over() {
        let metrics = Metrics::new("0.0.0");
        let mut report = Report::new(ConfigurationKind::Validating);
        let missing = Seen::Differences(vec![Difference::NoConfiguration]);
        for (seen, number) in [
            (missing.clone(), 1),
            (Seen::Failed, -1),
            (missing.clone(), 1),
            (Seen::Forbidden, -1),
            (Seen::Differences(Vec::new()), 0),
        ] {
            report.tell(seen, &metrics);
            let line = format!("bindguard_configuration_drift{{kind=\"validating\"}} {number}\n");
            assert!(metrics.encode().contains(&line), "{line}");
        }
        report.tell(missing.clone(), &metrics);
        report.tell(Seen::Failed, &metrics);
        assert_eq!(report.told, Some(missing));
    }
}
