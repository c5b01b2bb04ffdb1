//! A bare axum server with bindguard's TLS: the fastest that anything built from the same crates
//! could be.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use axum_server::accept::Accept;
use bindguard::certificates::files::PairFiles;
use bindguard::certificates::served::ServedCertificate;
use bindguard::certificates::tls::Tls;
use bindguard::telemetry::clock;
use futures::future::BoxFuture;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// Answers with what it was sent.
pub(crate) const ECHO: &str = "/echo";
/// Reads what it was sent and answers with as many bytes as bindguard does.
pub(crate) const SHORT: &str = "/short";
/// The certificate and key that both servers have, in the folder that they are given.
pub(crate) const CERTIFICATE: &str = "tls.crt";
pub(crate) const KEY: &str = "tls.key";

/// A handshake, and nothing else.
#[derive(Clone)]
struct OverTls(TlsAcceptor);

impl<S: Send + 'static> Accept<TcpStream, S> for OverTls {
    type Stream = TlsStream<TcpStream>;
    type Service = S;
    type Future = BoxFuture<'static, io::Result<(Self::Stream, S)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let acceptor = self.0.clone();
        Box::pin(async move {
            stream.set_nodelay(true)?;
            Ok((acceptor.accept(stream).await?, service))
        })
    }
}

/// Serves until it is killed. `short` is how many bytes bindguard answers.
pub(crate) fn serve(port: u16, folder: &Path, short: usize) {
    let answer = Bytes::from(vec![b' '; short]);
    let (certificate, key) = (folder.join(CERTIFICATE), folder.join(KEY));
    let files = PairFiles::new(certificate, key);
    let (pair, _) = files
        .load(clock::now())
        .expect("the certificate was made for this");
    let served = Arc::new(ServedCertificate::new(pair));
    let tls = Tls::new(served, None).expect("ring has all that TLS takes");
    let acceptor = OverTls(TlsAcceptor::from(tls.current()));
    let router = Router::new()
        .route(ECHO, post(|body: Bytes| async { body }))
        .route(SHORT, post(move |_body: Bytes| async { answer }));
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(async {
            axum_server::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
                .acceptor(acceptor)
                .serve(router.into_make_service())
                .await
        })
        .expect("the echo serves until it is killed");
}
