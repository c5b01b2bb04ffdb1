//! Texts and values as YAML that every reader takes for the same, and no terminal for a command.

use std::fmt::{self, Display, Formatter, Write};

use serde_json::Value;

use crate::domain::text::needs_escape;

/// A string as a YAML scalar: plain where nobody can take it for anything else, between double
/// quotes otherwise, with everything escaped that does not show as itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scalar<'a>(pub(super) &'a str);

impl Display for Scalar<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        if is_plain(self.0) {
            return formatter.write_str(self.0);
        }
        formatter.write_char('"')?;
        for character in self.0.chars() {
            match character {
                '"' => formatter.write_str("\\\"")?,
                '\\' => formatter.write_str("\\\\")?,
                hidden if must_be_escaped(hidden) => match u32::from(hidden) {
                    code @ ..=0xff => write!(formatter, "\\x{code:02x}")?,
                    code @ ..=0xffff => write!(formatter, "\\u{code:04x}")?,
                    code => write!(formatter, "\\U{code:08x}")?,
                },
                other => formatter.write_char(other)?,
            }
        }
        formatter.write_char('"')
    }
}

/// Beside what hides, YAML prints neither of these two non-characters.
fn must_be_escaped(character: char) -> bool {
    needs_escape(character) || matches!(character, '\u{fffe}' | '\u{ffff}')
}

/// Whether no reader of YAML 1.1 or 1.2 takes the text for anything but a string. It begins with a
/// letter, holds only letters, digits and a little punctuation, and is no word that means something.
fn is_plain(text: &str) -> bool {
    let inner =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'@' | b'/');
    let pairs = text.bytes().zip(text.bytes().skip(1));
    let mut colons = pairs.filter(|(byte, _)| *byte == b':');
    text.bytes()
        .next()
        .is_some_and(|byte| byte.is_ascii_alphabetic())
        && text.bytes().all(|byte| inner(byte) || byte == b':')
        && !text.ends_with(':')
        && colons.all(|(_, next)| next != b':')
        && !WORDS.iter().any(|word| word.eq_ignore_ascii_case(text))
}

/// What YAML 1.1 reads as booleans and nulls.
///
/// Sources: <https://yaml.org/type/bool.html>, <https://yaml.org/type/null.html>
const WORDS: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];

/// Writes a value at an indentation, the line feed included. What comes before is on the line
/// already, and ends with `:` or `-`, or there is nothing before.
pub(super) fn write_value(text: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (position, (key, value)) in fields.iter().enumerate() {
                if position > 0 || !text.ends_with("- ") {
                    begin_line(text, indent);
                }
                push(text, format_args!("{}:", Scalar(key)));
                write_field(text, value, indent);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                begin_line(text, indent);
                text.push_str("- ");
                write_value(text, item, indent + 2);
            }
        }
        Value::Object(_) => text.push_str("{}\n"),
        Value::Array(_) => text.push_str("[]\n"),
        Value::String(string) => push(text, format_args!("{}\n", Scalar(string))),
        other => push(text, format_args!("{other}\n")),
    }
}

fn write_field(text: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(fields) if !fields.is_empty() => write_value(text, value, indent + 2),
        Value::Array(items) if !items.is_empty() => write_value(text, value, indent),
        Value::String(string) if is_block(string) => {
            text.push_str(" |\n");
            for line in string.lines() {
                push(text, format_args!("{:1$}{line}\n", "", indent + 2));
            }
        }
        other => {
            text.push(' ');
            write_value(text, other, indent);
        }
    }
}

/// Whether a text can be a literal block as it is: several lines that begin with no space, of which
/// nothing has to be escaped.
fn is_block(text: &str) -> bool {
    text.len() > 1
        && text.ends_with('\n')
        && !text.ends_with("\n\n")
        && !text.starts_with([' ', '\n'])
        && text
            .chars()
            .all(|character| character == '\n' || !must_be_escaped(character))
}

fn begin_line(text: &mut String, indent: usize) {
    if text.ends_with(':') {
        text.push('\n');
    }
    push(text, format_args!("{:indent$}", ""));
}

fn push(text: &mut String, written: fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = text.write_fmt(written);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
    use serde_json::{Value, json};

    use super::{Scalar, write_value};
    use crate::domain::text::needs_escape;

    /// What a reader makes of a scalar, if it takes it for a string.
    fn read(text: &str) -> Option<String> {
        let value: Value = serde_saphyr::from_str(text).ok()?;
        value.as_str().map(str::to_owned)
    }

    #[test]
    fn what_a_reader_could_take_for_something_else_is_quoted() {
        for plain in [
            "alice",
            "alice@example.com",
            "a-b.c_d/e",
            "system:masters",
            "oidc:a",
        ] {
            assert_eq!(Scalar(plain).to_string(), plain);
        }
        for odd in [
            "",
            "on",
            "No",
            "TRUE",
            "null",
            "~",
            "12",
            "1e3",
            "0x1f",
            "-a",
            ".5",
            "a: b",
            "a:",
            "a b",
            "a #b",
            "#a",
            "{a}",
            "*a",
            "&a",
            "!a",
            "|",
            ">",
            "%a",
            "@a",
            "`a",
            "'a'",
            "\"",
            "\\",
            "2026-11-24",
            "<<",
            "=",
            "a::b",
            "12:30:45",
            "é",
        ] {
            let shown = Scalar(odd).to_string();
            assert!(shown.starts_with('"'), "{shown}");
            assert_eq!(read(&shown).as_deref(), Some(odd));
        }
    }

    #[test]
    fn a_value_is_written_as_people_write_it() {
        let value = json!({
            "a": [{"b": "c", "d": ["e", "f"]}, "g", [], {}],
            "h": {"i": 1, "j": null},
            "k": "two\nlines\n",
        });
        let mut text = String::new();
        write_value(&mut text, &value, 0);
        let expected = "\
a:
- b: c
  d:
  - e
  - f
- g
- []
- {}
h:
  i: 1
  j: null
k: |
  two
  lines
";
        assert_eq!(text, expected);
    }

    proptest! {
        #[test]
        fn every_text_is_read_back_as_itself_and_hides_nothing(text in any::<String>()) {
            let shown = Scalar(&text).to_string();
            prop_assert!(!shown.chars().any(needs_escape), "{shown:?}");
            prop_assert_eq!(read(&shown), Some(text.clone()));
            let mut written = String::new();
            write_value(&mut written, &json!({"a": [{"b": &text, "c": text.clone() + "\n"}]}), 0);
            let back: Value = serde_saphyr::from_str(&written).unwrap();
            prop_assert_eq!(&back["a"][0]["b"], &json!(text));
            prop_assert_eq!(&back["a"][0]["c"], &json!(text.clone() + "\n"), "{}", written);
        }
    }
}
