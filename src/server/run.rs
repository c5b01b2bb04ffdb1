//! Both ports, from bound to gone.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum_server::accept::{TcpConfigAcceptor, TcpKeepaliveConfig, TcpSocketConfig};
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use axum_server::{Handle, Server as HttpServer};
use futures::Stream;
use futures::future::try_join;
use rustls::ServerConfig;
use tokio::net::TcpListener;

use crate::telemetry::metrics::Metrics;

use super::accept_errors::AcceptErrors;
use super::connections::Connections;
use super::listen::ListenAddress;
use super::readiness::{Condition, Readiness};
use super::shutdown::{Ended, Plan, Signal, serve_until_told};

/// How long a client may take for its TLS handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection may be without a request. The API server closes its own after 90 s; if we
/// were first, that could cross with a call, which is lost and not sent again. It holds for
/// connections that never had a request, too: a Go client that opens one, and meanwhile gets
/// another back, keeps the new one for later. (hyper counts idle time as time to read a head.)
const IDLE_TIMEOUT: Duration = Duration::from_secs(125);
/// A peer that is gone without a word is noticed within two of these, idle or not.
const PING_INTERVAL: Duration = Duration::from_secs(20);
/// Calls at once on an HTTP/2 connection; what Go's server takes.
const MAX_CONCURRENT_STREAMS: u32 = 250;
/// What a client may send of one body, and of all on a connection, before it must wait to be told
/// to go on. The default of 64 KiB would cost a body of 7 MiB a hundred round trips. Fixed, where
/// hyper could adapt it to the line: that takes a ping for every few frames.
const STREAM_WINDOW: u32 = 1024 * 1024;
const CONNECTION_WINDOW: u32 = 8 * 1024 * 1024;
/// What requests in flight on the admin port may take when all else is done.
const ADMIN_DRAIN: Duration = Duration::from_millis(500);

/// Which of the two ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Port {
    /// The webhook's.
    Webhook,
    /// The one for probes and metrics.
    Admin,
}

impl Port {
    /// The flag that sets its address.
    #[must_use]
    pub const fn flag(self) -> &'static str {
        match self {
            Self::Webhook => "--listen",
            Self::Admin => "--admin-listen",
        }
    }
}

/// Why the server could not start, or stopped by itself.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// A port cannot be opened.
    #[error("cannot listen on {address} ({})", .port.flag())]
    Bind {
        /// Which.
        port: Port,
        /// Where.
        address: ListenAddress,
        /// Why not.
        source: io::Error,
    },
    /// A port no longer takes connections though nobody asked for that.
    #[error("stopped serving")]
    Stopped(#[source] io::Error),
}

/// Both ports, open. Clients can connect; they are answered once [`Server::run`] is.
#[derive(Debug)]
pub struct Server {
    webhook: Bound,
    admin: Bound,
}

#[derive(Debug)]
struct Bound {
    listener: TcpListener,
    address: SocketAddr,
}

/// What is served.
#[derive(Debug)]
pub struct Services {
    /// How the webhook port speaks TLS.
    pub tls: ServerConfig,
    /// The webhook port's router.
    pub webhook: Router,
    /// The admin port's router.
    pub admin: Router,
    /// What turns unready when the end comes.
    pub readiness: Readiness,
    /// Where connections are counted.
    pub metrics: Metrics,
}

impl Server {
    /// Opens both ports.
    ///
    /// # Errors
    ///
    /// When one of them cannot be opened: a matter of the machine or of the flags, so it is found
    /// at the start.
    pub async fn bind(listen: &ListenAddress, admin: &ListenAddress) -> Result<Self, ServerError> {
        Ok(Self {
            webhook: bind(Port::Webhook, listen).await?,
            admin: bind(Port::Admin, admin).await?,
        })
    }

    /// Where the webhook port is, with the port's number when 0 was asked for.
    #[must_use]
    pub const fn webhook_address(&self) -> SocketAddr {
        self.webhook.address
    }

    /// Where the admin port is, with the port's number when 0 was asked for.
    #[must_use]
    pub const fn admin_address(&self) -> SocketAddr {
        self.admin.address
    }

    /// Serves until a signal, and then ends as planned. The admin port answers to the last.
    ///
    /// # Errors
    ///
    /// When a port stops by itself.
    pub async fn run(
        self,
        services: Services,
        plan: Plan,
        signals: impl Stream<Item = Signal>,
    ) -> Result<Ended, ServerError> {
        let Services {
            tls,
            webhook,
            admin,
            readiness,
            metrics,
        } = services;
        let (webhook_handle, admin_handle) = (Handle::new(), Handle::new());
        let errors = AcceptErrors::new(metrics.clone());
        let webhook = configured(self.webhook.listener)
            .acceptor(tls_acceptor(tls))
            .accept_error_handler(move |peer, error| errors.record(peer, error))
            .handle(webhook_handle.clone())
            .serve(Connections::new(webhook, metrics, readiness.clone()));
        let admin = configured(self.admin.listener)
            .acceptor(tcp_acceptor())
            .handle(admin_handle.clone())
            .serve(admin.into_make_service());

        let mut result = Ok(());
        // Boxed, since it is large and moved about.
        let serving = Box::pin(async {
            let webhook = async {
                let ended = webhook.await;
                admin_handle.graceful_shutdown(Some(ADMIN_DRAIN));
                ended
            };
            result = try_join(webhook, admin).await.map(|_| ());
        });
        readiness.set(Condition::Listening, true);
        let ended = serve_until_told(serving, signals, plan, &readiness, &webhook_handle).await;
        webhook_handle.shutdown();
        admin_handle.shutdown();
        result.map_err(ServerError::Stopped)?;
        ended.ok_or_else(|| ServerError::Stopped(io::ErrorKind::Other.into()))
    }
}

async fn bind(port: Port, address: &ListenAddress) -> Result<Bound, ServerError> {
    let bound = async {
        let listener = address.bind().await?;
        let address = listener.local_addr()?;
        Ok(Bound { listener, address })
    };
    bound.await.map_err(|source| ServerError::Bind {
        port,
        address: address.clone(),
        source,
    })
}

fn configured(listener: TcpListener) -> HttpServer<SocketAddr> {
    let mut server = HttpServer::from_listener(listener).first_request_timeout(IDLE_TIMEOUT);
    server
        .http_builder()
        .http1()
        .header_read_timeout(IDLE_TIMEOUT);
    server
        .http_builder()
        .http2()
        .max_concurrent_streams(MAX_CONCURRENT_STREAMS)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_INTERVAL);
    server
}

fn tls_acceptor(tls: ServerConfig) -> RustlsAcceptor<TcpConfigAcceptor> {
    RustlsAcceptor::new(RustlsConfig::from_config(Arc::new(tls)))
        .handshake_timeout(HANDSHAKE_TIMEOUT)
        .acceptor(tcp_acceptor())
}

fn tcp_acceptor() -> TcpConfigAcceptor {
    let keepalive = TcpKeepaliveConfig::new()
        .time(PING_INTERVAL)
        .interval(PING_INTERVAL)
        .retries(2);
    TcpConfigAcceptor::new(TcpSocketConfig::new().nodelay(true).keepalive(keepalive))
}

#[cfg(test)]
mod tests {
    use super::{Duration, IDLE_TIMEOUT};

    #[test]
    fn no_idle_connection_is_closed_before_the_api_server_would() {
        assert!(IDLE_TIMEOUT >= Duration::from_mins(2));
    }
}
