//! Fields of an object, typed as Kubernetes types them.

use std::collections::BTreeMap;

use crate::yaml::{Mapping, Node, Value};

use super::problem::Problem;

/// A string field. An absent one and null are the same.
///
/// # Errors
///
/// When it is something else, a number or an unquoted `on` included: Kubernetes refuses those.
pub(super) fn text<'m>(
    mapping: &'m Mapping<'_>,
    path: &str,
    name: &str,
) -> Result<Option<&'m str>, Problem> {
    let Some(node) = mapping.get(name) else {
        return Ok(None);
    };
    match &node.value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text)),
        Value::Boolean { text, .. } | Value::Number(text) => Err(problem(
            node,
            format!(
                "{path}{name}: {} was read here; write it in quotes: {text:?}",
                node.description()
            ),
        )),
        Value::Sequence(_) | Value::Mapping(_) => Err(problem(
            node,
            format!(
                "{path}{name}: a string belongs here, not {}",
                node.description()
            ),
        )),
    }
}

/// A string field that must be there and not empty. `owner` is where it is missing.
pub(super) fn required<'m>(
    owner: &Node<'_>,
    mapping: &'m Mapping<'_>,
    path: &str,
    name: &str,
) -> Result<&'m str, Problem> {
    text(mapping, path, name)?
        .filter(|text| !text.is_empty())
        .ok_or_else(|| {
            let node = mapping.get(name).unwrap_or(owner);
            problem(node, format!("{path}{name}: is missing"))
        })
}

/// A field of names to strings, such as labels.
pub(super) fn texts(
    mapping: &Mapping<'_>,
    path: &str,
    name: &str,
) -> Result<BTreeMap<String, String>, Problem> {
    let Some(node) = mapping.get(name).filter(|node| !node.is_null()) else {
        return Ok(BTreeMap::new());
    };
    let Some(entries) = node.as_mapping() else {
        let found = node.description();
        return Err(problem(
            node,
            format!("{path}{name}: a mapping belongs here, not {found}"),
        ));
    };
    let path = format!("{path}{name}.");
    entries
        .entries()
        .map(|entry| {
            let key = entry.key.text.as_ref();
            let value = text(entries, &path, key)?.unwrap_or_default();
            Ok((key.to_owned(), value.to_owned()))
        })
        .collect()
}

/// A field that is a mapping and must be there. `owner` is where it is missing.
pub(super) fn mapping<'n, 't>(
    owner: &'n Node<'t>,
    parent: &'n Mapping<'t>,
    name: &str,
) -> Result<(&'n Node<'t>, &'n Mapping<'t>), Problem> {
    let Some(node) = parent.get(name).filter(|node| !node.is_null()) else {
        return Err(problem(owner, format!("{name}: is missing")));
    };
    match node.as_mapping() {
        Some(mapping) => Ok((node, mapping)),
        None => Err(problem(
            node,
            format!("{name}: a mapping belongs here, not {}", node.description()),
        )),
    }
}

/// A problem where a node stands.
pub(super) fn problem(node: &Node<'_>, message: impl Into<String>) -> Problem {
    Problem {
        position: node.position,
        message: message.into(),
    }
}
