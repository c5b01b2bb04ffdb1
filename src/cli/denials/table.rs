//! Denials as a table that fits the terminal.

use std::fmt::Write as _;
use std::sync::Arc;

use jiff::Timestamp;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::audit::denial::{Denial, Pair};
use crate::audit::history::Seen;
use crate::domain::text::ShownName;

const HEADER: [&str; 6] = [
    "LAST SEEN",
    "COUNT",
    "REQUESTER",
    "BINDING",
    "PERSONA",
    "MISSING",
];
/// Between two columns, as kubectl has them.
const GAP: usize = 3;
/// No column is made narrower than this.
const NARROWEST: usize = 9;

type Row = [String; HEADER.len()];

/// A table that may be printed in parts.
pub(super) struct Table {
    /// How many columns there are on the terminal, if it is one.
    columns: Option<usize>,
    /// How wide each column is, once something was printed.
    widths: Option<[usize; HEADER.len()]>,
}

impl Table {
    pub(super) const fn new(columns: Option<usize>) -> Self {
        Self {
            columns,
            widths: None,
        }
    }

    /// These rows, below the header if they are the first.
    pub(super) fn rows(&mut self, entries: &[(&Arc<Denial>, Seen)], now: Timestamp) -> String {
        let mut rows: Vec<Row> = Vec::with_capacity(entries.len() + 1);
        if self.widths.is_none() {
            rows.push(HEADER.map(str::to_owned));
        }
        rows.extend(entries.iter().map(|(denial, seen)| row(denial, *seen, now)));
        let widths = *self
            .widths
            .get_or_insert_with(|| fitting(natural(&rows), self.columns));
        let mut text = String::new();
        for row in &rows {
            write_row(&mut text, row, &widths, self.columns.is_some());
        }
        text
    }
}

fn row(denial: &Denial, seen: Seen, now: Timestamp) -> Row {
    let binding = &denial.binding;
    let namespace = binding.namespace.as_deref().map(|name| shown(name) + "/");
    let what = denial.persona.as_deref().map_or("-".to_owned(), shown);
    [
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

fn natural(rows: &[Row]) -> [usize; HEADER.len()] {
    let mut widths = HEADER.map(str::len);
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width());
        }
    }
    widths
}

/// The widest column gives way until all fit, or none can.
fn fitting(mut widths: [usize; HEADER.len()], columns: Option<usize>) -> [usize; HEADER.len()] {
    let Some(columns) = columns else {
        return widths;
    };
    let gaps = GAP * (HEADER.len() - 1);
    while widths.iter().sum::<usize>() + gaps > columns {
        match widths.iter_mut().max() {
            Some(widest) if *widest > NARROWEST => *widest -= 1,
            _ => break,
        }
    }
    widths
}

fn write_row(text: &mut String, row: &Row, widths: &[usize; HEADER.len()], is_cut: bool) {
    let mut line = String::new();
    for (cell, width) in row.iter().zip(widths) {
        let cell = if is_cut {
            cut(cell, *width)
        } else {
            cell.clone()
        };
        let padding = width.saturating_sub(cell.width()) + GAP;
        line.push_str(&cell);
        line.extend(std::iter::repeat_n(' ', padding));
    }
    text.push_str(line.trim_end());
    text.push('\n');
}

/// As much of a text as fits.
fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut left = width.saturating_sub(1);
    for character in text.chars() {
        let needs = character.width().unwrap_or(0);
        if needs > left {
            break;
        }
        left -= needs;
        kept.push(character);
    }
    kept + "…"
}

#[cfg(test)]
mod tests;
