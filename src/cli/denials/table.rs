//! Denials as a table.

use std::fmt::Write as _;
use std::sync::Arc;

use jiff::Timestamp;

use crate::audit::denial::{Denial, Pair};
use crate::audit::history::Seen;
use crate::domain::text::ShownName;
use crate::report::terminal::{self, Overflow};

const HEADER: [&str; 6] = [
    "LAST SEEN",
    "COUNT",
    "REQUESTER",
    "BINDING",
    "PERSONA",
    "MISSING",
];
/// A table that may be printed in parts.
pub(super) struct Table {
    /// How many columns there are on the terminal, if it is one.
    columns: Option<usize>,
    /// The table, once something was printed: later rows stand below the first ones.
    begun: Option<terminal::Table>,
}

impl Table {
    pub(super) const fn new(columns: Option<usize>) -> Self {
        Self {
            columns,
            begun: None,
        }
    }

    /// These rows, below the header if they are the first.
    pub(super) fn rows(&mut self, entries: &[(&Arc<Denial>, Seen)], now: Timestamp) -> String {
        let mut rows: Vec<Vec<String>> = entries
            .iter()
            .map(|(denial, seen)| row(denial, *seen, now))
            .collect();
        let table = if let Some(begun) = &self.begun {
            begun
        } else {
            let all = rows.iter().cloned();
            let table = terminal::Table::fitting(&HEADER, all, self.columns, Overflow::Cut);
            rows.insert(0, HEADER.map(str::to_owned).into());
            self.begun.insert(table)
        };
        let mut text = Vec::new();
        for row in &rows {
            // Writing to a Vec cannot fail.
            let _ = table.write_row(row, &mut text);
        }
        String::from_utf8_lossy(&text).into_owned()
    }
}

fn row(denial: &Denial, seen: Seen, now: Timestamp) -> Vec<String> {
    let binding = &denial.binding;
    let namespace = binding.namespace.as_deref().map(|name| shown(name) + "/");
    let what = denial.persona.as_deref().map_or("-".to_owned(), shown);
    vec![
        age(now, seen.last_seen),
        seen.count.to_string(),
        shown(&denial.requester),
        format!(
            "{} {}{}",
            binding.kind.as_str(),
            namespace.unwrap_or_default(),
            shown(&binding.name)
        ),
        what,
        missing(denial),
    ]
}

/// Who lacks what, or would lose it.
fn missing(denial: &Denial) -> String {
    let same = |one: &Pair, other: &Pair| one.subject == other.subject;
    let subjects = denial.missing.chunk_by(same).filter_map(|pairs| {
        let subject = &pairs.first()?.subject;
        let namespace = subject.namespace.as_deref().map(|name| shown(name) + "/");
        let companions: Vec<String> = pairs.iter().map(|pair| shown(&pair.companion)).collect();
        Some(format!(
            "{} {}{}: {}",
            subject.kind.as_str(),
            namespace.unwrap_or_default(),
            shown(&subject.name),
            companions.join(", ")
        ))
    });
    let mut text = subjects.collect::<Vec<_>>().join("; ");
    let rest = denial.total().saturating_sub(denial.missing.len());
    if rest > 0 {
        let _ = write!(text, "; and {rest} more");
    }
    text
}

fn shown(name: &str) -> String {
    ShownName(name).to_string()
}

/// How long ago, in the two largest units at most, as kubectl has it.
fn age(now: Timestamp, then: Timestamp) -> String {
    let seconds = now.as_second().saturating_sub(then.as_second()).max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7_200 => format!("{minutes}m"),
        7_200..172_800 => format!("{hours}h"),
        _ => format!("{days}d"),
    }
}

#[cfg(test)]
mod tests;
