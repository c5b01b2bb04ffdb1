//! Prints denials.

use std::fmt::Write as _;
use std::sync::Arc;

use anyhow::Context;
use jiff::Timestamp;
use serde::Serialize;

use super::Format;
use super::table::Table;
use crate::audit::denial::Denial;
use crate::audit::history::{Seen, Tally};
use crate::cli::{Outcome, output};
use crate::domain::text::needs_escape;

/// All of them, as they are printed.
#[derive(Serialize)]
struct Shown<'d> {
    denials: Vec<Entry<'d>>,
}

#[derive(Serialize)]
struct Entry<'d> {
    #[serde(flatten)]
    denial: &'d Denial,
    #[serde(flatten)]
    seen: Seen,
}

/// Prints in one format.
pub(super) struct Printer {
    format: Format,
    table: Table,
}

impl Printer {
    pub(super) fn new(format: Format) -> Self {
        Self {
            format,
            table: Table::new(output::columns()),
        }
    }

    /// Prints all there is.
    pub(super) fn whole(&mut self, denials: &Tally, now: Timestamp) -> anyhow::Result<Outcome> {
        let entries = latest_first(denials);
        let text = match self.format {
            Format::Table if entries.is_empty() => {
                output::tell("no denials\n");
                return Ok(Outcome::Done);
            }
            Format::Table => self.table.rows(&entries, now),
            Format::Json => {
                let shown = Shown {
                    denials: entries.into_iter().map(Entry::from).collect(),
                };
                json(&shown)?
            }
            Format::Yaml => {
                let shown = Shown {
                    denials: entries.into_iter().map(Entry::from).collect(),
                };
                yaml(&shown)?
            }
        };
        output::print(&text)
    }

    /// Prints some more. Whether anybody still reads it.
    pub(super) fn more(&mut self, denials: &Tally, now: Timestamp) -> anyhow::Result<bool> {
        let entries = latest_first(denials);
        let mut text = String::new();
        match self.format {
            Format::Table => text = self.table.rows(&entries, now),
            Format::Json => {
                for entry in entries {
                    let line = serde_json::to_string(&Entry::from(entry));
                    text += &visible(&line.context("cannot write JSON")?);
                    text.push('\n');
                }
            }
            Format::Yaml => {
                for entry in entries {
                    text.push_str("---\n");
                    text += &yaml(&Entry::from(entry))?;
                }
            }
        }
        output::print_on(&text)
    }
}

impl<'d> From<(&'d Arc<Denial>, Seen)> for Entry<'d> {
    fn from((denial, seen): (&'d Arc<Denial>, Seen)) -> Self {
        Self { denial, seen }
    }
}

fn latest_first(denials: &Tally) -> Vec<(&Arc<Denial>, Seen)> {
    let mut entries: Vec<_> = denials.iter().collect();
    entries.sort_by_key(|(_, seen)| std::cmp::Reverse(seen.last_seen));
    entries
}

fn json(shown: &impl Serialize) -> anyhow::Result<String> {
    let text = serde_json::to_string_pretty(shown).context("cannot write JSON")?;
    Ok(visible(&text) + "\n")
}

/// YAML, in the form of JSON if there is in it what a terminal would not show.
fn yaml(shown: &impl Serialize) -> anyhow::Result<String> {
    let text = serde_saphyr::to_string(shown).context("cannot write YAML")?;
    let is_plain = |character| character == '\n' || !needs_escape(character);
    if text.chars().all(is_plain) {
        return Ok(text);
    }
    json(shown)
}

/// JSON in which nothing is left that a terminal would not show. Outside of strings there is
/// nothing of the kind, but for the line feeds between them.
fn visible(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        if character == '\n' || !needs_escape(character) {
            text.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            // Writing to a String cannot fail.
            let _ = write!(text, "\\u{unit:04x}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Entry, Seen, Shown, needs_escape};
    use crate::audit::denial::Denial;
    use jiff::Timestamp;

    fn denial(requester: &str) -> Denial {
        let subject = json!({"kind": "User", "name": "bob"});
        let denial = json!({
            "requester": requester,
            "binding": {"kind": "RoleBinding", "namespace": "red", "name": "x"},
            "persona": "view",
            "missing": [{"subject": subject, "companion": "lists"}],
        });
        serde_json::from_value(denial).unwrap()
    }

    #[test]
    fn json_and_yaml_are_the_documented_object_and_hostile_names_come_back_whole() {
        for requester in [
            "admin",
            "a\n\u{1b}[31m\u{9b}\u{202e}\u{2028}\"\\\0é🚀\u{e0041}: #",
        ] {
            let denial = denial(requester);
            let seen = Seen::once(Timestamp::from_second(5).unwrap());
            let shown = Shown {
                denials: vec![Entry {
                    denial: &denial,
                    seen,
                }],
            };
            let expected = json!({"denials": [{
                "requester": requester,
                "binding": {"kind": "RoleBinding", "namespace": "red", "name": "x"},
                "persona": "view",
                "missing": [{"subject": {"kind": "User", "name": "bob"}, "companion": "lists"}],
                "count": 1,
                "first_seen": "1970-01-01T00:00:05Z",
                "last_seen": "1970-01-01T00:00:05Z",
            }]});
            let (json, yaml) = (super::json(&shown).unwrap(), super::yaml(&shown).unwrap());
            for text in [&json, &yaml] {
                let is_plain = |character| character == '\n' || !needs_escape(character);
                assert!(text.chars().all(is_plain), "{text:?}");
            }
            assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), expected);
            assert_eq!(serde_saphyr::from_str::<Value>(&yaml).unwrap(), expected);
        }
    }
}
