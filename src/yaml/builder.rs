//! The events of a parser put together to a tree.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use serde_saphyr::granit_parser::{Event, ScalarStyle, Tag};

use super::error::Error;
use super::mapping::{Entry, Key, Mapping};
use super::node::{Node, Position, Value};
use super::scalar;

/// How many bytes of tree the aliases of one text may repeat in all.
///
/// Enough for any file that people write, and little enough that a file of nested aliases
/// ("billion laughs") ends at once.
pub const ALIAS_BUDGET: usize = 16 * 1024 * 1024;

/// Faults that leave the document readable, at most so many for each.
const MAX_FAULTS: usize = 100;

/// How deep a tree may be with its aliases in place. The parser bounds only what is written out:
/// 255 levels of blocks and as many of brackets.
const MAX_DEPTH: usize = 512;

/// How big a node is with everything in it.
#[derive(Clone, Copy, Debug)]
struct Size {
    /// Bytes, roughly.
    weight: usize,
    /// Levels of collections.
    height: usize,
}

impl Size {
    const fn of(text: &str) -> Self {
        Self {
            weight: 64 + text.len(),
            height: 0,
        }
    }

    fn hold(&mut self, child: Self) {
        self.weight = self.weight.saturating_add(child.weight);
        self.height = self.height.max(child.height.saturating_add(1));
    }
}

/// The tree of one document, as far as its events have come.
#[derive(Debug)]
pub(super) struct Builder<'a> {
    open: Vec<Collection<'a>>,
    root: Option<Node<'a>>,
    faults: Vec<Error>,
    /// Finished anchors by their number.
    anchors: HashMap<usize, (Node<'a>, Size)>,
    budget: usize,
}

#[derive(Debug)]
struct Collection<'a> {
    position: Position,
    anchor: usize,
    size: Size,
    items: Items<'a>,
}

#[derive(Debug)]
enum Items<'a> {
    Sequence(Vec<Node<'a>>),
    Mapping {
        entries: Vec<Entry<'a>>,
        merged: Vec<Node<'a>>,
        pending: Pending<'a>,
    },
}

/// What the next node in a mapping is.
#[derive(Debug)]
enum Pending<'a> {
    AKey,
    ValueOf(Key<'a>),
    Merged,
    /// The value of a key that is a fault.
    Nothing,
}

impl<'a> Builder<'a> {
    pub(super) fn new() -> Self {
        Self {
            open: Vec::new(),
            root: None,
            faults: Vec::new(),
            anchors: HashMap::new(),
            budget: ALIAS_BUDGET,
        }
    }

    /// Forgets the document under construction. The alias budget is the text's and stays spent.
    pub(super) fn reset(&mut self) {
        self.open.clear();
        self.root = None;
        self.faults.clear();
        self.anchors.clear();
    }

    /// Takes the finished document: its root and the faults that left it readable.
    pub(super) fn take(&mut self, end: Position) -> (Node<'a>, Vec<Error>) {
        let root = self.root.take().unwrap_or(Node {
            position: end,
            value: Value::Null,
        });
        let faults = std::mem::take(&mut self.faults);
        self.reset();
        (root, faults)
    }

