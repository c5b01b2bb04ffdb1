//! What is wrong with a text, and where.

use super::node::Position;

/// A fault in a text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {}, column {}: {message}", position.line, position.column)]
pub struct Error {
    /// Where.
    pub position: Position,
    /// What, in words that need no YAML specification at hand.
    pub message: String,
}

impl Error {
    /// A fault at a position.
    pub(super) fn new(position: Position, message: impl Into<String>) -> Self {
        Self {
            position,
            message: message.into(),
        }
    }
}
