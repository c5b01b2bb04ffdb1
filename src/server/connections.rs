//! One service for each connection of a port.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::http::header::{CONNECTION, HeaderValue};
use axum::http::{Method, Request, Response, Version};
use axum::routing::future::RouteFuture;
use hyper::body::{Frame, SizeHint};
use tower::{BoxError, Service};

use crate::telemetry::call::ConnectionGuard;
use crate::telemetry::metrics::Metrics;

use super::activity::{Activity, InFlight};
use super::places::{MakeWay, NoPlace, Place, Places};
use super::readiness::Readiness;
use super::watched::Watched;

/// Makes the service of each connection for which there is a place.
#[derive(Clone, Debug)]
pub(super) struct Connections {
    router: Router,
    places: Places,
    metrics: Metrics,
    readiness: Readiness,
    /// Whether they are counted as open ones of the webhook port.
    counted: bool,
}

impl Connections {
    /// Those of the webhook port, which are counted.
    pub(super) fn of_webhook(
        router: Router,
        places: Places,
        metrics: Metrics,
        readiness: Readiness,
    ) -> Self {
        Self {
            // Done once here, where the router would do it again for every request.
            router: router.with_state(()),
            places,
            metrics,
            readiness,
            counted: true,
        }
    }

    /// Those of the admin port.
    pub(super) fn of_admin(
        router: Router,
        places: Places,
        metrics: Metrics,
        readiness: Readiness,
    ) -> Self {
        Self {
            counted: false,
            ..Self::of_webhook(router, places, metrics, readiness)
        }
    }
}

impl Service<SocketAddr> for Connections {
    type Response = Connection;
    type Error = NoPlace;
    type Future = Ready<Result<Connection, NoPlace>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), NoPlace>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, peer: SocketAddr) -> Self::Future {
        let taken = self.places.take(peer.ip());
        ready(taken.map(|(place, make_way)| Connection {
            router: self.router.clone(),
            readiness: self.readiness.clone(),
            shared: Arc::new(Shared {
                place,
                make_way: Mutex::new(Some(make_way)),
                activity: Arc::new(Activity::new()),
                metrics: self.metrics.clone(),
                _open: self.counted.then(|| self.metrics.connection()),
            }),
        }))
    }
}

/// The service of one connection; its clones last as long as that does.
#[derive(Clone, Debug)]
pub(super) struct Connection {
    router: Router,
    readiness: Readiness,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    place: Place,
    make_way: Mutex<Option<MakeWay>>,
    activity: Arc<Activity>,
    metrics: Metrics,
    _open: Option<ConnectionGuard>,
}

impl Connection {
    /// What tells the connection to make way. There is one, for who takes it first.
    pub(super) fn make_way(&self) -> Option<MakeWay> {
        let make_way = self.shared.make_way.lock();
        make_way.unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The stream, with an eye on what goes on over it.
    pub(super) fn watch<IO>(&self, stream: IO, make_way: Option<MakeWay>) -> Watched<IO> {
        let activity = Arc::clone(&self.shared.activity);
        Watched::new(stream, activity, make_way, self.shared.metrics.clone())
    }
}

impl<B> Service<Request<B>> for Connection
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<Sending>;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<B>) -> Answering {
        let in_flight = self.shared.activity.begin();
        let last = self.readiness.is_draining() && request.version() <= Version::HTTP_11;
        let only_head = request.method() == Method::HEAD;
        let load = self.shared.place.load().clone();
        request.extensions_mut().insert(load);
        Answering {
            response: self.router.call(request),
            shared: Arc::clone(&self.shared),
            in_flight: Some(in_flight),
            last,
            only_head,
        }
    }
}

/// An answer that is being made. Dropped before it is ready, its call counts as abandoned.
pub(super) struct Answering {
    response: RouteFuture<Infallible>,
    shared: Arc<Shared>,
    in_flight: Option<InFlight>,
    last: bool,
    /// The body of the answer is not sent: that of HEAD never is.
    only_head: bool,
}

impl Future for Answering {
    type Output = Result<Response<Sending>, Infallible>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let mut response = ready!(Pin::new(&mut this.response).poll(context))?;
        if let Some(in_flight) = &mut this.in_flight {
            in_flight.answered();
            if this.only_head {
                in_flight.taken();
            }
        }
        if response.status().is_success() {
            this.shared.place.prove();
        }
        if this.last {
            // Tells an HTTP/1.1 client to take another connection for its next call, which leads
            // it to another replica. To close the connection later, at the end of the linger,
            // could cross with that call, which the API server would not send again. HTTP/2 has
            // GOAWAY for it.
            response
                .headers_mut()
                .insert(CONNECTION, HeaderValue::from_static("close"));
        }
        let in_flight = this.in_flight.take();
        Poll::Ready(Ok(response.map(|body| Sending { body, in_flight })))
    }
}

/// The body of an answer. Its request is in flight until all of it is sent.
#[derive(Debug)]
pub(super) struct Sending {
    body: Body,
    in_flight: Option<InFlight>,
}

impl HttpBody for Sending {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        let frame = ready!(Pin::new(&mut this.body).poll_frame(context));
        if let Some(in_flight) = &mut this.in_flight {
            in_flight.taken();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
