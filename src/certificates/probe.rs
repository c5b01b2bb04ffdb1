//! Which certificate a server shows.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// How long a server may take to show it.
const PATIENCE: Duration = Duration::from_secs(2);

/// The certificate that the server at this address shows, and has the key of. `None` if it cannot
/// be asked.
///
/// What the server thinks of us does not matter: one that demands a certificate of clients has
/// shown its own before.
pub async fn shown_by(address: SocketAddr) -> Option<CertificateDer<'static>> {
    let provider = Arc::new(ring::default_provider());
    let look = Arc::new(Look {
        provider: Arc::clone(&provider),
        proven: Mutex::default(),
    });
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .ok()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&look) as _)
        .with_no_client_auth();
    let connecting = async {
        let stream = TcpStream::connect(address).await.ok()?;
        let name = ServerName::IpAddress(address.ip().into());
        let connector = TlsConnector::from(Arc::new(config));
        connector.connect(name, stream).await.ok()
    };
    // Whatever came of it, what counts is what was seen.
    let _ = timeout(PATIENCE, connecting).await;
    let proven = look.proven.lock().unwrap_or_else(PoisonError::into_inner);
    proven.clone()
}

/// Accepts every certificate, and remembers it once its key has been proven.
#[derive(Debug)]
struct Look {
    provider: Arc<CryptoProvider>,
    proven: Mutex<Option<CertificateDer<'static>>>,
}

impl Look {
    fn proven(
        &self,
        certificate: &CertificateDer<'_>,
        result: Result<HandshakeSignatureValid, Error>,
    ) -> Result<HandshakeSignatureValid, Error> {
        if result.is_ok() {
            let mut proven = self.proven.lock().unwrap_or_else(PoisonError::into_inner);
            *proven = Some(certificate.clone().into_owned());
        }
        result
    }
}

impl ServerCertVerifier for Look {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        let result = verify_tls12_signature(message, certificate, signature, algorithms);
        self.proven(certificate, result)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        let result = verify_tls13_signature(message, certificate, signature, algorithms);
        self.proven(certificate, result)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = &self.provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::sync::Arc;

    use rustls::ServerConfig;
    use rustls::crypto::ring;
    use rustls::version::{TLS12, TLS13};
    use rustls_pki_types::CertificateDer;
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    use super::super::client_ca::ClientCa;
    use super::super::self_signed;
    use super::super::served::ServedCertificate;
    use super::shown_by;

    /// Somebody who serves, and what.
    async fn server(
        version: &'static rustls::SupportedProtocolVersion,
        demands: bool,
    ) -> (SocketAddr, CertificateDer<'static>) {
        let made = self_signed::make(&[], "2026-11-24T06:00:00Z".parse().unwrap()).unwrap();
        let own = made.pair.chain()[0].clone();
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .unwrap();
        let client_ca = ClientCa::from_pem(made.ca_pem.as_bytes()).unwrap();
        let builder = if demands {
            builder.with_client_cert_verifier(client_ca.verifier)
        } else {
            builder.with_no_client_auth()
        };
        let served = Arc::new(ServedCertificate::new(made.pair));
        let acceptor = TlsAcceptor::from(Arc::new(builder.with_cert_resolver(served)));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                drop(acceptor.accept(stream).await);
            }
        });
        (address, own)
    }

    #[tokio::test]
    async fn what_a_server_shows_is_seen_whatever_it_demands() {
        for version in [&TLS12, &TLS13] {
            for demands in [false, true] {
                let (address, own) = server(version, demands).await;
                assert_eq!(shown_by(address).await, Some(own), "{version:?} {demands}");
            }
        }
    }

    #[tokio::test]
    async fn who_does_not_speak_tls_shows_nothing() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::io::AsyncWriteExt::write_all(&mut stream, b"HTTP/1.0 400\r\n\r\n")
                .await
                .unwrap();
        };
        let (shown, ()) = tokio::join!(shown_by(address), serving);
        assert_eq!(shown, None);
        drop(listener);
        assert_eq!(shown_by(address).await, None);
    }
}
