//! What is said of connections that never came to be.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustls::AlertDescription;

use crate::telemetry::labels::Cut;
use crate::telemetry::metrics::Metrics;

use super::acceptor::CutEarly;
use super::places::NoPlace;

/// One line of warning in this time at most: anyone who reaches the port can cause these.
const QUIET_FOR: Duration = Duration::from_secs(10);

/// Counts and logs connections that could not be accepted, and handshakes that failed.
#[derive(Debug)]
pub(super) struct AcceptErrors {
    metrics: Metrics,
    /// One for each sort, so that a flood of one does not hide another.
    accepting: Quiet,
    places: Quiet,
    handshakes: Quiet,
}

impl AcceptErrors {
    pub(super) fn new(metrics: Metrics) -> Self {
        Self {
            metrics,
            accepting: Quiet::new(),
            places: Quiet::new(),
            handshakes: Quiet::new(),
        }
    }

    /// Records an error. With a peer it is one of a connection, without one of accepting.
    pub(super) fn record(&self, peer: Option<&SocketAddr>, error: &io::Error) {
        let Some(peer) = peer else {
            self.metrics.accept_failed();
            if self.accepting.may_speak() {
                tracing::warn!(
                    %error,
                    "cannot accept connections; those that are open are served on"
                );
            }
            return;
        };
        let cause = error.get_ref();
        if let Some(no_place) = cause.and_then(|cause| cause.downcast_ref::<NoPlace>()) {
            self.metrics.connection_cut(match no_place {
                NoPlace::Full => Cut::Full,
                NoPlace::PeerFull => Cut::PeerFull,
            });
            self.crowded(*peer, no_place);
        } else if let Some(CutEarly(reason)) = cause.and_then(|cause| cause.downcast_ref()) {
            self.metrics.connection_cut(*reason);
            if *reason == Cut::MadeWay {
                self.crowded(*peer, error);
            } else {
                tracing::debug!(%peer, %error, "a connection was closed");
            }
        } else {
            self.metrics.tls_handshake_failed();
            match cause.and_then(|cause| cause.downcast_ref()) {
                Some(cause) if self.handshakes.may_speak() => warn(*peer, cause),
                // Port probes connect and go, without a word of TLS.
                _ => tracing::debug!(%peer, %error, "a TLS handshake failed"),
            }
        }
    }

    fn crowded(&self, peer: SocketAddr, error: &dyn std::error::Error) {
        if self.places.may_speak() {
            tracing::warn!(
                %peer,
                %error,
                "a connection was closed because there are too many; see the metric \
                 bindguard_connections_cut_total"
            );
        }
    }
}

fn warn(peer: SocketAddr, error: &rustls::Error) {
    let refused_ours = matches!(
        error,
        rustls::Error::AlertReceived(
            AlertDescription::BadCertificate
                | AlertDescription::CertificateUnknown
                | AlertDescription::UnknownCA
        )
    );
    let refused_theirs = matches!(
        error,
        rustls::Error::NoCertificatesPresented | rustls::Error::InvalidCertificate(_)
    );
    if refused_ours {
        tracing::warn!(
            %peer,
            %error,
            "a client refused our certificate; does the caBundle of the webhook configuration \
             hold the CA that signed it, and is it for the host that the configuration names?"
        );
    } else if refused_theirs {
        tracing::warn!(
            %peer,
            %error,
            "a client without a certificate that --client-ca demands was refused; if it is the \
             API server, does its AdmissionConfiguration name one for this host and port?"
        );
    } else {
        tracing::warn!(%peer, %error, "a TLS handshake failed");
    }
}

/// Lets one line through in [`QUIET_FOR`].
#[derive(Debug)]
struct Quiet {
    since: Instant,
    /// Milliseconds after `since`.
    next: AtomicU64,
}

impl Quiet {
    fn new() -> Self {
        Self {
            since: Instant::now(),
            next: AtomicU64::new(0),
        }
    }

    fn may_speak(&self) -> bool {
        self.may_speak_after(self.since.elapsed())
    }

    fn may_speak_after(&self, elapsed: Duration) -> bool {
        let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let now = milliseconds(elapsed);
        let then = now.saturating_add(milliseconds(QUIET_FOR));
        self.next
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |next| {
                (next <= now).then_some(then)
            })
            .is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, Quiet};

    #[test]
    fn one_line_in_ten_seconds_gets_through() {
        let quiet = Quiet::new();
        let spoke: Vec<_> = [0, 1, 9_999, 10_000, 10_001, 25_000]
            .into_iter()
            .filter(|elapsed| quiet.may_speak_after(Duration::from_millis(*elapsed)))
            .collect();
        assert_eq!(spoke, [0, 10_000, 25_000]);
    }
}
