//! Keeping every `caBundle` right.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::complaint::Complaint;
use super::{AFTER_FAILURE, Manager, PATIENCE, TICK};
use crate::certificates::ca_bundle;
use crate::certificates::secret::{FoundAuthorities, read_authorities};
use crate::kubernetes::object_watch::ObjectWatch;
use crate::kubernetes::secret;
use crate::kubernetes::webhook_configuration::{self, WebhookConfiguration};
use crate::telemetry::labels::{CertificateWork, ConfigurationKind};

/// How long to wait after a repair.
const AFTER_REPAIR: Duration = Duration::from_millis(250);
/// The same when it was not the first for a while: somebody who keeps writing another `caBundle`
/// must not make this and them write without end.
const AFTER_MANY: Duration = Duration::from_secs(5);
/// How many repairs within how long are many.
const MANY: usize = 10;
const WINDOW: Duration = Duration::from_mins(1);

/// When repairs were made.
#[derive(Default)]
struct Repairs(VecDeque<Instant>);

impl Repairs {
    /// How long to wait after one more.
    fn pause_after(&mut self, repair: Instant, kind: &str) -> Duration {
        let is_old = |at: &Instant| repair.saturating_duration_since(*at) > WINDOW;
        while self.0.front().is_some_and(is_old) {
            self.0.pop_front();
        }
        self.0.push_back(repair);
        if self.0.len() == MANY {
            tracing::warn!(
                "somebody keeps changing the caBundle of the {kind}; it is put right every {} s \
                 from now on",
                AFTER_MANY.as_secs()
            );
        }
        if self.0.len() < MANY {
            AFTER_REPAIR
        } else {
            AFTER_MANY
        }
    }
}

#[derive(Debug, thiserror::Error)]
enum BundleError {
    #[error("it cannot be patched")]
    Patch(#[source] kube::Error),
    #[error("the Secret with the CA cannot be read")]
    Secret(#[source] kube::Error),
    #[error("there was no answer in time")]
    Slow,
}

impl Manager<'_> {
    /// Puts right what is not, in both configurations. Never ends.
    pub(super) async fn keep_bundles(&self) -> Infallible {
        let (validating, mutating) = (&self.watches.validating, &self.watches.mutating);
        tokio::select! {
            never = self.keep_bundle(validating, ConfigurationKind::Validating) => never,
            never = self.keep_bundle(mutating, ConfigurationKind::Mutating) => never,
        }
    }

    async fn keep_bundle<K: WebhookConfiguration>(
        &self,
        watch: &ObjectWatch<K>,
        kind: ConfigurationKind,
    ) -> Infallible {
        let mut authorities = self.watches.authorities.subscribe();
        let mut configuration = watch.subscribe();
        let mut complaint = Complaint::default();
        let mut repairs = Repairs::default();
        loop {
            authorities.mark_unchanged();
            configuration.mark_unchanged();
            match self.repair(watch).await {
                Ok(0) => {
                    complaint.over();
                    let changed = async {
                        // The senders outlive this.
                        let _ = tokio::select! {
                            changed = authorities.changed() => changed,
                            changed = configuration.changed() => changed,
                        };
                    };
                    let _ = timeout(TICK, changed).await;
                }
                Ok(webhooks) => {
                    complaint.over();
                    self.metrics.ca_bundle_repaired(kind);
                    tracing::info!(
                        configuration = K::KIND,
                        webhooks,
                        "the caBundle of the webhooks was put right"
                    );
                    sleep(repairs.pause_after(Instant::now(), K::KIND)).await;
                }
                Err(error) => {
                    self.metrics.certificate_failed(CertificateWork::CaBundle);
                    complaint.tell(&error, &format!("the caBundle of the {} is wrong", K::KIND));
                    sleep(AFTER_FAILURE).await;
                }
            }
        }
    }

    /// Puts a configuration right, and says for how many webhooks that was needed.
    async fn repair<K: WebhookConfiguration>(
        &self,
        watch: &ObjectWatch<K>,
    ) -> Result<usize, BundleError> {
        let stored = self.watches.authorities.current();
        let found = read_authorities(stored.object());
        if wrong(watch, &found).is_empty() {
            return Ok(0);
        }
        // A watch that has died unnoticed must not bring an authority back.
        let found = self.stored_authorities().await?;
        let wrong = wrong(watch, &found);
        if wrong.is_empty() {
            return Ok(0);
        }
        let (configuration, bundle) = (&self.names.configuration, found.authorities.bundle());
        let patching =
            webhook_configuration::set_ca_bundle(&self.client, configuration, &wrong, &bundle);
        let patched = timeout(PATIENCE, patching)
            .await
            .map_err(|_| BundleError::Slow)?
            .map_err(BundleError::Patch)?;
        // If it has just become another one, the watch will bring it.
        let Some(patched) = patched else {
            sleep(AFTER_REPAIR).await;
            return Ok(0);
        };
        watch.wrote(patched);
        Ok(wrong.len())
    }

    async fn stored_authorities(&self) -> Result<FoundAuthorities, BundleError> {
        let reading = secret::get(&self.client, &self.names.namespace, &self.names.ca_secret);
        let secret = timeout(PATIENCE, reading)
            .await
            .map_err(|_| BundleError::Slow)?
            .map_err(BundleError::Secret)?;
        Ok(read_authorities(secret.as_ref()))
    }
}

fn wrong<K: WebhookConfiguration>(
    watch: &ObjectWatch<K>,
    found: &FoundAuthorities,
) -> Vec<(usize, String)> {
    let wanted = found.authorities.trusted();
    let known = watch.current();
    match known.object() {
        // Without any authority there is nothing better than what is there, and part of one that
        // is broken may be what is still served.
        Some(object) if !wanted.is_empty() && found.faults.is_empty() => {
            ca_bundle::wrong(&ca_bundle::webhooks(object), &wanted)
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::{AFTER_MANY, AFTER_REPAIR, MANY, Repairs, WINDOW};

    #[test]
    fn whoever_keeps_writing_another_bundle_is_answered_slowly() {
        let (mut repairs, start) = (Repairs::default(), Instant::now());
        for _ in 1..MANY {
            assert_eq!(repairs.pause_after(start, "K"), AFTER_REPAIR);
        }
        assert_eq!(repairs.pause_after(start + WINDOW, "K"), AFTER_MANY);
        assert_eq!(repairs.pause_after(start + 3 * WINDOW, "K"), AFTER_REPAIR);
    }
}
