//! One service for each connection of the webhook port.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Bytes, HttpBody};
use axum::http::header::{CONNECTION, HeaderValue};
use axum::http::{Request, Version};
use axum::response::Response;
use axum::routing::future::RouteFuture;
use futures::future::{BoxFuture, Either, FutureExt as _};
use tower::{BoxError, Service};

use crate::telemetry::call::ConnectionGuard;
use crate::telemetry::metrics::Metrics;

use super::readiness::Readiness;

/// Makes the service of each connection.
#[derive(Clone, Debug)]
pub(super) struct Connections {
    router: Router,
    metrics: Metrics,
    readiness: Readiness,
}

impl Connections {
    pub(super) fn new(router: Router, metrics: Metrics, readiness: Readiness) -> Self {
        Self {
            // Done once here, where the router would do it again for every request.
            router: router.with_state(()),
            metrics,
            readiness,
        }
    }
}

impl Service<SocketAddr> for Connections {
    type Response = Connection;
    type Error = Infallible;
    type Future = Ready<Result<Connection, Infallible>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _peer: SocketAddr) -> Self::Future {
        ready(Ok(Connection {
            router: self.router.clone(),
            readiness: self.readiness.clone(),
            _open: Arc::new(self.metrics.connection()),
        }))
    }
}

/// The service of one connection; its clones last as long as that does.
#[derive(Clone, Debug)]
pub(super) struct Connection {
    router: Router,
    readiness: Readiness,
    _open: Arc<ConnectionGuard>,
}

impl<B> Service<Request<B>> for Connection
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Either<RouteFuture<Infallible>, BoxFuture<'static, Result<Response, Infallible>>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let last = self.readiness.is_draining() && request.version() <= Version::HTTP_11;
        let response = self.router.call(request);
        if last {
            Either::Right(response.map(|response| response.map(with_close)).boxed())
        } else {
            Either::Left(response)
        }
    }
}

/// Tells an HTTP/1.1 client to take another connection for its next call, which leads it to
/// another replica. To close the connection later, at the end of the linger, could cross with that
/// call, which the API server would not send again. HTTP/2 has GOAWAY for it.
fn with_close(mut response: Response) -> Response {
    response
        .headers_mut()
        .insert(CONNECTION, HeaderValue::from_static("close"));
    response
}
