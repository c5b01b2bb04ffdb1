//! A bare axum server with bindguard's TLS: the fastest that anything built from the same crates
//! could be.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use axum::serve::Listener;
use bindguard::certificates::files::PairFiles;
use bindguard::certificates::served::ServedCertificate;
use bindguard::certificates::tls::Tls;
use bindguard::telemetry::clock;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// Answers with what it was sent.
pub(crate) const ECHO: &str = "/echo";
/// Reads what it was sent and answers with as many bytes as bindguard does.
pub(crate) const SHORT: &str = "/short";
/// The certificate and key that both servers have, in the folder that they are given.
pub(crate) const CERTIFICATE: &str = "tls.crt";
pub(crate) const KEY: &str = "tls.key";

/// Serves until it is killed. `short` is how many bytes bindguard answers.
pub(crate) fn serve(port: u16, folder: &Path, short: usize) {
    let answer = Bytes::from(vec![b' '; short]);
    let router = Router::new()
        .route(ECHO, post(|body: Bytes| async { body }))
        .route(SHORT, post(move |_body: Bytes| async { answer }));
    serve_router(port, folder, router);
}

/// Serves this instead.
pub(crate) fn serve_router(port: u16, folder: &Path, router: Router) {
    let (certificate, key) = (folder.join(CERTIFICATE), folder.join(KEY));
    let loaded = PairFiles::new(certificate, key).load(clock::now());
    let (pair, _) = loaded.expect("the certificate was made for this");
    let tls = Tls::new(Arc::new(ServedCertificate::new(pair)), None);
    let tls = tls.expect("ring has all that TLS takes").current();
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(async {
            let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
            let tls = TlsAcceptor::from(tls);
            axum::serve(OverTls { tcp, tls }, router).await
        })
        .expect("the echo serves until it is killed");
}

/// Shakes hands with one client at a time, which is enough for a loader that keeps connections.
struct OverTls {
    tcp: TcpListener,
    tls: TlsAcceptor,
}

impl Listener for OverTls {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, address) = Listener::accept(&mut self.tcp).await;
            stream.set_nodelay(true).expect("TCP has this option");
            if let Ok(stream) = self.tls.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.tcp.local_addr()
    }
}
