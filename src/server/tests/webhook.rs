use std::io;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{Method, StatusCode};
use futures::stream;
use tokio::time::{Instant, sleep};

use super::super::body::MAX_BODY_BYTES;
use super::calls::{expect_status, post, send, send_to, text};
use crate::telemetry::metrics::Metrics;

fn request(method: Method, uri: &str, content_type: Option<&str>) -> Request {
    let mut request = Request::builder().method(method).uri(uri);
    if let Some(content_type) = content_type {
        request = request.header(CONTENT_TYPE, content_type);
    }
    request.body(Body::from("{}")).unwrap()
}

/// Sends every request and checks that it is refused so.
async fn expect_refusals(
    status: StatusCode,
    allowed: Option<&str>,
    table: &[(Method, &str, Option<&str>, &str)],
) {
    for (method, uri, content_type, words) in table {
        let response = send(request(method.clone(), uri, *content_type)).await;
        let allow = response.headers().get(ALLOW).cloned();
        expect_status(response, status, words).await;
        assert_eq!(allow.as_ref().map(|allow| allow.to_str().unwrap()), allowed);
    }
}

const JSON: Option<&str> = Some("application/json");

#[tokio::test]
async fn another_path_is_not_found() {
    let table = [
        (
            Method::POST,
            "/",
            JSON,
            "admission calls go to /validate and /mutate",
        ),
        (Method::POST, "/validate/", JSON, "nothing at this path"),
        (Method::POST, "/Validate", JSON, "nothing at this path"),
        (Method::GET, "/metrics", None, "nothing at this path"),
    ];
    expect_refusals(StatusCode::NOT_FOUND, None, &table).await;
}

#[tokio::test]
async fn another_method_is_not_allowed() {
    let table = [
        (Method::GET, "/validate", JSON, "only POST"),
        (Method::PUT, "/mutate", None, "only POST"),
        (Method::DELETE, "/mutate", JSON, "only POST"),
        (Method::OPTIONS, "/validate", None, "only POST"),
    ];
    expect_refusals(StatusCode::METHOD_NOT_ALLOWED, Some("POST"), &table).await;
}

#[tokio::test]
async fn another_content_type_is_not_supported() {
    let table = [
        (Method::POST, "/validate", None, "has no Content-Type"),
        (Method::POST, "/mutate", None, "has no Content-Type"),
        (
            Method::POST,
            "/validate",
            Some(""),
            "must be application/json",
        ),
        (
            Method::POST,
            "/validate",
            Some("text/plain"),
            "must be application/json",
        ),
        (
            Method::POST,
            "/validate",
            Some("application/jsonx"),
            "must be application/json",
        ),
        (
            Method::POST,
            "/validate",
            Some("text/a;application/json"),
            "must be application/json",
        ),
        (
            Method::POST,
            "/mutate",
            Some("application/yaml"),
            "must be application/json",
        ),
    ];
    expect_refusals(StatusCode::UNSUPPORTED_MEDIA_TYPE, None, &table).await;
}

#[tokio::test]
async fn json_is_json_whatever_its_parameters_and_case() {
    for content_type in [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON ;charset=\"utf-8\"",
    ] {
        let response = send(request(Method::POST, "/validate", Some(content_type))).await;
        assert_eq!(response.status(), StatusCode::OK, "{content_type}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_is_told_what_time_is_left_of_the_callers_patience() {
    for (uri, left) in [
        ("/validate?timeout=10s", "10s"),
        ("/validate?timeout=1m", "30s"),
        ("/validate?timeout=soon", "10s"),
        ("/validate", "10s"),
    ] {
        let response = send(post(uri, "{}")).await;
        assert_eq!(
            text(response).await,
            format!("2 bytes, {left} left"),
            "{uri}"
        );
    }
    let slow = Body::from_stream(stream::once(async {
        sleep(Duration::from_secs(4)).await;
        io::Result::Ok("{}")
    }));
    let response = send(post("/validate?timeout=10s", slow)).await;
    assert_eq!(text(response).await, "2 bytes, 6s left");
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_outlasts_its_caller_is_ended() {
    let started = Instant::now();
    let response = send(post("/mutate?timeout=3s", "sleep")).await;
    assert_eq!(started.elapsed().as_secs(), 3);
    assert_eq!(response.headers()[RETRY_AFTER], "1");
    expect_status(
        response,
        StatusCode::SERVICE_UNAVAILABLE,
        "not ready within 3000 ms",
    )
    .await;
}

#[tokio::test]
async fn a_handler_that_panics_is_an_answer_all_the_same() {
    let response = send(post("/mutate", "panic")).await;
    expect_status(
        response,
        StatusCode::INTERNAL_SERVER_ERROR,
        "failed at this request",
    )
    .await;
}

#[tokio::test]
async fn an_answer_goes_out_as_it_was_given() {
    let response = send(post("/mutate", "{\"a\":1}")).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
    assert_eq!(response.headers()[CONTENT_LENGTH], "7");
    assert!(!response.headers().contains_key(RETRY_AFTER));
    assert_eq!(text(response).await, "{\"a\":1}");
    let response = send(post("/mutate", "try again")).await;
    assert_eq!(response.headers()[RETRY_AFTER], "1");
    expect_status(response, StatusCode::SERVICE_UNAVAILABLE, "not now").await;
}

#[tokio::test(start_paused = true)]
async fn every_request_is_counted_by_how_it_ended() {
    let metrics = Metrics::new("test");
    for request in [
        post("/validate", "{}"),
        request(Method::GET, "/validate", None),
        request(Method::POST, "/validate", None),
        post("/validate", vec![0; MAX_BODY_BYTES + 1]),
        post("/mutate", "try again"),
        post("/mutate", "panic"),
        post("/elsewhere", ""),
    ] {
        send_to(&metrics, request).await;
    }
    let hung_up = send_to(&metrics, post("/mutate", "sleep"));
    assert!(
        tokio::time::timeout(Duration::from_secs(1), hung_up)
            .await
            .is_err()
    );
    let text = metrics.encode();
    let mut counted: Vec<_> = text
        .lines()
        .filter_map(|line| {
            line.strip_prefix("bindguard_requests_total{endpoint=")?
                .split_once(' ')
        })
        .filter(|(_, count)| *count != "0")
        .collect();
    counted.sort_unstable();
    let once = |labels| (labels, "1");
    assert_eq!(
        counted,
        [
            once(r#""mutate",outcome="aborted"}"#),
            once(r#""mutate",outcome="error"}"#),
            once(r#""mutate",outcome="unavailable"}"#),
            once(r#""other",outcome="not_found"}"#),
            once(r#""validate",outcome="allow"}"#),
            once(r#""validate",outcome="method_not_allowed"}"#),
            once(r#""validate",outcome="too_large"}"#),
            once(r#""validate",outcome="unsupported_media_type"}"#),
        ]
    );
    assert!(text.contains("bindguard_requests_in_flight 0\n"));
}
