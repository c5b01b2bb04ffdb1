//! Where in a body something is wrong: line and column, and the field by name.
//!
//! Only errors come here, so the way to the field is not recorded while decoding but found
//! afterwards, by reading the body once more up to the position of the error.

use std::fmt;

/// A place in a body. Both count from 1, columns in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl Position {
    pub(super) fn of_error(error: &serde_json::Error) -> Self {
        Self {
            line: error.line(),
            column: error.column(),
        }
    }

    pub(super) fn of_offset(body: &[u8], offset: usize) -> Self {
        let before = body.get(..offset).unwrap_or(body);
        let lines = before.split(|byte| *byte == b'\n').map(<[u8]>::len);
        Self {
            line: lines.clone().count(),
            column: lines.fold(1, |_, length| length + 1),
        }
    }

    /// Everything before this place. `serde_json` counts columns from 1 for what it has read, so
    /// that what it has read is so many bytes of the line.
    fn bytes_before(self, text: &str) -> usize {
        let line_start: usize = text
            .split_inclusive('\n')
            .take(self.line.saturating_sub(1))
            .map(str::len)
            .sum();
        line_start.saturating_add(self.column).min(text.len())
    }
}

impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "line {}, column {}", self.line, self.column)
    }
}

/// The field that is being read at the position, such as `request.object.subjects[2].name`, or
/// `AdmissionReview` outside all fields.
pub(super) fn field_at(text: &str, position: Position) -> String {
    let mut walk = Walk::default();
    for (index, byte) in text.bytes().take(position.bytes_before(text)).enumerate() {
        walk.read(index, byte);
    }
    walk.field(text)
}

/// Deeper nesting is counted and not named: no field of a review lies so deep.
const MAX_DEPTH: usize = 12;
/// Longer keys are cut: none of a review is so long.
const MAX_KEY: usize = 64;

/// What encloses the place that has been reached.
enum Enclosing {
    /// An object, and where the key that was read last begins and ends.
    Object(Option<(usize, usize)>),
    /// An array, and the number of the element.
    Array(usize),
}

/// A reader of JSON that knows only where it is. It never fails: what is no JSON was refused
/// before, and here only the way up to there counts.
#[derive(Default)]
struct Walk {
    enclosing: Vec<Enclosing>,
    unnamed_depth: usize,
    /// Where the string begins that is being read.
    string: Option<usize>,
    escaped: bool,
    key_expected: bool,
}

impl Walk {
    fn read(&mut self, index: usize, byte: u8) {
        if let Some(start) = self.string {
            self.read_in_string(start, index, byte);
            return;
        }
        match byte {
            b'"' => self.string = Some(index + 1),
            b'{' => self.enter(Enclosing::Object(None)),
            b'[' => self.enter(Enclosing::Array(0)),
            b'}' | b']' => self.leave(),
            b':' => self.key_expected = false,
            b',' => self.next(),
            _ => {}
        }
    }

    fn read_in_string(&mut self, start: usize, index: usize, byte: u8) {
        match byte {
            _ if self.escaped => self.escaped = false,
            b'\\' => self.escaped = true,
            b'"' => {
                self.string = None;
                self.end_string(start, index);
            }
            _ => {}
        }
    }

    fn end_string(&mut self, start: usize, end: usize) {
        if let (true, 0, Some(Enclosing::Object(key))) = (
            self.key_expected,
            self.unnamed_depth,
            self.enclosing.last_mut(),
        ) {
            *key = Some((start, end));
        }
    }

    fn enter(&mut self, enclosing: Enclosing) {
        self.key_expected = matches!(enclosing, Enclosing::Object(_));
        if self.enclosing.len() < MAX_DEPTH {
            self.enclosing.push(enclosing);
        } else {
            self.unnamed_depth += 1;
        }
    }

    fn leave(&mut self) {
        self.key_expected = false;
        if self.unnamed_depth > 0 {
            self.unnamed_depth -= 1;
        } else {
            self.enclosing.pop();
        }
    }

    fn next(&mut self) {
        if self.unnamed_depth > 0 {
            return;
        }
        match self.enclosing.last_mut() {
            Some(Enclosing::Array(index)) => *index += 1,
            Some(Enclosing::Object(_)) => self.key_expected = true,
            None => {}
        }
    }

    fn field(&self, text: &str) -> String {
        let steps = self.enclosing.iter().map(|step| step.text(text));
        let field: String = steps.collect();
        match field.trim_start_matches('.') {
            "" => "AdmissionReview".to_owned(),
            field => field.to_owned(),
        }
    }
}

impl Enclosing {
    /// The step from here to what is being read, as it is written in the name of a field.
    fn text(&self, text: &str) -> String {
        match self {
            Self::Array(index) => format!("[{index}]"),
            Self::Object(None) => String::new(),
            Self::Object(Some((start, end))) => {
                let key = text.get(*start..*end).unwrap_or_default();
                ['.']
                    .into_iter()
                    .chain(key.escape_debug().take(MAX_KEY))
                    .collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Position, field_at};

    #[track_caller]
    fn check(text_up_to_the_error: &str, field: &str) {
        let position = Position {
            line: 1,
            column: text_up_to_the_error.len(),
        };
        let whole = format!("{text_up_to_the_error}, and the rest");
        assert_eq!(field_at(&whole, position), field);
    }

    #[test]
    fn the_field_is_the_one_whose_value_is_being_read() {
        check(r#"{"request": {"uid": 5"#, "request.uid");
        check(
            r#"{"request": {"subjects": [{"a": 1}, {"name": "#,
            "request.subjects[1].name",
        );
        check(
            r#"{"request": {"a": [], "groups": ["x", "#,
            "request.groups[1]",
        );
    }

    #[test]
    fn a_value_that_has_ended_is_still_the_field() {
        check(
            r#"{"request": {"object": {"metadata": {}}"#,
            "request.object",
        );
        check(r#"{"request": {"uid""#, "request.uid");
    }

    #[test]
    fn outside_all_fields_the_review_is_named() {
        check("", "AdmissionReview");
        check("[", "[0]");
        check("{", "AdmissionReview");
    }

    #[test]
    fn brackets_and_quotes_inside_strings_do_not_count() {
        check(r#"{"request": {"a": "\"]}{[,", "b": "#, "request.b");
    }

    #[test]
    fn hostile_keys_are_escaped_and_cut() {
        let long = "k".repeat(1000);
        check(&format!(r#"{{"{long}": "#), &"k".repeat(64));
        check("{\"\u{1b}[2J\u{202e}\": ", r"\u{1b}[2J\u{202e}");
    }

    #[test]
    fn deep_nesting_is_not_remembered() {
        let deep = "[".repeat(1_000_000);
        check(&deep, &"[0]".repeat(12));
        let back = format!(r#"{{"a": {}{}, "b": "#, "[".repeat(100), "]".repeat(100));
        check(&back, "b");
    }

    #[test]
    fn lines_are_counted_from_one() {
        let position = Position::of_offset(b"ab\ncd", 4);
        assert_eq!(position.to_string(), "line 2, column 2");
        let text = "{\n \"request\":\n  5}";
        assert_eq!(field_at(text, Position { line: 3, column: 3 }), "request");
    }
}
