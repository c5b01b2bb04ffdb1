//! Keeping up with certificate files that are renewed while the server runs.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::client_ca::{ClientCaError, ClientCaFile};
use super::files::{FilesError, PairFiles};
use super::follow::{Followed, Outcome, follow};
use super::pair::Validity;
use super::served::ServedCertificate;
use super::tls::Tls;
use crate::telemetry::causes::WithCauses;

/// Serves what the files of a pair hold, whenever that changes and is a pair. Never ends.
///
/// A pair that is half written, broken or expired is logged and given to `observe` once; the one
/// before it stays in use. `now` is the wall clock, which goes on while the machine sleeps.
pub async fn pair(
    files: PairFiles,
    followed: Followed,
    served: Arc<ServedCertificate>,
    interval: Duration,
    now: impl Fn() -> Timestamp + Send,
    mut observe: impl FnMut(&Outcome<FilesError>) + Send,
) -> Infallible {
    let (reader, builder) = (files.clone(), files);
    follow(
        interval,
        followed,
        move || reader.read(),
        |contents| builder.pair(contents, now()),
        |pair| {
            let Validity { not_before, not_after } = pair.validity();
            served.replace(pair);
            tracing::info!(%not_before, %not_after, "the certificate files changed; new connections see the new certificate");
        },
        |outcome| {
            if let Outcome::Rejected(error) = outcome {
                let in_use_until = served.validity().map(|validity| validity.not_after.to_string());
                let error = WithCauses(error);
                tracing::error!(%error, in_use_until, "the certificate files changed, and cannot be used; the certificate before stays in use");
            }
            observe(outcome);
        },
    )
    .await
}

/// Demands certificates of the authorities that a file holds, whenever that changes. Never ends.
///
/// An empty or missing file does not open the door: the authorities before it stay in force.
pub async fn client_ca(
    file: ClientCaFile,
    followed: Followed,
    tls: Arc<Tls>,
    interval: Duration,
    mut observe: impl FnMut(&Outcome<ClientCaError>) + Send,
) -> Infallible {
    let (reader, builder) = (file.clone(), file);
    follow(
        interval,
        followed,
        move || reader.read(),
        |contents| builder.build(contents),
        |client_ca| {
            let authorities = client_ca.authorities();
            tls.demand(&client_ca);
            tracing::info!(authorities, "the client CA file changed; new connections need a certificate of the new authorities");
        },
        |outcome| {
            if let Outcome::Rejected(error) = outcome {
                let error = WithCauses(error);
                tracing::error!(%error, "the client CA file changed, and cannot be used; the authorities before stay in force");
            }
            observe(outcome);
        },
    )
    .await
}

#[cfg(test)]
#[path = "watch_tests.rs"]
mod tests;
