//! A client as the API server is one: TLS that trusts one CA, one connection for many calls.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use rustls::crypto::ring::default_provider;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// A connection to a webhook.
pub(crate) struct Client(SendRequest<Full<Bytes>>);

impl Client {
    /// Connects to `https://ADDRESS`, which is served by this authority.
    pub(crate) async fn connect(url: &str, authority: &Path) -> Self {
        let mut roots = RootCertStore::empty();
        let authority = CertificateDer::from_pem_file(authority).expect("an authority");
        roots.add(authority).expect("an authority");
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions of TLS")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let address = url.strip_prefix("https://").expect("an https URL");
        let stream = TcpStream::connect(address).await.expect("a listener");
        let name = ServerName::try_from("localhost").expect("a name");
        let connector = TlsConnector::from(Arc::new(config));
        let stream = connector.connect(name, stream).await.expect("a handshake");
        let (sender, connection) = handshake(TokioIo::new(stream)).await.expect("HTTP/1.1");
        tokio::spawn(connection);
        Self(sender)
    }

    /// Posts a body, and returns status and body of the answer.
    pub(crate) async fn post(&mut self, path: &str, body: Vec<u8>) -> hyper::Result<(u16, Bytes)> {
        let request = Request::post(path)
            .header("host", "localhost")
            .header("content-type", "application/json")
            .body(Full::from(body))
            .expect("a request");
        self.0.ready().await?;
        let (head, body) = self.0.send_request(request).await?.into_parts();
        Ok((head.status.as_u16(), body.collect().await?.to_bytes()))
    }
}
