//! Whether the API server would trust what is served: what `--verify-ca-bundle` asks for.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhookConfiguration, ValidatingWebhookConfiguration,
};
use kube::Client;
use tokio::time::{Instant, timeout};

use crate::certificates::ca_bundle::{self, TrustingWebhook};
use crate::certificates::gate::{Gate, PATIENCE};
use crate::certificates::served::ServedCertificate;
use crate::certificates::trust;
use crate::kubernetes::object_watch::ObjectWatch;
use crate::kubernetes::webhook_configuration::{self, WebhookConfiguration};
use crate::server::readiness::{Condition, Readiness};
use crate::telemetry::clock;
use crate::telemetry::metrics::Metrics;

/// How often it is looked at though no configuration changes: what is served does, and time goes.
const INTERVAL: Duration = Duration::from_millis(500);
/// The same while calls wait for it.
const SOON: Duration = Duration::from_millis(100);

/// Keeps the readiness and the gauge for as long as this future lives. Without a client there is
/// nothing to ask.
pub(super) async fn watch(
    client: Option<Client>,
    configuration: &str,
    served: Arc<ServedCertificate>,
    readiness: &Readiness,
    metrics: &Metrics,
) {
    let Some(client) = client else {
        return std::future::pending().await;
    };
    let validating = webhook_configuration::watch(&client, configuration);
    let mutating = webhook_configuration::watch(&client, configuration);
    let judging = async {
        let (mut gate, mut told) = (Gate::default(), Told::default());
        let (mut of_validating, mut of_mutating) = (validating.subscribe(), mutating.subscribe());
        loop {
            let trust = look(&served, &validating, &mutating);
            let is_trusted = trust.is_trusted();
            metrics.set_certificate_trusted(is_trusted);
            let is_ready = gate.judge(is_trusted, Instant::now());
            readiness.set(Condition::Trusted, is_ready);
            told.tell(trust, is_ready);
            let changed = async {
                // The senders outlive this.
                let _ = tokio::select! {
                    changed = of_validating.changed() => changed,
                    changed = of_mutating.changed() => changed,
                };
            };
            let _ = timeout(if is_ready { INTERVAL } else { SOON }, changed).await;
        }
    };
    tokio::select! {
        () = judging => {}
        never = validating.run() => match never {},
        never = mutating.run() => match never {},
    }
}

/// Whether what is served is trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Trust {
    /// Nobody can tell.
    Unknown,
    ByAll,
    /// Not by this webhook, for this reason.
    Refused(String),
}

impl Trust {
    const fn is_trusted(&self) -> Option<bool> {
        match self {
            Self::Unknown => None,
            Self::ByAll => Some(true),
            Self::Refused(_) => Some(false),
        }
    }
}

fn look(
    served: &ServedCertificate,
    validating: &ObjectWatch<ValidatingWebhookConfiguration>,
    mutating: &ObjectWatch<MutatingWebhookConfiguration>,
) -> Trust {
    let (Some(validating), Some(mutating)) = (of(validating), of(mutating)) else {
        return Trust::Unknown;
    };
    let Some(pair) = served.current() else {
        return Trust::Unknown;
    };
    let now = clock::now();
    let mut webhooks = validating.into_iter().chain(mutating);
    let refused = webhooks.find_map(|(kind, webhook)| {
        let verified = trust::verify(pair.chain(), &webhook.bundle, &webhook.host, now);
        let error = verified.err()?;
        let TrustingWebhook { name, host, .. } = webhook;
        Some(format!("{kind}, webhook {name}, for {host:?}: {error}"))
    });
    refused.map_or(Trust::ByAll, Trust::Refused)
}

/// Our webhooks in a configuration; `None` while they are not known.
fn of<K: WebhookConfiguration>(
    watch: &ObjectWatch<K>,
) -> Option<Vec<(&'static str, TrustingWebhook)>> {
    let known = watch.current();
    if !known.is_known() {
        return None;
    }
    let webhooks = known.object().map(ca_bundle::webhooks).unwrap_or_default();
    Some(
        webhooks
            .into_iter()
            .map(|webhook| (K::KIND, webhook))
            .collect(),
    )
}

/// What was told last, so that it is told once.
#[derive(Debug, Default)]
struct Told(Option<(Trust, bool)>);

impl Told {
    fn tell(&mut self, trust: Trust, is_ready: bool) {
        let news = Some((trust, is_ready));
        if news == self.0 {
            return;
        }
        match &news {
            Some((Trust::ByAll, _)) => {
                tracing::info!("the webhook configurations trust the certificate that is served");
            }
            Some((Trust::Refused(reason), _)) => {
                let patience = PATIENCE.as_secs();
                tracing::warn!(
                    reason,
                    is_ready,
                    "a webhook configuration does not trust the certificate that is served; a \
                     replica that was ready stays so for {patience} s"
                );
            }
            Some((Trust::Unknown, _)) | None => return,
        }
        self.0 = news;
    }
}
