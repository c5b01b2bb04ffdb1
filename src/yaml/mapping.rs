//! A mapping: its entries in the order in which they are written, merge keys carried out.

use std::borrow::Cow;

use super::error::Error;
use super::node::{Node, Position, Value};

/// A key of a mapping and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key<'a> {
    /// As written, quotes and escapes taken off.
    pub text: Cow<'a, str>,
    /// Where it begins.
    pub position: Position,
}

/// A key with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The key.
    pub key: Key<'a>,
    /// The value.
    pub value: Node<'a>,
}

/// The entries of a mapping, in the order in which they are written; those of merge keys last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapping<'a> {
    entries: Vec<Entry<'a>>,
}

impl<'a> Mapping<'a> {
    /// Puts a mapping together.
    ///
    /// Repeated keys are faults, each reported where it is repeated. Merged entries give way to
    /// the mapping's own and to those merged before them (<https://yaml.org/type/merge.html>).
    pub(super) fn new(
        entries: Vec<Entry<'a>>,
        merged: &[Node<'a>],
        mut report: impl FnMut(Error),
    ) -> Self {
        report_repeated_keys(&entries, &mut report);
        let mut mapping = Self { entries };
        if !merged.is_empty() {
            mapping.merge(merged, &mut report);
        }
        mapping
    }

    /// Every entry, in order.
    #[must_use]
    pub fn entries(&self) -> impl ExactSizeIterator<Item = &Entry<'a>> {
        self.entries.iter()
    }

    /// The value of a key; of a repeated one the last, as Kubernetes reads it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Node<'a>> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The entry of a key; of a repeated one the last.
    #[must_use]
    pub fn entry(&self, key: &str) -> Option<&Entry<'a>> {
        self.entries
            .iter()
            .rev()
            .find(|entry| entry.key.text == key)
    }

    fn merge(&mut self, merged: &[Node<'a>], report: &mut impl FnMut(Error)) {
        let own = self.entries.len();
        for source in merged {
            match &source.value {
                Value::Mapping(mapping) => self.entries.extend(mapping.entries.iter().cloned()),
                Value::Sequence(items) => {
                    for item in items.iter() {
                        match item.as_mapping() {
                            Some(mapping) => self.entries.extend(mapping.entries.iter().cloned()),
                            None => report(cannot_merge(item)),
                        }
                    }
                }
                Value::Null | Value::Boolean { .. } | Value::Number(_) | Value::String(_) => {
                    report(cannot_merge(source));
                }
            }
        }
        let mut order = order_by_key(&self.entries);
        // Of equal keys only the first stays, unless it is one of the mapping's own.
        order.dedup_by(|later, first| *later >= own && same_key(&self.entries, *later, *first));
        order.sort_unstable();
        let mut kept = order.into_iter().peekable();
        let mut index = 0;
        self.entries.retain(|_| {
            let keep = kept.next_if_eq(&index).is_some();
            index += 1;
            keep
        });
    }
}

fn report_repeated_keys(entries: &[Entry<'_>], report: &mut impl FnMut(Error)) {
    let order = order_by_key(entries);
    let mut repeated: Vec<(&Entry<'_>, &Entry<'_>)> = order
        .iter()
        .zip(order.iter().skip(1))
        .filter(|(first, second)| same_key(entries, **first, **second))
        .filter_map(|(first, second)| Some((entries.get(*first)?, entries.get(*second)?)))
        .collect();
    repeated.sort_unstable_by_key(|(_, second)| second.key.position);
    for (first, second) in repeated {
        report(Error::new(
            second.key.position,
            format!(
                "the key {:?} is already on line {}",
                second.key.text, first.key.position.line
            ),
        ));
    }
}

/// The entries' indices, by key and then by place. Sorting finds repeated keys without a set for
/// each of the many small mappings of a manifest.
fn order_by_key(entries: &[Entry<'_>]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..entries.len()).collect();
    if entries.len() > 1 {
        order.sort_by_key(|index| entries.get(*index).map(|entry| entry.key.text.as_ref()));
    }
    order
}

fn same_key(entries: &[Entry<'_>], one: usize, other: usize) -> bool {
    match (entries.get(one), entries.get(other)) {
        (Some(one), Some(other)) => one.key.text == other.key.text,
        _ => false,
    }
}

fn cannot_merge(node: &Node<'_>) -> Error {
    Error::new(
        node.position,
        format!(
            "`<<` merges a mapping or a list of mappings, not {}",
            node.description()
        ),
    )
}
