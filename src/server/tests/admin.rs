use axum::body::{Body, to_bytes};
use axum::http::header::{ALLOW, CONTENT_TYPE};
use axum::http::{HeaderMap, Request, StatusCode};
use tower::ServiceExt as _;

use super::super::admin::router;
use super::super::readiness::{Condition, Readiness};
use crate::telemetry::metrics::Metrics;

async fn ask(readiness: &Readiness, method: &str, path: &str) -> (StatusCode, HeaderMap, String) {
    let request = Request::builder().method(method).uri(path);
    let router = router(readiness.clone(), Metrics::new("test"));
    let response = router
        .oneshot(request.body(Body::empty()).unwrap())
        .await
        .unwrap();
    let (head, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    (
        head.status,
        head.headers,
        String::from_utf8(body.into()).unwrap(),
    )
}

async fn get(readiness: &Readiness, path: &str) -> (StatusCode, String) {
    let (status, _, body) = ask(readiness, "GET", path).await;
    (status, body)
}

#[tokio::test]
async fn readyz_gives_every_reason_on_a_line_of_its_own_while_livez_is_ok() {
    let readiness = Readiness::new(&Condition::ALL);
    let (status, body) = get(&readiness, "/readyz").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(body.lines().collect::<Vec<_>>(), readiness.reasons());
    assert_eq!(
        get(&readiness, "/livez").await,
        (StatusCode::OK, "ok\n".to_owned())
    );
    for condition in Condition::ALL {
        readiness.set(condition, true);
    }
    assert_eq!(
        get(&readiness, "/readyz").await,
        (StatusCode::OK, "ok\n".to_owned())
    );
    readiness.drain();
    let (status, body) = get(&readiness, "/readyz").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(body, "the process is about to end\n");
    assert_eq!(get(&readiness, "/livez").await.0, StatusCode::OK);
}

#[tokio::test]
async fn metrics_are_open_metrics_text() {
    let (status, headers, body) = ask(&Readiness::new(&[]), "GET", "/metrics").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        headers[CONTENT_TYPE],
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    );
    assert!(body.contains("bindguard_build_info{version=\"test\"} 1\n"));
    assert!(body.ends_with("# EOF\n"));
}

#[tokio::test]
async fn metrics_tell_whether_it_is_ready_as_readyz_does() {
    let readiness = Readiness::new(&[Condition::Listening]);
    let ready = async || get(&readiness, "/metrics").await.1;
    assert!(ready().await.contains("bindguard_ready 0\n"));
    readiness.set(Condition::Listening, true);
    assert!(ready().await.contains("bindguard_ready 1\n"));
    readiness.drain();
    assert!(ready().await.contains("bindguard_ready 0\n"));
}

#[tokio::test]
async fn nothing_else_is_there() {
    let readiness = Readiness::new(&[]);
    for path in ["/", "/validate", "/livez/", "/healthz"] {
        assert_eq!(
            get(&readiness, path).await.0,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
    for path in ["/livez", "/readyz", "/metrics"] {
        let (status, headers, _) = ask(&readiness, "POST", path).await;
        assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED, "{path}");
        assert_eq!(headers[ALLOW], "GET,HEAD");
    }
}
