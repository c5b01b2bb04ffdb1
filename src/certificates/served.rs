//! The certificate in use.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::pair::{Pair, Validity};

/// What every TLS handshake from now on is answered with. It can be replaced at any time;
/// connections that are open keep what they began with. While there is none, handshakes fail.
#[derive(Debug, Default)]
pub struct ServedCertificate(ArcSwapOption<Pair>);

impl ServedCertificate {
    /// Serves this pair.
    #[must_use]
    pub fn new(pair: Pair) -> Self {
        Self(ArcSwapOption::from_pointee(pair))
    }

    /// Serves this pair from the next handshake on.
    pub fn replace(&self, pair: Pair) {
        self.0.store(Some(Arc::new(pair)));
    }

    /// The pair in use, if there is one.
    #[must_use]
    pub fn current(&self) -> Option<Arc<Pair>> {
        self.0.load_full()
    }

    /// When the certificate in use is valid.
    #[must_use]
    pub fn validity(&self) -> Option<Validity> {
        self.0.load().as_ref().map(|pair| pair.validity())
    }
}

impl ResolvesServerCert for ServedCertificate {
    /// Always the same, whatever name the client asks for: by URL the API server sends the host of
    /// the URL, by Service `NAME.NS.svc`, and by address none.
    fn resolve(&self, _client_hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let pair = self.0.load();
        pair.as_ref().map(|pair| Arc::clone(&pair.certified))
    }
}
