//! A client as the API server is one: TLS that trusts one CA, HTTP/1.1 or HTTP/2.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::crypto::ring::default_provider;
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// A connection that requests go over.
pub(super) enum Client {
    Http1(http1::SendRequest<Body>),
    Http2(http2::SendRequest<Body>),
}

/// What came back.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// A client's own certificate.
pub(super) struct Identity {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
}

impl Identity {
    pub(super) fn copy(&self) -> Self {
        Self {
            chain: self.chain.clone(),
            key: self.key.clone_key(),
        }
    }
}

/// Shakes hands and nothing more.
pub(super) async fn handshake(
    address: SocketAddr,
    ca_pem: &str,
    alpn: &[&str],
    versions: &[&'static SupportedProtocolVersion],
) -> io::Result<TlsStream<TcpStream>> {
    handshake_as(address, ca_pem, alpn, versions, None).await
}

/// The same, with a certificate.
pub(super) async fn handshake_as(
    address: SocketAddr,
    ca_pem: &str,
    alpn: &[&str],
    versions: &[&'static SupportedProtocolVersion],
    identity: Option<Identity>,
) -> io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(ca_pem.as_bytes()).unwrap())
        .unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match identity {
        Some(Identity { chain, key }) => config.with_client_auth_cert(chain, key).unwrap(),
        None => config.with_no_client_auth(),
    };
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
}

impl Client {
    /// Connects, and speaks what this one protocol says.
    pub(super) async fn connect(address: SocketAddr, ca: &str, alpn: &str) -> io::Result<Self> {
        let stream = handshake(address, ca, &[alpn], rustls::ALL_VERSIONS).await?;
        Ok(Self::over(stream, alpn).await.unwrap())
    }

    /// The same over a connection that is there.
    pub(super) async fn over(stream: TlsStream<TcpStream>, alpn: &str) -> hyper::Result<Self> {
        let io = TokioIo::new(stream);
        Ok(if alpn == "h2" {
            let (sender, connection) = http2::handshake(TokioExecutor::new(), io).await?;
            tokio::spawn(connection);
            Self::Http2(sender)
        } else {
            let (sender, connection) = http1::handshake(io).await?;
            tokio::spawn(connection);
            Self::Http1(sender)
        })
    }

    /// Connects to a port without TLS.
    pub(super) async fn plain(address: SocketAddr) -> io::Result<Self> {
        let io = TokioIo::new(TcpStream::connect(address).await?);
        let (sender, connection) = http1::handshake(io).await.unwrap();
        tokio::spawn(connection);
        Ok(Self::Http1(sender))
    }

    pub(super) async fn post(&mut self, path: &str, body: impl Into<Body>) -> hyper::Result<Reply> {
        let request = Request::post(path)
            .header("content-type", "application/json")
            .header("host", "localhost")
            .body(body.into())
            .unwrap();
        self.send(request).await
    }

    pub(super) async fn get(&mut self, path: &str) -> hyper::Result<Reply> {
        let request = Request::get(path).header("host", "localhost");
        self.send(request.body(Body::empty()).unwrap()).await
    }

    async fn send(&mut self, mut request: Request<Body>) -> hyper::Result<Reply> {
        let response = match self {
            Self::Http1(sender) => {
                sender.ready().await?;
                sender.send_request(request).await?
            }
            Self::Http2(sender) => {
                sender.ready().await?;
                let path = request.uri().path().to_owned();
                *request.uri_mut() = format!("https://localhost{path}").parse().unwrap();
                request.headers_mut().remove("host");
                sender.send_request(request).await?
            }
        };
        let (head, body) = response.into_parts();
        Ok(Reply {
            status: head.status,
            headers: head.headers,
            body: body.collect().await?.to_bytes(),
        })
    }
}
