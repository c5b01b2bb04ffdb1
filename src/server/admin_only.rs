//! A port in plain HTTP by itself: the admin port of a process without a webhook, or its page.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;

use axum::Router;

use crate::telemetry::metrics::Metrics;

use super::accept_errors::AcceptErrors;
use super::acceptor::Plain;
use super::connections::Connections;
use super::limits;
use super::listen::ListenAddress;
use super::places::Places;
use super::readiness::Readiness;
use super::run::{Bound, Port, ServerError, bind};

/// Such a port, open. Clients can connect; they are answered once [`run`](Self::run) is. It has the
/// limits of the admin port.
#[derive(Debug)]
pub struct AdminServer(Bound);

impl AdminServer {
    /// Opens the admin port.
    ///
    /// # Errors
    ///
    /// When it cannot be opened.
    pub async fn bind(address: &ListenAddress) -> Result<Self, ServerError> {
        Self::bind_as(Port::Admin, address).await
    }

    /// Opens the port as which of them; that is told when it cannot be opened.
    ///
    /// # Errors
    ///
    /// When it cannot be opened.
    pub async fn bind_as(port: Port, address: &ListenAddress) -> Result<Self, ServerError> {
        bind(port, address).await.map(Self)
    }

    /// Where it is, with the port's number when 0 was asked for.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.0.address
    }

    /// Serves for as long as this future lives.
    ///
    /// # Errors
    ///
    /// When the port stops by itself.
    pub async fn run(
        self,
        router: Router,
        readiness: Readiness,
        metrics: Metrics,
    ) -> Result<Infallible, ServerError> {
        let errors = AcceptErrors::new(metrics.clone());
        let places = Places::new(limits::places().admin);
        let served = limits::server(self.0.listener)
            .acceptor(Plain)
            .accept_error_handler(move |peer, error| errors.record(peer, error))
            .serve(Connections::of_admin(router, places, metrics, readiness))
            .await;
        let error = served.err().unwrap_or_else(|| io::ErrorKind::Other.into());
        Err(ServerError::Stopped(error))
    }
}
