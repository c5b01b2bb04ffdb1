//! The admission calls: from the bytes of an `AdmissionReview` to the bytes of its answer.

pub mod answer;
#[cfg(test)]
#[path = "../../tests/contract/mod.rs"]
mod contract;
pub mod respond;
pub mod review;
pub mod text;

use std::time::Duration;

use axum::body::Bytes;

use answer::Answer;

/// Everything that the two endpoints need.
#[derive(Debug)]
pub struct Webhook {}

impl Webhook {
    /// Answers `POST /validate`. `timeout` is how long the API server waits, from its query.
    pub async fn validate(&self, _body: Bytes, _timeout: Duration) -> Answer {
        Answer::try_again("not built yet")
    }

    /// Answers `POST /mutate`.
    pub async fn mutate(&self, _body: Bytes, _timeout: Duration) -> Answer {
        Answer::try_again("not built yet")
    }
}
