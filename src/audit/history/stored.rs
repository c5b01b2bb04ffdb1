//! The history as it is stored: texts in a ConfigMap, which anybody with the right may have edited.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::tally::{Bounds, Seen, Tally};
use crate::audit::denial::Denial;
use crate::audit::line::to_line;

/// The key of the ConfigMap that holds the entries, each a line of JSON.
pub const DENIALS_KEY: &str = "denials";
/// The key that holds which batch each replica wrote last, each a line: the replica, a space, and
/// the batch's number. The newest is last.
const BATCHES_KEY: &str = "batches";
/// How many replicas are remembered. More than run at a time, also while they are rolled.
const MOST_WRITERS: usize = 32;
/// Longer names than ours are of somebody else.
const LONGEST_WRITER: usize = 32;

/// What is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// The denials.
    pub denials: Tally,
    /// Replicas with the number of the batch that they wrote last, the newest last. So that a
    /// batch of which nobody knows whether it arrived is not counted twice.
    pub batches: Vec<(String, u64)>,
    /// How many lines and keys could not be understood. They are gone with the next write.
    pub garbage: usize,
}

/// One entry as a line of JSON.
#[derive(Debug, Serialize, Deserialize)]
struct Line<D> {
    #[serde(flatten)]
    denial: D,
    #[serde(flatten)]
    seen: Seen,
}

impl Stored {
    /// Reads what is stored. Whatever it is, it is read: what cannot be understood is counted, and
    /// what is too much is cut.
    #[must_use]
    pub fn read<'d>(data: impl IntoIterator<Item = (&'d String, &'d String)>) -> Self {
        let mut stored = Self::default();
        for (key, text) in data {
            match key.as_str() {
                DENIALS_KEY => stored.read_denials(text),
                BATCHES_KEY => stored.read_batches(text),
                _ => stored.garbage += 1,
            }
        }
        stored
    }

    fn read_denials(&mut self, text: &str) {
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            match serde_json::from_str::<Line<Denial>>(line) {
                Ok(Line { denial, seen }) if seen.count > 0 => {
                    self.denials.add(denial.bounded(), seen);
                }
                _ => self.garbage += 1,
            }
        }
        let too_much = self.denials.trim(Bounds::HISTORY);
        self.garbage += too_much.len();
    }

    fn read_batches(&mut self, text: &str) {
        for line in text.lines() {
            let batch = line.split_once(' ').and_then(|(writer, number)| {
                let number = number.parse().ok()?;
                let is_known = !writer.is_empty() && writer.len() <= LONGEST_WRITER;
                is_known.then(|| (writer.to_owned(), number))
            });
            match batch {
                Some((writer, number)) => self.note(&writer, number),
                None => self.garbage += 1,
            }
        }
    }

    /// Whether this batch is in it.
    #[must_use]
    pub fn has(&self, writer: &str, number: u64) -> bool {
        let mut batches = self.batches.iter();
        batches.any(|(other, last)| other == writer && *last >= number)
    }

    /// Notes that this batch is in it.
    pub fn note(&mut self, writer: &str, number: u64) {
        self.batches.retain(|(other, _)| other != writer);
        self.batches.push((writer.to_owned(), number));
        let too_many = self.batches.len().saturating_sub(MOST_WRITERS);
        self.batches.drain(..too_many);
    }

    /// What to store, without what could not be understood.
    #[must_use]
    pub fn write(&self) -> BTreeMap<String, String> {
        let mut denials = Vec::with_capacity(self.denials.bytes());
        for (denial, seen) in self.denials.iter() {
            let denial = &**denial;
            denials.extend(to_line(&Line { denial, seen }));
        }
        let mut batches = String::new();
        for (writer, number) in &self.batches {
            // Writing to a String cannot fail.
            let _ = writeln!(batches, "{writer} {number}");
        }
        let denials = String::from_utf8_lossy(&denials).into_owned();
        BTreeMap::from([
            (DENIALS_KEY.to_owned(), denials),
            (BATCHES_KEY.to_owned(), batches),
        ])
    }
}

#[cfg(test)]
mod tests;
