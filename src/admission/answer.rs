//! What goes back over HTTP, whichever endpoint was asked.

use std::time::Duration;

use axum::body::Bytes;
use http::StatusCode;

use crate::telemetry::labels::Decision;

/// After how long a caller is told to ask again.
pub(super) const ASK_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// An HTTP answer of the webhook: its status, its JSON body, and when to ask again.
///
/// Verdicts are always 200 with an `AdmissionReview`: the API server ignores a review in any
/// other status. Everything else is a `v1/Status`, whose message the API server shows to the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: StatusCode,
    /// The body, JSON.
    pub body: Bytes,
    /// What was decided, if the answer is a verdict.
    pub decision: Option<Decision>,
    /// Seconds for `Retry-After`. The API server retries a 5xx only with this header.
    pub retry_after: Option<u32>,
}

impl Answer {
    /// A verdict: an encoded `AdmissionReview`.
    #[must_use]
    pub fn review(body: Vec<u8>, decision: Decision) -> Self {
        Self {
            status: StatusCode::OK,
            body: body.into(),
            decision: Some(decision),
            retry_after: None,
        }
    }

    /// A refusal to answer, as a `v1/Status` that says why.
    #[must_use]
    pub fn status(status: StatusCode, message: &str) -> Self {
        let body = serde_json::json!({
            "apiVersion": "v1",
            "kind": "Status",
            "metadata": {},
            "status": "Failure",
            "code": status.as_u16(),
            "reason": reason(status),
            "message": message,
        });
        Self {
            status,
            body: body.to_string().into(),
            decision: None,
            retry_after: None,
        }
    }

    /// The answer of a replica that cannot say now and wants to be asked again.
    #[must_use]
    pub fn try_again(message: &str) -> Self {
        Self {
            retry_after: Some(1),
            ..Self::unavailable(message)
        }
    }

    /// The answer of a replica that cannot say now, to a caller for whom another attempt comes too
    /// late: asked to make it, the API server would show its own deadline and not this message.
    #[must_use]
    pub fn unavailable(message: &str) -> Self {
        Self::status(StatusCode::SERVICE_UNAVAILABLE, message)
    }
}

/// The `reason` that Kubernetes gives for a status.
///
/// Source: `k8s.io/apimachinery/pkg/apis/meta/v1`, `StatusReason`.
fn reason(status: StatusCode) -> &'static str {
    match status {
        StatusCode::BAD_REQUEST => "BadRequest",
        StatusCode::NOT_FOUND => "NotFound",
        StatusCode::METHOD_NOT_ALLOWED => "MethodNotAllowed",
        StatusCode::PAYLOAD_TOO_LARGE => "RequestEntityTooLarge",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "UnsupportedMediaType",
        StatusCode::SERVICE_UNAVAILABLE => "ServiceUnavailable",
        _ => "InternalError",
    }
}
