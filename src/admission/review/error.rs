//! Why a body is not a review that can be answered.

use std::str::Utf8Error;

use super::position::{Position, field_at};

/// Why a body is not a review that can be answered: the reason of a 400.
///
/// The text is whole by itself and safe to show: it says what is wrong and where, quotes what the
/// body says in escaped form only, and is of bounded length.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReviewError {
    /// There is no body.
    #[error("the body is empty; an AdmissionReview of admission.k8s.io/v1 in JSON is expected")]
    Empty,
    /// The body is no UTF-8, and so no JSON.
    #[error("the body is not UTF-8 ({0})")]
    NotUtf8(Position),
    /// The body is no JSON, or not of the shape of an AdmissionReview.
    #[error("{field}: {reason} ({position})")]
    Malformed {
        /// The field, such as `request.object.subjects[2].name`, or what stands for it.
        field: String,
        /// What is wrong with it.
        reason: String,
        /// Where in the body.
        position: Position,
    },
    /// The parts of the request do not fit each other.
    #[error("{field}: {reason}")]
    Inconsistent {
        /// The field that is at fault.
        field: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
}

impl ReviewError {
    pub(super) fn not_utf8(body: &[u8], error: Utf8Error) -> Self {
        Self::NotUtf8(Position::of_offset(body, error.valid_up_to()))
    }

    pub(super) fn malformed(text: &str, error: &serde_json::Error) -> Self {
        let position = Position::of_error(error);
        Self::Malformed {
            field: field_at(text, position),
            reason: shortened(&without_position(error)),
            position,
        }
    }
}

/// `serde_json` quotes strings that it did not expect, and strings may be megabytes long.
const MAX_REASON: usize = 300;

fn shortened(reason: &str) -> String {
    let mut characters = reason.chars();
    let mut short: String = characters.by_ref().take(MAX_REASON).collect();
    if characters.next().is_some() {
        short.push('…');
    }
    short
}

/// The text of the error without its position, which is told once and with the field.
fn without_position(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&position).unwrap_or(&text).to_owned()
}
