//! Why a request gets no review.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::StatusCode;
use axum::http::header::{ALLOW, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use axum::response::Response;
use http_body_util::Full;
use hyper::body::{Frame, SizeHint};

use crate::admission::answer::Answer;
use crate::telemetry::labels::{Decision, Outcome};

use super::body::MAX_BODY_BYTES;
use super::load::Charge;

/// Why a request was refused before it was read as a review, or failed while it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("there is nothing at this path; admission calls go to /validate and /mutate")]
    NotFound,
    #[error("only POST is answered here, with an AdmissionReview")]
    Method,
    #[error("the request has no Content-Type; it must be application/json")]
    NoMediaType,
    #[error("the Content-Type must be application/json")]
    MediaType,
    #[error("the body is larger than {} MiB", MAX_BODY_BYTES / (1024 * 1024))]
    TooLarge,
    #[error("the body did not arrive within {} ms", .0.as_millis())]
    BodyLate(Duration),
    #[error("the body ended before it was complete")]
    BodyBroken,
    #[error("the answer was not ready within {} ms", .0.as_millis())]
    Overdue(Duration),
    #[error("too much is being read and answered at the moment")]
    Busy,
    #[error("bindguard failed at this request; its log says more")]
    Panicked,
}

impl Refusal {
    fn status(self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::NoMediaType | Self::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyLate(_) | Self::BodyBroken => StatusCode::BAD_REQUEST,
            Self::Overdue(_) | Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Panicked => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Whether the client may still be sending its body. One that is late is not waited for again.
    pub(super) fn leaves_body(self) -> bool {
        match self {
            Self::NotFound
            | Self::Method
            | Self::NoMediaType
            | Self::MediaType
            | Self::TooLarge => true,
            // To let in what cannot be held would be work that a busy server has no use for.
            Self::BodyLate(_)
            | Self::BodyBroken
            | Self::Overdue(_)
            | Self::Busy
            | Self::Panicked => false,
        }
    }

    /// The refusal as a `v1/Status`.
    pub(super) fn answer(self) -> Answer {
        let message = self.to_string();
        match self {
            Self::Overdue(_) | Self::Busy => Answer::try_again(&message),
            _ => Answer::status(self.status(), &message),
        }
    }

    /// How a call ended that was refused so.
    pub(super) fn outcome(self) -> Outcome {
        match self {
            Self::Busy => Outcome::Busy,
            _ => outcome(&self.answer()),
        }
    }

    /// The refusal as it goes out.
    pub(super) fn respond(self, charge: Option<Charge>) -> Response {
        let mut response = respond(self.answer(), charge);
        if self == Self::Method {
            response
                .headers_mut()
                .insert(ALLOW, HeaderValue::from_static("POST"));
        }
        response
    }
}

/// An answer as it goes out. Its length is added on the way. What the request is charged is given
/// back when the answer is sent: one that nobody takes is held until then.
pub(super) fn respond(answer: Answer, charge: Option<Charge>) -> Response {
    let mut response = Response::new(Body::new(Charged {
        data: Full::from(answer.body),
        charge,
    }));
    *response.status_mut() = answer.status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(seconds) = answer.retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// A body that is charged for until it is gone.
struct Charged {
    data: Full<Bytes>,
    #[expect(dead_code, reason = "it is held for what its end means")]
    charge: Option<Charge>,
}

impl HttpBody for Charged {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Pin::new(&mut self.get_mut().data).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.data.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.data.size_hint()
    }
}

/// How a call ended that was answered so.
pub(super) fn outcome(answer: &Answer) -> Outcome {
    match answer.decision {
        Some(Decision::Allow) => return Outcome::Allow,
        Some(Decision::Warn) => return Outcome::Warn,
        Some(Decision::Audit) => return Outcome::Audit,
        Some(Decision::Deny) => return Outcome::Deny,
        None => {}
    }
    match answer.status {
        StatusCode::BAD_REQUEST => Outcome::BadRequest,
        StatusCode::NOT_FOUND => Outcome::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => Outcome::MethodNotAllowed,
        StatusCode::PAYLOAD_TOO_LARGE => Outcome::TooLarge,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Outcome::UnsupportedMediaType,
        StatusCode::SERVICE_UNAVAILABLE => Outcome::Unavailable,
        _ => Outcome::Error,
    }
}
