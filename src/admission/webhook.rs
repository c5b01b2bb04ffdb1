//! The two endpoints, from body to answer.

use std::time::Duration;

use axum::body::Bytes;
use http::StatusCode;
use jiff::Timestamp;

use super::answer::{ASK_AGAIN_AFTER, Answer};
use super::attempts::Attempts;
use super::budget::Budget;
use super::judge::{UnderReview, judge};
use super::misses::Misses;
use super::mutate;
use super::ordering::Ordered;
use super::removal;
use super::respond::Response;
use super::review::{Review, decode};
use crate::audit::log::AuditLog;
use crate::audit::record::Caller;
use crate::provisioning::intake::Intake;
use crate::state::confirm::Confirm;
use crate::state::handle::State;
use crate::state::reread::Reread;
use crate::telemetry::labels::Decision;
use crate::telemetry::metrics::Metrics;

const NOT_SYNCED: &str = "bindguard: the cluster's companion bindings have not been read yet";

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
    /// The calls that were told to come again.
    pub attempts: Attempts,
    /// Whether orders for companions are taken, and from whom.
    pub orders: Intake,
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
            let budget = self.repeated(&review, Budget::beginning_now(timeout));
            return self.undecided(&review, budget, NOT_SYNCED);
        };
        let Some(binding) = review.binding() else {
            let budget = Budget::beginning_now(timeout);
            return match removal::judge(self, &review, body.len(), None, budget).await {
                removal::Told::Answer(answer) => answer,
                removal::Told::Nothing => self.allow(&review, None),
                removal::Told::NotJudged(warning) => self.allow(&review, Some(&warning)),
            };
        };
        let previous = review.previous();
        let ordered = Ordered::of(self);
        let under_review = UnderReview {
            ordered: &ordered,
            review: &review,
            binding: &binding,
            previous: previous.as_ref(),
            bytes: body.len(),
        };
        judge(self, under_review, snapshot, timeout).await
    }

    /// Answers `POST /mutate`.
    pub async fn mutate(&self, body: Bytes, timeout: Duration) -> Answer {
        match decode(&body) {
            Ok(review) => mutate::answer(self, &review, timeout).await,
            Err(error) => bad_request(&error),
        }
    }

    /// The budget of a call that may have been told to come again before.
    pub(super) fn repeated(&self, review: &Review<'_>, budget: Budget) -> Budget {
        budget.since(self.attempts.first(&review.uid))
    }

    /// Answers that nothing can be said now. The API server is told to ask again, while that can
    /// come to something.
    pub(super) fn undecided(&self, review: &Review<'_>, budget: Budget, message: &str) -> Answer {
        if !budget.has_another_attempt_after(ASK_AGAIN_AFTER) {
            return Answer::unavailable(message);
        }
        self.attempts.come_again(&review.uid, budget.first());
        Answer::try_again(message)
    }

    /// Lets a call pass that there is nothing to say of, but for a warning.
    pub(super) fn allow(&self, review: &Review<'_>, warning: Option<&str>) -> Answer {
        self.metrics.decided(Decision::Allow);
        let mut response = Response::allow(&review.uid);
        if let Some(warning) = warning {
            response.push_warning(warning);
        }
        Answer::review(response.encode(), Decision::Allow)
    }
}

fn bad_request(error: &impl std::fmt::Display) -> Answer {
    tracing::debug!(%error, "a request was no review");
    Answer::status(StatusCode::BAD_REQUEST, &format!("bindguard: {error}"))
}
