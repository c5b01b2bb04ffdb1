//! From an accepted connection to one that can be served.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum_server::accept::Accept;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::certificates::tls::Tls;
use crate::telemetry::labels::Cut;

use super::connections::Connection;
use super::places::MakeWay;
use super::watched::Watched;

/// How long a client may take for its TLS handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// A peer that is gone without a word is noticed within two of these, idle or not.
pub(super) const PING_INTERVAL: Duration = Duration::from_secs(20);

/// A connection that ended before it could be served, by our will.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("closed before it could be served: {0:?}")]
pub(super) struct CutEarly(pub(super) Cut);

/// Shakes hands, and watches the connection from then on.
#[derive(Clone, Debug)]
pub(super) struct OverTls(pub(super) Arc<Tls>);

/// Watches the connection, which has no handshake.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plain;

impl Accept<TcpStream, Connection> for OverTls {
    type Stream = Watched<TlsStream<TcpStream>>;
    type Service = Connection;
    type Future = BoxFuture<'static, io::Result<(Self::Stream, Connection)>>;

    fn accept(&self, stream: TcpStream, connection: Connection) -> Self::Future {
        let acceptor = TlsAcceptor::from(self.0.current());
        async move {
            configure(&stream)?;
            let mut make_way = connection.make_way();
            let handshake = timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream));
            let stream = tokio::select! {
                biased;
                shaken = handshake => match shaken {
                    Ok(shaken) => shaken?,
                    Err(_elapsed) => return Err(early(Cut::SlowHandshake)),
                },
                () = told(&mut make_way) => return Err(early(Cut::MadeWay)),
            };
            Ok((connection.watch(stream, make_way), connection))
        }
        .boxed()
    }
}

impl Accept<TcpStream, Connection> for Plain {
    type Stream = Watched<TcpStream>;
    type Service = Connection;
    type Future = BoxFuture<'static, io::Result<(Self::Stream, Connection)>>;

    fn accept(&self, stream: TcpStream, connection: Connection) -> Self::Future {
        async move {
            configure(&stream)?;
            let make_way = connection.make_way();
            Ok((connection.watch(stream, make_way), connection))
        }
        .boxed()
    }
}

/// Ends when the connection has to make way.
async fn told(make_way: &mut Option<MakeWay>) {
    if let Some(receiver) = make_way {
        let told = receiver.await;
        *make_way = None;
        if told.is_ok() {
            return;
        }
    }
    std::future::pending::<()>().await;
}

fn early(reason: Cut) -> io::Error {
    io::Error::other(CutEarly(reason))
}

fn configure(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new()
        .with_time(PING_INTERVAL)
        .with_interval(PING_INTERVAL)
        .with_retries(2);
    SockRef::from(stream).set_tcp_keepalive(&keepalive)
}
