//! The certificate in use.

use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::pair::{Pair, Validity};

/// What every TLS handshake from now on is answered with. It can be replaced at any time;
/// connections that are open keep what they began with.
#[derive(Debug)]
pub struct ServedCertificate(ArcSwap<Pair>);

impl ServedCertificate {
    /// Serves this pair.
    #[must_use]
    pub fn new(pair: Pair) -> Self {
        Self(ArcSwap::from_pointee(pair))
    }

    /// Serves this pair from the next handshake on.
    pub fn replace(&self, pair: Pair) {
        self.0.store(Arc::new(pair));
    }

    /// When the certificate in use is valid.
    #[must_use]
    pub fn validity(&self) -> Validity {
        self.0.load().validity()
    }
}

impl ResolvesServerCert for ServedCertificate {
    /// Always the same, whatever name the client asks for: by URL the API server sends the host of
    /// the URL, by Service `NAME.NS.svc`, and by address none.
    fn resolve(&self, _client_hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.load().certified))
    }
}
