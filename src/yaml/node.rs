//! A value, and where it stands.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use super::mapping::Mapping;

/// A place in a text. Columns count characters, not bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1.
    pub column: u32,
}

impl Position {
    /// Where every text begins.
    pub const START: Self = Self { line: 1, column: 1 };

    /// Where one stands after reading on from here.
    #[must_use]
    pub fn after(self, passed: &str) -> Self {
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        match passed.rsplit_once('\n') {
            None => Self {
                line: self.line,
                column: self.column.saturating_add(count(passed.chars().count())),
            },
            Some((before, last)) => Self {
                line: self
                    .line
                    .saturating_add(count(before.matches('\n').count()))
                    .saturating_add(1),
                column: count(last.chars().count()).saturating_add(1),
            },
        }
    }
}

impl fmt::Display for Position {
    /// As compilers write it: `line:column`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.line, self.column)
    }
}

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node<'a> {
    /// Where it begins; for one that an alias repeats, where the alias stands.
    pub position: Position,
    /// What it is.
    pub value: Value<'a>,
}

/// What a node is.
///
/// Collections are shared, because an alias repeats its anchor: a copy costs nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// Nothing, `null` or `~`.
    Null,
    /// A boolean, of YAML 1.1 too: `on`, `No`, `y`.
    Boolean {
        /// Which.
        value: bool,
        /// As written.
        text: Cow<'a, str>,
    },
    /// A number of any size, as written.
    Number(Cow<'a, str>),
    /// A string.
    String(Cow<'a, str>),
    /// A list.
    Sequence(Arc<[Node<'a>]>),
    /// A mapping.
    Mapping(Arc<Mapping<'a>>),
}

impl<'a> Node<'a> {
    /// The text of a string. Nothing else is a string: Kubernetes refuses `name: 12` and
    /// `name: on` too.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            Value::Null
            | Value::Boolean { .. }
            | Value::Number(_)
            | Value::Sequence(_)
            | Value::Mapping(_) => None,
        }
    }

    /// The entries of a mapping.
    #[must_use]
    pub fn as_mapping(&self) -> Option<&Mapping<'a>> {
        match &self.value {
            Value::Mapping(mapping) => Some(mapping),
            Value::Null
            | Value::Boolean { .. }
            | Value::Number(_)
            | Value::String(_)
            | Value::Sequence(_) => None,
        }
    }

    /// The items of a list.
    #[must_use]
    pub fn as_sequence(&self) -> Option<&[Self]> {
        match &self.value {
            Value::Sequence(items) => Some(items),
            Value::Null
            | Value::Boolean { .. }
            | Value::Number(_)
            | Value::String(_)
            | Value::Mapping(_) => None,
        }
    }

    /// Whether there is nothing, `null` or `~`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.value == Value::Null
    }

    /// What a message calls this kind of value, article included.
    #[must_use]
    pub fn description(&self) -> &'static str {
        match &self.value {
            Value::Null => "nothing",
            Value::Boolean { .. } => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::Sequence(_) => "a list",
            Value::Mapping(_) => "a mapping",
        }
    }
}
