//! Calls to the webhook's router, without sockets.

use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::Response;
use serde_json::Value;
use tokio::time::sleep;
use tower::ServiceExt as _;

use super::super::webhook::routes;
use crate::admission::answer::Answer;
use crate::telemetry::labels::Decision;
use crate::telemetry::metrics::Metrics;

/// `/validate` answers with the length of the body and the time left; `/mutate` as the body says.
pub(super) fn router(metrics: &Metrics) -> Router {
    routes(
        |body: Bytes, left: Duration| async move {
            {
                let text = format!("{} bytes, {left:?} left", body.len());
                Answer::review(text.into_bytes(), Decision::Allow)
            }
        },
        |body: Bytes, _| async move {
            match &*body {
                b"panic" => panic!("as the test asked"),
                b"sleep" => sleep(Duration::from_hours(1)).await,
                b"try again" => return Answer::try_again("not now"),
                _ => {}
            }
            Answer::review(body.into(), Decision::Allow)
        },
        metrics,
    )
}

pub(super) async fn send_to(metrics: &Metrics, request: Request) -> Response {
    router(metrics).oneshot(request).await.unwrap()
}

pub(super) async fn send(request: Request) -> Response {
    send_to(&Metrics::new("test"), request).await
}

pub(super) fn post(uri: &str, body: impl Into<Body>) -> Request {
    Request::post(uri)
        .header(CONTENT_TYPE, "application/json")
        .body(body.into())
        .unwrap()
}

pub(super) async fn text(response: Response) -> String {
    let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    String::from_utf8(bytes.into()).unwrap()
}

/// Checks that a response is a `v1/Status` with these words in its message.
pub(super) async fn expect_status(response: Response, status: StatusCode, words: &str) {
    assert_eq!(response.status(), status, "{words}");
    assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
    assert!(response.headers().contains_key(CONTENT_LENGTH));
    let body: Value = serde_json::from_str(&text(response).await).unwrap();
    assert_eq!(body["kind"], "Status");
    assert_eq!(body["apiVersion"], "v1");
    assert_eq!(body["status"], "Failure");
    assert_eq!(body["code"], status.as_u16());
    let message = body["message"].as_str().unwrap();
    assert!(message.contains(words), "{message}");
}
