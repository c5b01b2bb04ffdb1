//! A value of the document together with the path that leads to it.

use crate::yaml::{Node, Value};

use super::error::PolicyError;
use super::suggestion::quoted;
use super::words::Words;

/// A value and the path that leads to it.
#[derive(Clone, Debug)]
pub(super) struct Place<'n> {
    /// The value.
    pub(super) node: &'n Node<'n>,
    /// Its path, empty for the document.
    pub(super) path: String,
    /// Whether it is a field that may be left out.
    pub(super) optional: bool,
}

impl<'n> Place<'n> {
    pub(super) fn root(node: &'n Node<'n>) -> Self {
        Self {
            node,
            path: String::new(),
            optional: false,
        }
    }

    /// An error here.
    pub(super) fn error(&self, message: impl Into<String>) -> PolicyError {
        PolicyError {
            position: self.node.position,
            field: self.path.clone(),
            message: message.into(),
        }
    }

    /// The path of a field of this mapping, whether there is one or not.
    pub(super) fn path_of(&self, name: &str) -> String {
        let plain = |name: &str| {
            name.chars()
                .all(|character| character.is_ascii_alphanumeric() || "-_".contains(character))
        };
        let name = if plain(name) && !name.is_empty() && name.len() <= 64 {
            name.to_owned()
        } else {
            quoted(name)
        };
        if self.path.is_empty() {
            name
        } else {
            format!("{}.{name}", self.path)
        }
    }

    /// A field of this mapping.
    pub(super) fn field(&self, name: &str) -> Option<Self> {
        let node = self.node.as_mapping()?.get(name)?;
        Some(Self {
            node,
            path: self.path_of(name),
            optional: true,
        })
    }

    /// The items of the list that a field of this mapping is; nothing if it is none.
    pub(super) fn items_of(&self, name: &str) -> Vec<Self> {
        self.field(name).map_or_else(Vec::new, |list| list.items())
    }

    /// The items of this list; nothing if it is none.
    pub(super) fn items(&self) -> Vec<Self> {
        self.node
            .as_sequence()
            .unwrap_or_default()
            .iter()
            .enumerate()
            .map(|(index, node)| Self {
                node,
                path: format!("{}[{index}]", self.path),
                optional: false,
            })
            .collect()
    }

    /// The text of this string; nothing if it is none.
    pub(super) fn text(&self) -> Option<&'n str> {
        self.node.as_str()
    }

    /// The texts of the list that a field of this mapping is.
    pub(super) fn texts_of(&self, name: &str) -> Vec<String> {
        let items = self.items_of(name);
        let texts = items.iter().filter_map(Self::text);
        texts.map(str::to_owned).collect()
    }

    /// What this word stands for; nothing if it is none.
    pub(super) fn word<T: Words>(&self) -> Option<T> {
        T::parse(self.text()?)
    }

    /// What the word stands for that a field of this mapping is.
    pub(super) fn word_of<T: Words>(&self, name: &str) -> Option<T> {
        self.field(name)?.word()
    }

    /// This boolean; nothing if it is none.
    pub(super) fn boolean(&self) -> Option<bool> {
        match self.node.value {
            Value::Boolean { value, .. } => Some(value),
            Value::Null
            | Value::Number(_)
            | Value::String(_)
            | Value::Sequence(_)
            | Value::Mapping(_) => None,
        }
    }

    /// This whole number, if it is one that is written in decimal digits.
    pub(super) fn integer(&self) -> Option<i64> {
        match &self.node.value {
            Value::Number(text) => text.parse().ok(),
            Value::Null
            | Value::Boolean { .. }
            | Value::String(_)
            | Value::Sequence(_)
            | Value::Mapping(_) => None,
        }
    }
}
