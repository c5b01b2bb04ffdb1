//! Where the server is, and how to get there from any address of this machine.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use rustls::crypto::ring::default_provider;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// What clients know of a server. Clones are the same.
#[derive(Clone)]
pub(crate) struct Endpoint {
    address: SocketAddr,
    http1: Arc<ClientConfig>,
    http2: Arc<ClientConfig>,
    next: Arc<AtomicU8>,
}

impl Endpoint {
    pub(crate) fn new(address: SocketAddr, ca_pem: &str) -> Self {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(ca_pem.as_bytes()) {
            roots.add(certificate.unwrap()).unwrap();
        }
        let roots = Arc::new(roots);
        let tls = |alpn: &[u8]| {
            let mut tls = ClientConfig::builder_with_provider(Arc::new(default_provider()))
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_root_certificates(Arc::clone(&roots))
                .with_no_client_auth();
            tls.alpn_protocols = vec![alpn.to_vec()];
            Arc::new(tls)
        };
        Self {
            address,
            http1: tls(b"http/1.1"),
            http2: tls(b"h2"),
            next: Arc::default(),
        }
    }

    /// A connection from 127.0.0.1, as the API server would have one.
    pub(crate) async fn api_server(&self) -> io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(self.address).await?;
        shake(Arc::clone(&self.http2), stream).await
    }

    /// A connection from one of four other addresses in turn.
    pub(crate) async fn tcp(&self) -> io::Result<TcpStream> {
        let last = 2 + self.next.fetch_add(1, Ordering::Relaxed) % 4;
        self.tcp_from(Ipv4Addr::new(127, 0, 0, last)).await
    }

    pub(crate) async fn tcp_from(&self, own: Ipv4Addr) -> io::Result<TcpStream> {
        let socket = TcpSocket::new_v4()?;
        socket.bind((own, 0).into())?;
        socket.connect(self.address).await
    }

    /// The same with a handshake.
    pub(crate) async fn http1(&self) -> io::Result<TlsStream<TcpStream>> {
        shake(Arc::clone(&self.http1), self.tcp().await?).await
    }

    pub(crate) async fn http2(&self) -> io::Result<TlsStream<TcpStream>> {
        shake(Arc::clone(&self.http2), self.tcp().await?).await
    }
}

async fn shake(tls: Arc<ClientConfig>, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
    stream.set_nodelay(true)?;
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(tls).connect(name, stream).await
}
