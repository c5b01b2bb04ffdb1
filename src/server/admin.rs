//! The admin port: probes and metrics. It holds nothing that a stranger may not read.

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;

use crate::telemetry::metrics::{self, Metrics};

use super::readiness::Readiness;

/// The router of the admin port: `GET /livez`, `/readyz` and `/metrics`.
///
/// `/livez` says that the process can answer, and nothing of what it depends on: a restart
/// repairs no API server.
pub fn router(readiness: Readiness, metrics: Metrics) -> Router {
    let probed = readiness.clone();
    Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(move || async move { readyz(&readiness) }))
        .route(
            "/metrics",
            get(move || async move {
                metrics.set_ready(probed.is_ready());
                ([(CONTENT_TYPE, metrics::CONTENT_TYPE)], metrics.encode())
            }),
        )
        .fallback(|| async { (StatusCode::NOT_FOUND, "try /livez, /readyz or /metrics\n") })
        .method_not_allowed_fallback(|| async {
            (
                StatusCode::METHOD_NOT_ALLOWED,
                "only GET is answered here\n",
            )
        })
}

fn readyz(readiness: &Readiness) -> impl IntoResponse + use<> {
    let reasons = readiness.reasons();
    if reasons.is_empty() {
        return (StatusCode::OK, "ok\n".to_owned());
    }
    (StatusCode::SERVICE_UNAVAILABLE, reasons.join("\n") + "\n")
}
