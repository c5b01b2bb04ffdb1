//! Which certificate is served, which are demanded of clients, and keeping up with their files.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;

use anyhow::Context;
use kube::Client;

use super::arguments::Arguments;
use crate::audit::record::Caller;
use crate::certificates::client_ca::ClientCaFile;
use crate::certificates::files::PairFiles;
use crate::certificates::follow::{Followed, Outcome, POLL_INTERVAL};
use crate::certificates::follow_secret::follow_secret;
use crate::certificates::served::ServedCertificate;
use crate::certificates::tls::Tls;
use crate::certificates::{ca_file, self_signed, watch};
use crate::kubernetes::secret;
use crate::server::readiness::{Condition, Readiness};
use crate::telemetry::clock;
use crate::telemetry::labels::{Certificate, Reload};
use crate::telemetry::metrics::Metrics;

/// TLS as the flags want it, and the files it rests on.
pub(super) struct Certificates {
    pub(super) tls: Arc<Tls>,
    /// What can be said of every caller.
    pub(super) caller: Caller,
    served: Arc<ServedCertificate>,
    source: Source,
    client_ca: Option<(ClientCaFile, Followed)>,
}

/// Where the next certificate comes from.
enum Source {
    /// There will be no other.
    Made,
    Files(PairFiles, Followed),
    Secret {
        namespace: String,
        name: String,
    },
}

impl Certificates {
    /// The certificate of the files that the flags name, or one made here.
    pub(super) fn obtain(arguments: &Arguments, metrics: &Metrics) -> anyhow::Result<Self> {
        let (client_ca, client_ca_file) = match &arguments.client_ca {
            Some(path) => {
                let file = ClientCaFile::new(path.clone());
                let (client_ca, followed) = file.load()?;
                (Some(client_ca), Some((file, followed)))
            }
            None => (None, None),
        };
        let now = clock::now();
        let files = arguments.tls_cert.clone().zip(arguments.tls_key.clone());
        let (served, source) = if let Some((certificate, key)) = files {
            let files = PairFiles::new(certificate, key);
            let (pair, followed) = files.load(now)?;
            (ServedCertificate::new(pair), Source::Files(files, followed))
        } else if let Some(name) = &arguments.tls_secret {
            let source = Source::Secret {
                namespace: arguments.installation.bindguard_namespace.clone(),
                name: name.clone(),
            };
            (ServedCertificate::default(), source)
        } else {
            let made = self_signed::make(&arguments.listen.names(), now)
                .context("cannot make a certificate")?;
            if let Some(path) = &arguments.write_ca {
                ca_file::write(path, &made.ca_pem)?;
            }
            (ServedCertificate::new(made.pair), Source::Made)
        };
        let served = Arc::new(served);
        show_expiry(&served, metrics);
        let tls = Tls::new(Arc::clone(&served), client_ca.as_ref())?;
        Ok(Self {
            tls: Arc::new(tls),
            caller: match client_ca {
                Some(_) => Caller::Verified,
                None => Caller::Unverified,
            },
            served,
            source,
            client_ca: client_ca_file,
        })
    }

    /// What is served, which may be nothing yet.
    pub(super) fn served(&self) -> Arc<ServedCertificate> {
        Arc::clone(&self.served)
    }

    /// Keeps up with the files, or with the Secret, if there are any. Never ends.
    pub(super) async fn follow(
        self,
        client: Option<Client>,
        readiness: &Readiness,
        metrics: &Metrics,
    ) -> Infallible {
        let Self {
            tls,
            caller: _,
            served,
            source,
            client_ca,
        } = self;
        let pair = follow_pair(source, client, served, readiness, metrics);
        let client_ca = async {
            let Some((file, followed)) = client_ca else {
                return pending().await;
            };
            watch::client_ca(file, followed, tls, POLL_INTERVAL, |outcome| {
                metrics.certificates_reloaded(result(outcome));
            })
            .await
        };
        tokio::select! {
            never = pair => never,
            never = client_ca => never,
        }
    }
}

async fn follow_pair(
    source: Source,
    client: Option<Client>,
    served: Arc<ServedCertificate>,
    readiness: &Readiness,
    metrics: &Metrics,
) -> Infallible {
    let observed = Arc::clone(&served);
    match source {
        Source::Made => pending().await,
        Source::Files(files, followed) => {
            let interval = POLL_INTERVAL;
            watch::pair(files, followed, served, interval, clock::now, |outcome| {
                metrics.certificates_reloaded(result(outcome));
                show_expiry(&observed, metrics);
            })
            .await
        }
        Source::Secret { namespace, name } => {
            let Some(client) = client else {
                return pending().await;
            };
            let watch = secret::watch(&client, &namespace, &name);
            tracing::info!(
                namespace,
                secret = name,
                "the certificate is that of the Secret"
            );
            follow_secret(&watch, served, clock::now, |outcome| {
                metrics.certificates_reloaded(result(outcome));
                show_expiry(&observed, metrics);
                let is_there = observed.current().is_some();
                readiness.set(Condition::Certificate, is_there);
            })
            .await
        }
    }
}

fn show_expiry(served: &ServedCertificate, metrics: &Metrics) {
    let Some(validity) = served.validity() else {
        return;
    };
    let not_after = validity.not_after.as_second();
    metrics.set_certificate_not_after(not_after);
    let life = Some((not_after, validity.life()));
    metrics.set_certificate(Certificate::Serving, life);
}

const fn result<E>(outcome: &Outcome<E>) -> Reload {
    match outcome {
        Outcome::InForce => Reload::Ok,
        Outcome::Rejected(_) => Reload::Failed,
    }
}
