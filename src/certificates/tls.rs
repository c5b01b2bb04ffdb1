//! How the webhook port speaks TLS.

use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, ring};
use rustls::version::{TLS12, TLS13};

use super::client_ca::ClientCa;
use super::served::ServedCertificate;

/// HTTP/2 first: over it the API server sends all calls on one connection, where over HTTP/1.1
/// its closing of idle ones can race with a call.
const ALPN: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The cryptography of this build lacks something.
    #[error("cannot set up TLS 1.2 and 1.3")]
    Versions(#[source] rustls::Error),
}

/// A TLS server that shows the certificate in use, and speaks HTTP/2 and HTTP/1.1. What it demands
/// of clients can be replaced at any time; open connections keep what they began with.
#[derive(Debug)]
pub struct Tls {
    provider: Arc<CryptoProvider>,
    certificate: Arc<ServedCertificate>,
    config: ArcSwap<ServerConfig>,
}

impl Tls {
    /// Takes clients whose certificate one of these authorities has signed, or, without any, all.
    ///
    /// # Errors
    ///
    /// When the cryptography provider supports no cipher suite of TLS 1.2 and 1.3.
    pub fn new(
        certificate: Arc<ServedCertificate>,
        client_ca: Option<&ClientCa>,
    ) -> Result<Self, TlsError> {
        // Named here and not taken from the process: with two providers linked in, as a dependency
        // may do some day, rustls would panic for want of a choice.
        let provider = Arc::new(ring::default_provider());
        let config = config(&provider, &certificate, client_ca)?;
        Ok(Self {
            provider,
            certificate,
            config: ArcSwap::from_pointee(config),
        })
    }

    /// Takes only clients of these authorities from the next handshake on. Sessions begun before
    /// cannot be resumed, since the store they are in goes with the old configuration.
    pub fn demand(&self, client_ca: &ClientCa) {
        match config(&self.provider, &self.certificate, Some(client_ca)) {
            Ok(config) => self.config.store(Arc::new(config)),
            // The same provider has supported both versions before.
            Err(error) => tracing::error!(%error, "cannot take over the client CA"),
        }
    }

    /// What the next handshake goes by.
    #[must_use]
    pub fn current(&self) -> Arc<ServerConfig> {
        self.config.load_full()
    }
}

fn config(
    provider: &Arc<CryptoProvider>,
    certificate: &Arc<ServedCertificate>,
    client_ca: Option<&ClientCa>,
) -> Result<ServerConfig, TlsError> {
    let builder = ServerConfig::builder_with_provider(Arc::clone(provider))
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(TlsError::Versions)?;
    let builder = match client_ca {
        Some(client_ca) => builder.with_client_cert_verifier(Arc::clone(&client_ca.verifier)),
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_cert_resolver(Arc::clone(certificate) as _);
    config.alpn_protocols = ALPN.map(<[u8]>::to_vec).into();
    Ok(config)
}
