//! The webhook port: `POST /validate` and `POST /mutate`.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use axum::routing::{MethodRouter, any};
use futures::FutureExt as _;
use tokio::time;

use crate::admission::Webhook;
use crate::admission::answer::Answer;
use crate::telemetry::call::CallGuard;
use crate::telemetry::labels::Endpoint;
use crate::telemetry::metrics::Metrics;

use super::load::{Busy, Charge, Load};
use super::refusal::{Refusal, outcome, respond};
use super::{body, call_timeout};

/// How long a body may take, if the caller does not wait for less.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// What a handler is given at least, however late the body came.
const LEAST_TIME: Duration = Duration::from_millis(1);

/// The router of the webhook port.
pub fn router(webhook: Arc<Webhook>, metrics: &Metrics) -> Router {
    let (validator, mutator) = (Arc::clone(&webhook), webhook);
    routes(
        move |body, timeout| {
            let webhook = Arc::clone(&validator);
            async move { webhook.validate(body, timeout).await }
        },
        move |body, timeout| {
            let webhook = Arc::clone(&mutator);
            async move { webhook.mutate(body, timeout).await }
        },
        metrics,
    )
}

/// The same around any two functions from a body, and the time left for it, to an answer.
pub(super) fn routes<V, VF, M, MF>(validate: V, mutate: M, metrics: &Metrics) -> Router
where
    V: Fn(Bytes, Duration) -> VF + Clone + Send + Sync + 'static,
    VF: Future<Output = Answer> + Send,
    M: Fn(Bytes, Duration) -> MF + Clone + Send + Sync + 'static,
    MF: Future<Output = Answer> + Send,
{
    let unknown = metrics.clone();
    Router::new()
        .route("/validate", endpoint(Endpoint::Validate, validate, metrics))
        .route("/mutate", endpoint(Endpoint::Mutate, mutate, metrics))
        .fallback(move |request: Request| async move {
            let call = unknown.call(Endpoint::Other);
            let (head, body) = request.into_parts();
            match charge(&head) {
                Ok(charge) => refuse(Refusal::NotFound, call, &head, body, Some(charge)).await,
                Err(Busy) => refuse(Refusal::Busy, call, &head, body, None).await,
            }
        })
}

fn endpoint<H, F>(endpoint: Endpoint, handler: H, metrics: &Metrics) -> MethodRouter
where
    H: Fn(Bytes, Duration) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Answer> + Send,
{
    let metrics = metrics.clone();
    any(move |request: Request| async move {
        let mut call = metrics.call(endpoint);
        let (head, mut body) = request.into_parts();
        let mut charge = match charge(&head) {
            Ok(charge) => charge,
            Err(Busy) => return refuse(Refusal::Busy, call, &head, body, None).await,
        };
        let answer = answer(&head, &mut body, &mut charge, handler).await;
        charge.drop_body();
        match answer {
            Ok(answer) => {
                call.set_outcome(outcome(&answer));
                respond(answer, Some(charge))
            }
            Err(refusal) => refuse(refusal, call, &head, body, Some(charge)).await,
        }
    })
}

/// What the request holds, on the account of the address that it came from.
fn charge(head: &Parts) -> Result<Charge, Busy> {
    match head.extensions.get::<Load>() {
        Some(load) => load.request(head),
        // Only tests call a router without a connection.
        None => Load::new(Arc::default()).request(head),
    }
}

async fn refuse(
    refusal: Refusal,
    mut call: CallGuard,
    head: &Parts,
    body: Body,
    charge: Option<Charge>,
) -> Response {
    if refusal.leaves_body() {
        body::discard(body, &head.headers).await;
    }
    call.set_outcome(refusal.outcome());
    refusal.respond(charge)
}

async fn answer<H, F>(
    head: &Parts,
    body: &mut Body,
    charge: &mut Charge,
    handler: H,
) -> Result<Answer, Refusal>
where
    H: Fn(Bytes, Duration) -> F,
    F: Future<Output = Answer>,
{
    if head.method != Method::POST {
        return Err(Refusal::Method);
    }
    check_media_type(&head.headers)?;
    let timeout = call_timeout::from_query(head.uri.query());
    let (body, waited) = body::read(body, timeout.min(BODY_TIMEOUT), charge).await?;
    let left = timeout.saturating_sub(waited).max(LEAST_TIME);
    // hyper would end the connection of a handler that panics, and with it every other call that
    // the API server has on that connection.
    let mut guarded = pin!(AssertUnwindSafe(async { handler(body, left).await }).catch_unwind());
    // Most calls are decided without waiting for anything, and no timer is needed.
    let ended = match guarded.as_mut().now_or_never() {
        Some(ended) => Ok(ended),
        None => time::timeout(left, guarded).await,
    };
    match ended {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(panic)) => {
            tracing::error!(panic = panic_message(&*panic), "an admission call panicked");
            Err(Refusal::Panicked)
        }
        // Nobody waits any more, but what the handler held is free again.
        Err(_elapsed) => Err(Refusal::Overdue(left)),
    }
}

fn check_media_type(headers: &HeaderMap) -> Result<(), Refusal> {
    let value = headers.get(CONTENT_TYPE).ok_or(Refusal::NoMediaType)?;
    let media_type = value.to_str().unwrap_or_default();
    let without_parameters = media_type.split(';').next().unwrap_or_default();
    if without_parameters
        .trim()
        .eq_ignore_ascii_case("application/json")
    {
        Ok(())
    } else {
        Err(Refusal::MediaType)
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}
