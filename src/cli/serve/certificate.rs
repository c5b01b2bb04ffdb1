//! Which certificate is served, which are demanded of clients, and keeping up with their files.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;

use anyhow::Context;

use super::arguments::Arguments;
use crate::audit::record::Caller;
use crate::certificates::client_ca::ClientCaFile;
use crate::certificates::files::PairFiles;
use crate::certificates::follow::{Followed, Outcome, POLL_INTERVAL};
use crate::certificates::served::ServedCertificate;
use crate::certificates::tls::Tls;
use crate::certificates::{ca_file, self_signed, watch};
use crate::telemetry::clock;
use crate::telemetry::labels::Reload;
use crate::telemetry::metrics::Metrics;

/// TLS as the flags want it, and the files it rests on.
pub(super) struct Certificates {
    pub(super) tls: Arc<Tls>,
    /// What can be said of every caller.
    pub(super) caller: Caller,
    served: Arc<ServedCertificate>,
    pair: Option<(PairFiles, Followed)>,
    client_ca: Option<(ClientCaFile, Followed)>,
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
        let (pair, pair_files) = if let Some((certificate, key)) = files {
            let files = PairFiles::new(certificate, key);
            let (pair, followed) = files.load(now)?;
            (pair, Some((files, followed)))
        } else {
            let made = self_signed::make(&arguments.listen.names(), now)
                .context("cannot make a certificate")?;
            if let Some(path) = &arguments.write_ca {
                ca_file::write(path, &made.ca_pem)?;
            }
            (made.pair, None)
        };
        let served = Arc::new(ServedCertificate::new(pair));
        show_expiry(&served, metrics);
        let tls = Tls::new(Arc::clone(&served), client_ca.as_ref())?;
        Ok(Self {
            tls: Arc::new(tls),
            caller: match client_ca {
                Some(_) => Caller::Verified,
                None => Caller::Unverified,
            },
            served,
            pair: pair_files,
            client_ca: client_ca_file,
        })
    }

    /// Keeps up with the files, if there are any. Never ends.
    pub(super) async fn follow(self, metrics: &Metrics) -> Infallible {
        let Self {
            tls,
            caller: _,
            served,
            pair,
            client_ca,
        } = self;
        let pair = async {
            let Some((files, followed)) = pair else {
                return pending().await;
            };
            let observed = Arc::clone(&served);
            watch::pair(
                files,
                followed,
                served,
                POLL_INTERVAL,
                clock::now,
                |outcome| {
                    metrics.certificates_reloaded(result(outcome));
                    show_expiry(&observed, metrics);
                },
            )
            .await
        };
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
            never = pair => match never {},
            never = client_ca => match never {},
        }
    }
}

fn show_expiry(served: &ServedCertificate, metrics: &Metrics) {
    metrics.set_certificate_not_after(served.validity().not_after.as_second());
}

const fn result<E>(outcome: &Outcome<E>) -> Reload {
    match outcome {
        Outcome::InForce => Reload::Ok,
        Outcome::Rejected(_) => Reload::Failed,
    }
}
