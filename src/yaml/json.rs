//! JSON values that follow each other without anything between them.

use serde_json::value::RawValue;

use super::node::Position;

/// The values of a text of several JSON objects, each with where it begins. Nothing if the text is
/// anything else, one JSON value included: YAML reads that by itself.
pub(super) fn split(text: &str) -> Vec<(&str, Position)> {
    if !text.trim_start().starts_with('{') {
        return Vec::new();
    }
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
    let mut pieces = Vec::new();
    let (mut at, mut position) = (0, Position::START);
    while let Some(value) = values.next() {
        let Ok(value) = value else {
            return Vec::new();
        };
        let end = values.byte_offset();
        let begin = end.saturating_sub(value.get().len());
        position = position.after(text.get(at..begin).unwrap_or_default());
        at = begin;
        pieces.push((value.get(), position));
    }
    if pieces.len() < 2 {
        return Vec::new();
    }
    pieces
}
