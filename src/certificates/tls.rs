//! How the webhook port speaks TLS.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::version::{TLS12, TLS13};

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

/// A TLS server that shows the certificate in use, asks for none, and speaks HTTP/2 and HTTP/1.1.
///
/// # Errors
///
/// When the cryptography provider supports no cipher suite of TLS 1.2 and 1.3.
pub fn server_config(certificate: Arc<ServedCertificate>) -> Result<ServerConfig, TlsError> {
    // Named here and not taken from the process: with two providers linked in, as a dependency
    // may do some day, rustls would panic for want of a choice.
    let provider = Arc::new(ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(TlsError::Versions)?
        .with_no_client_auth()
        .with_cert_resolver(certificate);
    config.alpn_protocols = ALPN.map(<[u8]>::to_vec).into();
    Ok(config)
}
