//! The work of the controller that leads: the Secrets and every `caBundle` are as they should be.

mod bundles;
mod complaint;
mod endpoints;
mod watches;

use std::convert::Infallible;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use kube::Client;
use tokio::time::{Instant, sleep, timeout};

use self::complaint::Complaint;
use self::endpoints::{Endpoints, EndpointsError};
pub use self::watches::{Changes, Names, Watches};
use super::rotation::{Evidence, Settings, Step, needs_witnesses, next_step};
use super::secret::{
    FoundAuthorities, FoundServing, read_authorities, read_serving, with_authorities, with_serving,
};
use crate::kubernetes::secret::{self, Written};
use crate::kubernetes::server_clock;
use crate::telemetry::labels::{Certificate, CertificateWork};
use crate::telemetry::metrics::Metrics;

/// How often everything is looked at though nothing has changed: what only time brings about.
const TICK: Duration = Duration::from_secs(2);
/// How long to wait after something failed.
const AFTER_FAILURE: Duration = Duration::from_secs(1);
/// Writes without a pause between.
const MOST_IN_A_ROW: u32 = 5;
/// How long one request may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How far our clock may be from the API server's before nothing is issued by it. API servers judge
/// certificates by their clock, and certificates begin an hour early.
const MOST_SKEW: Duration = Duration::from_mins(30);

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
        let mut in_a_row = 0_u32;
        loop {
            match self.next(&mut memory).await {
                Ok(Progress::Stored) => {
                    complaint.over();
                    in_a_row += 1;
                    // It comes to rest after two or three. Whatever keeps it from that, Secrets are
                    // not written without end.
                    if in_a_row > MOST_IN_A_ROW {
                        sleep(AFTER_FAILURE).await;
                    }
                }
                Ok(Progress::Nothing) => {
                    complaint.over();
                    in_a_row = 0;
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
        if !self.watches.are_known() {
            return Ok(Progress::Nothing);
        }
        let (stored, serving_stored) = (
            self.watches.authorities.current(),
            self.watches.serving.current(),
        );
        let found = read_authorities(stored.object());
        let serving = read_serving(serving_stored.object());
        let now = (self.now)();
        let step = self.step(&found, &serving, memory, now).await?;
        let secret = match &step {
            Step::Wait => return Ok(Progress::Nothing),
            Step::Authorities(change) => {
                let name = &self.names.ca_secret;
                let (authorities, is_answered) = (&change.authorities, change.is_answered);
                with_authorities(stored.object(), name, authorities, is_answered)
            }
            Step::Issue { .. } => {
                let Some(signing) = &found.authorities.signing else {
                    return Ok(Progress::Nothing);
                };
                if !self.is_current(stored.object()).await? {
                    return Ok(Progress::Nothing);
                }
                let secret = &self.names.tls_secret;
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
            let found = endpoints.witnesses(self.watches, serving).await;
            witnessed = found.map_err(ManageError::Witnesses)?;
        }
        let mut evidence = Evidence {
            now,
            published_for: memory
                .published
                .look(self.watches.are_published(found), found),
            all_serve_signing: false,
            witnessed: &witnessed,
        };
        let step = next_step(&self.settings, found, serving, evidence)?;
        // Whoever hangs holds up nothing else: all else is done before, and news end it.
        let is_idle = step == Step::Wait && !found.authorities.previous.is_empty();
        let Some(signing) = found.authorities.signing.as_ref().filter(|_| is_idle) else {
            return Ok(step);
        };
        let mut news = self.watches.changes();
        let looking = endpoints.all_serve(signing.certificate(), serving);
        let all_serve = tokio::select! {
            all_serve = looking => all_serve,
            () = news.next() => return Ok(step),
        };
        evidence.all_serve_signing = self.judge(all_serve, &mut memory.endpoints);
        Ok(next_step(&self.settings, found, serving, evidence)?)
    }

    /// Whether the Secret of the authorities is still the one that was seen: a watch that has died
    /// unnoticed must not have something signed by an authority that is not trusted any more.
    async fn is_current(&self, seen: Option<&Secret>) -> Result<bool, ManageError> {
        let reading = secret::get(&self.client, &self.names.namespace, &self.names.ca_secret);
        let stored = timeout(PATIENCE, reading)
            .await
            .map_err(|_| ManageError::Slow)?
            .map_err(ManageError::Read)?;
        let version = |secret: &Secret| secret.metadata.resource_version.clone();
        Ok(stored.as_ref().map(version) == seen.map(version))
    }

    /// Whether everyone was seen to serve by the new authority.
    fn judge(&self, all_serve: Result<bool, EndpointsError>, complaint: &mut Complaint) -> bool {
        match all_serve {
            Ok(all_serve) => {
                complaint.over();
                all_serve
            }
            Err(error) => {
                self.metrics.certificate_failed(CertificateWork::Endpoints);
                let what = "what the Service's endpoints serve cannot be looked at, so the old CA \
                            is kept";
                complaint.tell(&error, what);
                false
            }
        }
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
                let name = &self.names.ca_secret;
                tracing::info!(secret = name, "{}", change.reasons.join("; "));
                self.watches.authorities.wrote(*secret);
                if change.is_rotated {
                    self.metrics.certificate_rotated(Certificate::Ca);
                }
            }
            Step::Issue { reason } => {
                let name = &self.names.tls_secret;
                tracing::info!(secret = name, "a serving certificate was issued: {reason}");
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
            return Err(ManageError::Clock(ClocksDiffer { ours: now, theirs }));
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
    #[error("the API server gave no answer about a Secret in time")]
    Slow,
    #[error("a CA is lost, and what is served by it cannot be looked at")]
    Witnesses(#[source] EndpointsError),
    #[error("the Secret with the CA cannot be read")]
    Read(#[source] kube::Error),
    #[error("our clock is far from the API server's, and nothing is issued by a wrong one")]
    Clock(#[source] ClocksDiffer),
}

#[derive(Debug, thiserror::Error)]
#[error("ours says {ours} and theirs {theirs}")]
struct ClocksDiffer {
    ours: Timestamp,
    theirs: Timestamp,
}

impl ManageError {
    const fn work(&self) -> CertificateWork {
        match self {
            Self::Issue(_) | Self::Secret(_) | Self::Read(_) | Self::Slow => {
                CertificateWork::Secret
            }
            Self::Witnesses(_) => CertificateWork::Endpoints,
            Self::Clock(_) => CertificateWork::Clock,
        }
    }
}

#[cfg(test)]
mod tests;
