//! The work of the controller that leads: the Secrets and every `caBundle` are as they should be.

mod bundles;
mod endpoints;

use std::convert::Infallible;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhookConfiguration, ValidatingWebhookConfiguration,
};
use k8s_openapi::api::core::v1::Secret;
use kube::Client;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use self::endpoints::Endpoints;
use super::ca_bundle;
use super::rotation::{Evidence, Settings, Step, needs_witnesses, next_step};
use super::secret::{
    FoundAuthorities, FoundServing, read_authorities, read_serving, with_authorities, with_serving,
};
use crate::kubernetes::object_watch::{Known, ObjectWatch};
use crate::kubernetes::secret::{self, Written};
use crate::kubernetes::{server_clock, webhook_configuration};
use crate::telemetry::causes::WithCauses;
use crate::telemetry::labels::{Certificate, CertificateWork};
use crate::telemetry::metrics::Metrics;

/// How often everything is looked at though nothing has changed: what only time brings about.
const TICK: Duration = Duration::from_secs(2);
/// How long to wait after something failed.
const AFTER_FAILURE: Duration = Duration::from_secs(1);
/// How long one request may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How far our clock may be from the API server's before nothing is issued by it. API servers judge
/// certificates by their clock, and certificates begin an hour early.
const MOST_SKEW: Duration = Duration::from_mins(30);

/// Where everything is.
#[derive(Clone, Debug)]
pub struct Names {
    /// The namespace of the Secrets and of the Service.
    pub namespace: String,
    /// The Secret of the authorities.
    pub ca_secret: String,
    /// The Secret of the serving certificate.
    pub tls_secret: String,
    /// The Service in front of those who serve.
    pub service: String,
    /// The name of both webhook configurations.
    pub configuration: String,
}

/// What the controller watches, whether it leads or not.
pub struct Watches {
    /// The Secret of the authorities.
    pub authorities: ObjectWatch<Secret>,
    /// The Secret of the serving certificate.
    pub serving: ObjectWatch<Secret>,
    /// The validating configuration.
    pub validating: ObjectWatch<ValidatingWebhookConfiguration>,
    /// The mutating configuration.
    pub mutating: ObjectWatch<MutatingWebhookConfiguration>,
}

impl Watches {
    /// Of the objects of these names.
    #[must_use]
    pub fn new(client: &Client, names: &Names) -> Self {
        Self {
            authorities: secret::watch(client, &names.namespace, &names.ca_secret),
            serving: secret::watch(client, &names.namespace, &names.tls_secret),
            validating: webhook_configuration::watch(client, &names.configuration),
            mutating: webhook_configuration::watch(client, &names.configuration),
        }
    }

    /// Keeps up with all of them. Never ends.
    pub async fn run(&self) -> Infallible {
        tokio::select! {
            never = self.authorities.run() => never,
            never = self.serving.run() => never,
            never = self.validating.run() => never,
            never = self.mutating.run() => never,
        }
    }

    /// Whether each was looked at and can be watched.
    #[must_use]
    pub fn are_fresh(&self) -> bool {
        self.authorities.current().is_fresh()
            && self.serving.current().is_fresh()
            && self.validating.current().is_fresh()
            && self.mutating.current().is_fresh()
    }

    /// Hears when one of them changes.
    #[must_use]
    pub fn changes(&self) -> Changes {
        Changes {
            authorities: self.authorities.subscribe(),
            serving: self.serving.subscribe(),
            validating: self.validating.subscribe(),
            mutating: self.mutating.subscribe(),
        }
    }

    /// Whether all existing configurations trust exactly these.
    fn are_published(&self, found: &FoundAuthorities) -> bool {
        if !found.faults.is_empty() {
            return false;
        }
        let wanted = found.authorities.trusted();
        let (validating, mutating) = (self.validating.current(), self.mutating.current());
        let validating_holds = validating.object().is_none_or(|object| {
            ca_bundle::wrong(&ca_bundle::webhooks(object), &wanted).is_empty()
        });
        let mutating_holds = mutating.object().is_none_or(|object| {
            ca_bundle::wrong(&ca_bundle::webhooks(object), &wanted).is_empty()
        });
        validating.is_fresh() && mutating.is_fresh() && validating_holds && mutating_holds
    }
}

