//! A bare axum server with bindguard's TLS: the fastest that anything built from the same crates
//! could be.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use axum_server::accept::{TcpConfigAcceptor, TcpSocketConfig};
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use bindguard::certificates::files;
use bindguard::certificates::served::ServedCertificate;
use bindguard::certificates::tls::server_config;
use bindguard::telemetry::clock;

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
    let (certificate, key) = (folder.join(CERTIFICATE), folder.join(KEY));
    let pair = files::load(&certificate, &key, clock::now());
    let served = ServedCertificate::new(pair.expect("the certificate was made for this"));
    let tls = server_config(Arc::new(served)).expect("ring has all that TLS takes");
    let acceptor = RustlsAcceptor::new(RustlsConfig::from_config(Arc::new(tls)))
        .acceptor(TcpConfigAcceptor::new(TcpSocketConfig::new().nodelay(true)));
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
