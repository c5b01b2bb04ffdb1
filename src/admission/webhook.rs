//! The two endpoints, from body to answer.

use std::time::Duration;

use axum::body::Bytes;
use http::StatusCode;
use jiff::Timestamp;

use super::answer::Answer;
use super::judge::{UnderReview, settle};
use super::respond::Response;
use super::review::{Review, decode};
use super::verdict::answer;
use crate::audit::log::AuditLog;
use crate::audit::record::Caller;
use crate::state::confirm::Confirm;
use crate::state::handle::State;
use crate::telemetry::labels::Decision;
use crate::telemetry::metrics::Metrics;

/// Everything that the two endpoints need.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// The policy and the holdings to judge by.
    pub state: State,
    /// The read that comes before a denial.
    pub confirm: Confirm,
    /// Where records go.
    pub audit: AuditLog,
    /// Where calls are counted.
    pub metrics: Metrics,
    /// Whether calls are proven to come from the API server.
    pub caller: Caller,
    /// The clock by which records are dated.
    pub now: fn() -> Timestamp,
}

impl Webhook {
    /// Answers `POST /validate`. `timeout` is how long the API server still waits.
    pub async fn validate(&self, body: Bytes, timeout: Duration) -> Answer {
        let review = match decode(&body) {
            Ok(review) => review,
            Err(error) => return bad_request(&error),
        };
        let Some(snapshot) = self.state.current() else {
            return not_synced();
        };
        let Some(binding) = review.binding() else {
            return self.allow(&review);
        };
        let previous = review.previous();
        let under_review = UnderReview {
            review: &review,
            binding: &binding,
            previous: previous.as_ref(),
        };
        match settle(self, snapshot, under_review, timeout).await {
            Ok(snapshot) => {
                let decision = under_review.conclude(&snapshot);
                answer(self, under_review, snapshot.policy(), &decision).await
            }
            Err(undecided) => {
                tracing::warn!(
                    uid = &*review.uid,
                    error = &undecided as &dyn std::error::Error,
                    "a call was not decided; the API server is told to ask again"
                );
                Answer::try_again(&format!("bindguard: {undecided}"))
            }
        }
    }

    /// Answers `POST /mutate`. Nothing is patched: companions are other objects, and this server
    /// makes none.
    #[expect(clippy::unused_async, reason = "both endpoints are awaited alike")]
    pub async fn mutate(&self, body: Bytes, _timeout: Duration) -> Answer {
        match decode(&body) {
            Ok(review) => Answer::review(Response::allow(&review.uid).encode(), Decision::Allow),
            Err(error) => bad_request(&error),
        }
    }

    /// Lets a call pass that there is nothing to say of.
    pub(super) fn allow(&self, review: &Review<'_>) -> Answer {
        self.metrics.decided(Decision::Allow);
        Answer::review(Response::allow(&review.uid).encode(), Decision::Allow)
    }
}

fn bad_request(error: &impl std::fmt::Display) -> Answer {
    tracing::debug!(%error, "a request was no review");
    Answer::status(StatusCode::BAD_REQUEST, &format!("bindguard: {error}"))
}

fn not_synced() -> Answer {
    Answer::try_again("bindguard: the cluster's companion bindings have not been read yet")
}