/// Hears when something that is watched changes.
pub struct Changes {
    authorities: watch::Receiver<Known<Secret>>,
    serving: watch::Receiver<Known<Secret>>,
    validating: watch::Receiver<Known<ValidatingWebhookConfiguration>>,
    mutating: watch::Receiver<Known<MutatingWebhookConfiguration>>,
}

impl Changes {
    /// Returns with the next change since the last.
    pub async fn next(&mut self) {
        // The senders outlive this.
        let _ = tokio::select! {
            changed = self.authorities.changed() => changed,
            changed = self.serving.changed() => changed,
            changed = self.validating.changed() => changed,
            changed = self.mutating.changed() => changed,
        };
    }
}

/// Does the work while it leads.
pub struct Manager<'w> {
    /// The API server.
    pub client: Client,
    /// Where everything is.
    pub names: Names,
    /// What certificates are to be like.
    pub settings: Settings,
    /// What is watched, by somebody else.
    pub watches: &'w Watches,
    /// Where what happens is counted.
    pub metrics: Metrics,
    /// The wall clock.
    pub now: fn() -> Timestamp,
}

/// What is remembered from one look to the next.
#[derive(Default)]
struct Memory {
    published: Published,
    endpoints: Complaint,
}

/// Since when what is stored has been published.
#[derive(Default)]
struct Published {
    what: String,
    since: Option<Instant>,
}

impl Manager<'_> {
    /// Does the work. It can be dropped at any moment, and another goes on from there.
    pub async fn run(&self) -> Infallible {
        tokio::select! {
            never = self.rotate() => never,
            never = self.keep_bundles() => never,
        }
    }

    async fn rotate(&self) -> Infallible {
        let mut changes = self.watches.changes();
        let mut memory = Memory::default();
        let mut complaint = Complaint::default();
        loop {
            match self.next(&mut memory).await {
                Ok(Progress::Stored) => complaint.over(),
                Ok(Progress::Nothing) => {
                    complaint.over();
                    let _ = timeout(TICK, changes.next()).await;
                }
                Err(error) => {
                    self.metrics.certificate_failed(error.work());
                    complaint.tell(&error, "the certificates cannot be looked after");
                    sleep(AFTER_FAILURE).await;
                }
            }
        }
    }

    async fn next(&self, memory: &mut Memory) -> Result<Progress, ManageError> {
        let (stored, serving_stored) = (
            self.watches.authorities.current(),
            self.watches.serving.current(),
        );
        if !stored.is_known() || !serving_stored.is_known() {
            return Ok(Progress::Nothing);
        }
        let found = read_authorities(stored.object());
        let serving = read_serving(serving_stored.object());
        let now = (self.now)();
        let step = self.step(&found, &serving, memory, now).await?;
        let secret = match &step {
            Step::Wait => return Ok(Progress::Nothing),
            Step::Authorities(change) => {
                let name = &self.names.ca_secret;
                tracing::info!(secret = name, "{}", change.reasons.join("; "));
                let (authorities, is_answered) = (&change.authorities, change.is_answered);
                with_authorities(stored.object(), name, authorities, is_answered)
            }
            Step::Issue { reason } => {
                let Some(signing) = &found.authorities.signing else {
                    return Ok(Progress::Nothing);
                };
                let secret = &self.names.tls_secret;
                tracing::info!(secret, "a serving certificate is issued: {reason}");
                let (names, lifetime) =
                    (self.settings.names(), self.settings.certificate_lifetime());
                let issued = signing.issue(names, now, lifetime)?;
                let object = serving_stored.object();
                with_serving(object, secret, &issued, signing.certificate())
            }
        };
        self.compare_clocks(now).await?;
        self.store(&step, &secret).await
    }

    async fn step(
        &self,
        found: &FoundAuthorities,
        serving: &FoundServing,
        memory: &mut Memory,
        now: Timestamp,
    ) -> Result<Step, ManageError> {
        let endpoints = Endpoints {
            client: &self.client,
            namespace: &self.names.namespace,
            service: &self.names.service,
        };
        let mut witnessed = Vec::new();
        if needs_witnesses(found, now) {
            witnessed = endpoints.witnesses(self.watches, serving).await;
        }
        let all_serve_signing = match (&found.authorities.signing, &serving.serving) {
            (Some(signing), Some(_)) if !found.authorities.previous.is_empty() => {
                match endpoints.all_serve(signing.certificate(), serving).await {
                    Ok(all_serve) => {
                        memory.endpoints.over();
                        all_serve
                    }
                    Err(error) => {
                        self.metrics.certificate_failed(CertificateWork::Endpoints);
                        let what = "what the Service's endpoints serve cannot be looked at, so \
                                    the old CA is kept";
                        memory.endpoints.tell(&error, what);
                        false
                    }
                }
            }
            _ => false,
        };
        let evidence = Evidence {
            now,
            published_for: memory
                .published
                .look(self.watches.are_published(found), found),
            all_serve_signing,
            witnessed: &witnessed,
        };
        Ok(next_step(&self.settings, found, serving, evidence)?)
    }

    /// Writes a Secret that nobody else has written in the meantime.
    async fn store(&self, step: &Step, secret: &Secret) -> Result<Progress, ManageError> {
        let writing = secret::write(&self.client, &self.names.namespace, secret);
        let written = timeout(PATIENCE, writing)
            .await
            .map_err(|_| ManageError::Slow)?
            .map_err(ManageError::Secret)?;
        let Written::Done(secret) = written else {
            tracing::info!("the Secret was written by another at the same time; it is read again");
            return Ok(Progress::Nothing);
        };
        match step {
            Step::Wait => {}
            Step::Authorities(change) => {
                self.watches.authorities.wrote(*secret);
                if change.is_rotated {
                    self.metrics.certificate_rotated(Certificate::Ca);
                }
            }
            Step::Issue { .. } => {
                self.watches.serving.wrote(*secret);
                self.metrics.certificate_rotated(Certificate::Serving);
            }
        }
        Ok(Progress::Stored)
    }

    /// Refuses to go by a clock that is far from that of the API server, if that can be asked.
    async fn compare_clocks(&self, now: Timestamp) -> Result<(), ManageError> {
        let asking = server_clock::now(&self.client);
        let Ok(Some(theirs)) = timeout(PATIENCE, asking).await else {
            return Ok(());
        };
        if now.duration_since(theirs).unsigned_abs() > MOST_SKEW {
            return Err(ManageError::Clock { ours: now, theirs });
        }
        Ok(())
    }
}