    /// Adds an event of the parser.
    ///
    /// # Errors
    ///
    /// An alias that refers to what it is part of, or that would exceed the budget.
    pub(super) fn add(&mut self, event: Event<'a>, position: Position) -> Result<(), Error> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.scalar(position, text, style, anchor, tag.as_deref());
            }
            Event::SequenceStart(_, anchor, _) => {
                self.begin(position, anchor, Items::Sequence(Vec::new()));
            }
            Event::MappingStart(_, anchor, _) => {
                let items = Items::Mapping {
                    entries: Vec::new(),
                    merged: Vec::new(),
                    pending: Pending::AKey,
                };
                self.begin(position, anchor, items);
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Alias(anchor) => return self.alias(position, anchor),
            // The rest says nothing about the tree.
            _ => {}
        }
        Ok(())
    }

    fn begin(&mut self, position: Position, anchor: usize, items: Items<'a>) {
        self.open.push(Collection {
            position,
            anchor,
            size: Size::of(""),
            items,
        });
    }

    fn end(&mut self) {
        let Some(collection) = self.open.pop() else {
            return;
        };
        let value = match collection.items {
            Items::Sequence(items) => Value::Sequence(items.into()),
            Items::Mapping {
                entries, merged, ..
            } => {
                let faults = &mut self.faults;
                let report = |fault| {
                    if faults.len() < MAX_FAULTS {
                        faults.push(fault);
                    }
                };
                Value::Mapping(Arc::new(Mapping::new(entries, &merged, report)))
            }
        };
        let node = Node {
            position: collection.position,
            value,
        };
        self.finish(node, collection.size, collection.anchor);
    }

    fn scalar(
        &mut self,
        position: Position,
        text: Cow<'a, str>,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
    ) {
        let size = Size::of(&text);
        let plain = style == ScalarStyle::Plain && tag.is_none();
        if let Some(Collection {
            items: Items::Mapping { pending, .. },
            ..
        }) = self.open.last_mut()
            && matches!(pending, Pending::AKey)
        {
            *pending = if plain && text == "<<" {
                Pending::Merged
            } else {
                // A key is a string whatever it looks like; an anchored one can be repeated.
                if anchor != 0 {
                    let value = Value::String(text.clone());
                    self.anchors
                        .insert(anchor, (Node { position, value }, size));
                }
                Pending::ValueOf(Key { text, position })
            };
            return;
        }
        let value = match tag.map(Tag::core_suffix) {
            None if plain => scalar::resolve(text),
            Some(Some("null" | "bool" | "int" | "float")) => scalar::resolve(text),
            None | Some(_) => Value::String(text),
        };
        self.finish(Node { position, value }, size, anchor);
    }

    fn alias(&mut self, position: Position, anchor: usize) -> Result<(), Error> {
        let Some((node, size)) = self.anchors.get(&anchor) else {
            return Err(Error::new(
                position,
                "this alias refers to what it is itself part of",
            ));
        };
        let Some(budget) = self.budget.checked_sub(size.weight) else {
            return Err(Error::new(
                position,
                "the aliases of this text repeat too much; write it out",
            ));
        };
        if self.open.len() + size.height > MAX_DEPTH {
            return Err(Error::new(position, "this alias nests too deep"));
        }
        self.budget = budget;
        let (value, size) = (node.value.clone(), *size);
        self.finish(Node { position, value }, size, 0);
        Ok(())
    }

    /// Puts a finished node where it belongs.
    fn finish(&mut self, node: Node<'a>, size: Size, anchor: usize) {
        if anchor != 0 {
            self.anchors.insert(anchor, (node.clone(), size));
        }
        let Some(parent) = self.open.last_mut() else {
            self.root = Some(node);
            return;
        };
        parent.size.hold(size);
        match &mut parent.items {
            Items::Sequence(items) => items.push(node),
            Items::Mapping {
                entries,
                merged,
                pending,
            } => match std::mem::replace(pending, Pending::AKey) {
                Pending::ValueOf(key) => entries.push(Entry { key, value: node }),
                Pending::Merged => merged.push(node),
                Pending::Nothing => {}
                Pending::AKey => *pending = Self::key_from(node, &mut self.faults),
            },
        }
    }

    /// What comes after a node in a key's place that is not simply written there: an alias, or a
    /// collection.
    fn key_from(node: Node<'a>, faults: &mut Vec<Error>) -> Pending<'a> {
        let position = node.position;
        match node.value {
            Value::String(text) | Value::Number(text) | Value::Boolean { text, .. } => {
                Pending::ValueOf(Key { text, position })
            }
            Value::Null | Value::Sequence(_) | Value::Mapping(_) => {
                if faults.len() < MAX_FAULTS {
                    faults.push(Error::new(position, "only a scalar can be a key"));
                }
                Pending::Nothing
            }
        }
    }
}
