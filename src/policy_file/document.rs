//! From a text to the one policy in it.

use crate::domain::policy::Policy;
use crate::yaml::{Node, Position, documents};

use super::error::{PolicyError, PolicyErrors};
use super::place::Place;
use super::suggestion::quoted;
use super::{KIND, SCHEMA, form, read, rules};

/// Reads a policy. See [`super::parse`].
pub(super) fn parse(text: &str) -> Result<Policy, PolicyErrors> {
    let mut errors = Vec::new();
    let mut policy = Policy::built_in();
    if let Some(root) = only_document(text, "policy", KIND, &mut errors) {
        let document = Place::root(&root);
        if let Some(error) = another_kind(&document) {
            errors.push(error);
        } else {
            form::check(&document, &SCHEMA, &mut errors);
            read::document(&document, &mut policy);
            rules::check(&document, &policy, &mut errors);
        }
    }
    match PolicyErrors::new(errors) {
        None => Ok(policy),
        Some(errors) => Err(errors),
    }
}

/// The only document with something in it. Reports when there is none, another or a broken one.
pub(super) fn only_document<'t>(
    text: &'t str,
    what: &str,
    kind: &str,
    errors: &mut Vec<PolicyError>,
) -> Option<Node<'t>> {
    let mut only = None;
    for document in documents(text) {
        let document = match document {
            Ok(document) => document,
            Err(error) => {
                errors.push(error.into());
                continue;
            }
        };
        if document.root.is_null() {
            continue;
        }
        if only.is_some() {
            errors.push(Place::root(&document.root).error(format!(
                "a second document begins here; a {what} is one document"
            )));
            break;
        }
        errors.extend(document.faults.into_iter().map(PolicyError::from));
        only = Some(document.root);
    }
    if only.is_none() && errors.is_empty() {
        errors.push(PolicyError {
            position: Position::START,
            field: String::new(),
            message: format!("there is no {what} here; write a document of kind {kind}"),
        });
    }
    only
}

/// The error of a document that was never meant as a policy. Everything else in it would be
/// reported as wrong, so nothing else is.
fn another_kind(document: &Place<'_>) -> Option<PolicyError> {
    let kind = document.field("kind")?;
    let text = kind.text()?;
    let near = strsim::normalized_damerau_levenshtein(text.get(..64).unwrap_or(text), KIND) > 0.6;
    if text.is_empty() || near || text.eq_ignore_ascii_case(KIND) {
        return None;
    }
    Some(kind.error(if text == "ConfigMap" {
        format!("this is a ConfigMap; the policy is the document of kind {KIND} in its data")
    } else {
        format!("{} is not {KIND}; this is no policy", quoted(text))
    }))
}