impl Published {
    /// How long what is stored has been published without a break.
    fn look(&mut self, is_published: bool, found: &FoundAuthorities) -> Option<Duration> {
        let what = found.authorities.bundle();
        if !is_published || what != self.what {
            self.since = None;
            self.what = what;
        }
        if is_published {
            let since = *self.since.get_or_insert_with(Instant::now);
            return Some(since.elapsed());
        }
        None
    }
}

enum Progress {
    /// Something was stored, and there may be more to do.
    Stored,
    /// There is nothing to do now.
    Nothing,
}

/// Why the certificates could not be looked after.
#[derive(Debug, thiserror::Error)]
enum ManageError {
    /// The machine has no randomness, or a name is none.
    #[error("no certificate can be made")]
    Issue(#[from] super::authority::IssueError),
    #[error("the Secret cannot be written")]
    Secret(#[source] kube::Error),
    #[error("the Secret cannot be written: no answer in time")]
    Slow,
    #[error(
        "our clock says {ours} and the API server's {theirs}; nothing is issued by a wrong one"
    )]
    Clock { ours: Timestamp, theirs: Timestamp },
}

impl ManageError {
    const fn work(&self) -> CertificateWork {
        match self {
            Self::Issue(_) | Self::Secret(_) | Self::Slow => CertificateWork::Secret,
            Self::Clock { .. } => CertificateWork::Clock,
        }
    }
}

/// Tells each trouble once, and once when it is over.
#[derive(Default)]
struct Complaint(Option<String>);

impl Complaint {
    fn tell(&mut self, error: &(dyn std::error::Error + 'static), what: &str) {
        let text = WithCauses(error).to_string();
        if self.0.is_none() {
            tracing::error!(error = text, "{what}");
        }
        self.0 = Some(text);
    }

    fn over(&mut self) {
        if self.0.take().is_some() {
            tracing::info!("what failed about the certificates works again");
        }
    }
}
