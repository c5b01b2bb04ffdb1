//! Both ports, from bound to gone.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum_server::Handle;
use futures::Stream;
use futures::future::try_join;
use tokio::net::TcpListener;

use crate::certificates::tls::Tls;
use crate::telemetry::metrics::Metrics;

use super::accept_errors::AcceptErrors;
use super::acceptor::{OverTls, Plain};
use super::connections::Connections;
use super::limits;
use super::listen::ListenAddress;
use super::places::Places;
use super::readiness::{Condition, Readiness};
use super::shutdown::{Ended, Plan, Signal, serve_until_told};

/// What requests in flight on the admin port may take when all else is done.
const ADMIN_DRAIN: Duration = Duration::from_millis(500);

/// Which of the ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Port {
    /// The webhook's.
    Webhook,
    /// The one for probes and metrics.
    Admin,
    /// The controller's page.
    Report,
}

impl Port {
    /// The flag that sets its address.
    #[must_use]
    pub const fn flag(self) -> &'static str {
        match self {
            Self::Webhook => "--listen",
            Self::Admin => "--admin-listen",
            Self::Report => "--report-listen",
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
pub(super) struct Bound {
    pub(super) listener: TcpListener,
    pub(super) address: SocketAddr,
}

/// What is served.
#[derive(Debug)]
pub struct Services {
    /// How the webhook port speaks TLS.
    pub tls: Arc<Tls>,
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
        let places = limits::places();
        tracing::debug!(?places, "places for connections");
        let webhook = limits::server(self.webhook.listener)
            .acceptor(OverTls(tls))
            .accept_error_handler(move |peer, error| errors.record(peer, error))
            .handle(webhook_handle.clone())
            .serve(Connections::of_webhook(
                webhook,
                Places::new(places.webhook),
                metrics.clone(),
                readiness.clone(),
            ));
        let errors = AcceptErrors::new(metrics.clone());
        let admin = limits::server(self.admin.listener)
            .acceptor(Plain)
            .accept_error_handler(move |peer, error| errors.record(peer, error))
            .handle(admin_handle.clone())
            .serve(Connections::of_admin(
                admin,
                Places::new(places.admin),
                metrics,
                readiness.clone(),
            ));

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

pub(super) async fn bind(port: Port, address: &ListenAddress) -> Result<Bound, ServerError> {
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
