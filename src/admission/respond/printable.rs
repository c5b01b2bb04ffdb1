//! The last guard against control characters in what a terminal will show.

use std::borrow::Cow;

/// The text, its control characters escaped as `\u{1b}`, but for those to keep.
///
/// Names are escaped properly, and visibly apart from the words around them, where messages are
/// written. Here it is only made sure of: kubectl prints what it gets to the terminal raw.
pub(super) fn printable<'a>(text: &'a str, keep: &[char]) -> Cow<'a, str> {
    let hidden = |character: char| character.is_control() && !keep.contains(&character);
    if !text.contains(hidden) {
        return Cow::Borrowed(text);
    }
    let mut printable = String::with_capacity(text.len());
    for character in text.chars() {
        if hidden(character) {
            printable.extend(character.escape_unicode());
        } else {
            printable.push(character);
        }
    }
    Cow::Owned(printable)
}
