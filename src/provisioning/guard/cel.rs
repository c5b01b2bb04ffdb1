//! Parts of expressions for the API server, in CEL.

use std::fmt::Write as _;

use crate::provisioning::{ORDER, ORDERED_BY};

/// A string literal.
///
/// Source: <https://github.com/google/cel-spec/blob/master/doc/langdef.md#string-and-bytes-values>
#[must_use]
pub fn quoted(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + 2);
    literal.push('\'');
    for character in text.chars() {
        match character {
            '\\' | '\'' => {
                literal.push('\\');
                literal.push(character);
            }
            // No literal may hold a line break, and nobody should have to look for the others.
            hidden if hidden.is_control() => {
                // Writing to a String cannot fail.
                let _ = write!(literal, "\\u{:04x}", u32::from(hidden));
            }
            other => literal.push(other),
        }
    }
    literal.push('\'');
    literal
}

/// A list of string literals.
#[must_use]
pub fn list<'t>(texts: impl IntoIterator<Item = &'t str>) -> String {
    let literals: Vec<String> = texts.into_iter().map(quoted).collect();
    format!("[{}]", literals.join(", "))
}

/// Whether a binding that is created or updated has an order that it did not have before, or that
/// somebody else now stands for.
///
/// Of an order that is taken away nothing is asked. Nor of an `ordered-by` without an order, which
/// means nothing: companions carry one, to say by whose order they were made.
#[must_use]
pub fn new_order() -> String {
    let [changed, other] = [ORDER, ORDERED_BY].map(|key| {
        let (new, old) = (annotation("object", key), annotation("oldObject", key));
        format!("{new}.orValue('') != {old}.orValue('')")
    });
    format!(
        "{} && (oldObject == null || {changed} || {other})",
        annotated(ORDER)
    )
}

/// Whether a binding that is created or updated has an annotation.
#[must_use]
pub fn annotated(key: &str) -> String {
    format!("{}.hasValue()", annotation("object", key))
}

/// An annotation as an optional value.
pub(super) fn annotation(object: &str, key: &str) -> String {
    format!("{object}.metadata.?annotations[?{}]", quoted(key))
}

#[cfg(test)]
mod tests {
    use super::{list, quoted};

    #[test]
    fn a_name_cannot_leave_its_literal() {
        assert_eq!(quoted("a'b\\c"), "'a\\'b\\\\c'");
        assert_eq!(
            quoted("a\nb\u{1b}\u{85}é🚀"),
            "'a\\u000ab\\u001b\\u0085é🚀'"
        );
        assert_eq!(list(["a", "b'"]), "['a', 'b\\'']");
        assert_eq!(list([]), "[]");
    }
}
