//! The two endpoints, from body to answer.

use std::time::Duration;

use axum::body::Bytes;
use http::StatusCode;
use jiff::Timestamp;

use super::answer::Answer;
use super::budget::Budget;
use super::judge::{UnderReview, judge};
use super::misses::Misses;
use super::removal;
use super::respond::Response;
use super::review::{Review, decode};
use crate::audit::log::AuditLog;
use crate::audit::record::Caller;
use crate::state::confirm::Confirm;
use crate::state::handle::State;
use crate::state::reread::Reread;
use crate::telemetry::labels::Decision;
use crate::telemetry::metrics::Metrics;

/// Everything that the two endpoints need.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// The policy and the holdings to judge by.
    pub state: State,
    /// The read that comes before a denial.
    pub confirm: Confirm,
    /// The read of single persona bindings that comes before a removal is refused.
    pub reread: Reread,
    /// The calls that wait for that read, and what may come before it.
    pub misses: Misses,
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
            let budget = Budget::beginning_now(timeout);
            return removal::judge(self, &review, body.len(), None, budget)
                .await
                .unwrap_or_else(|| self.allow(&review));
        };
        let previous = review.previous();
        let under_review = UnderReview {
            review: &review,
            binding: &binding,
            previous: previous.as_ref(),
            bytes: body.len(),
        };
        judge(self, under_review, snapshot, timeout).await
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
