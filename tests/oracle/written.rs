//! JSON written in one of the many ways that mean the same.

use std::fmt::Write as _;

use serde_json::Value;

use crate::random::Random;

/// The document with its keys in any order, its strings escaped more than need be now and then,
/// and blanks where they may stand.
pub(crate) fn written(random: &mut Random, document: &Value) -> String {
    let mut text = String::with_capacity(2_048);
    write(random, document, &mut text);
    text
}

fn write(random: &mut Random, value: &Value, text: &mut String) {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<(&String, &Value)> = fields.iter().collect();
            random.shuffle(&mut fields);
            text.push('{');
            for (position, (key, value)) in fields.into_iter().enumerate() {
                separate(random, position, text);
                write_string(random, key, text);
                text.push(':');
                write(random, value, text);
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for (position, item) in items.iter().enumerate() {
                separate(random, position, text);
                write(random, item, text);
            }
            text.push(']');
        }
        Value::String(string) => write_string(random, string, text),
        other => text.push_str(&other.to_string()),
    }
}

fn separate(random: &mut Random, position: usize, text: &mut String) {
    if position > 0 {
        text.push(',');
    }
    if random.one_in(8) {
        text.push_str("\n \t");
    }
}

fn write_string(random: &mut Random, string: &str, text: &mut String) {
    let escape_all = random.one_in(12);
    text.push('"');
    for character in string.chars() {
        if escape_all || character < ' ' || matches!(character, '"' | '\\') {
            for unit in character.encode_utf16(&mut [0; 2]) {
                let _ = write!(text, "\\u{unit:04x}");
            }
        } else {
            text.push(character);
        }
    }
    text.push('"');
}
