//! Tests of a policy: bindings, who holds what, and what is expected to happen to them.
//!
//! A file of them is as strict as a policy file and is read by the same steps. What it says is only
//! kept here: [`report::cases`](crate::report::cases) holds it against the rule.

mod order;
mod read;
mod shape;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;
use std::time::Duration;

use crate::domain::identity::SubjectKind;
use crate::domain::policy::Policy;
use crate::manifest::{ManifestBinding, ManifestSubject};
use crate::yaml::Position;

use super::document::only_document;
use super::error::PolicyErrors;
use super::place::Place;
use super::words::Words;
use super::{form, schema_of};

/// The `kind` of a file of cases.
pub const KIND: &str = "PolicyTest";

static SCHEMA: LazyLock<serde_json::Value> = LazyLock::new(schema_of::<shape::Document>);

/// A policy and what it is expected to do.
#[derive(Clone, Debug)]
pub struct Cases {
    /// The policy.
    pub policy: Policy,
    /// The cases, in order; at least one.
    pub cases: Vec<Case>,
}

/// A binding and what is expected to happen to it.
#[derive(Clone, Debug)]
pub struct Case {
    /// What it shows.
    pub name: String,
    /// Where it begins.
    pub position: Position,
    /// The companion bindings that there are, those for all cases included.
    pub holdings: Vec<ManifestBinding>,
    /// The binding that is written.
    pub binding: ManifestBinding,
    /// The version that it replaces; nothing if it is created.
    pub previous: Option<ManifestBinding>,
    /// Who writes it, if that is told.
    pub requester: Option<Requester>,
    /// Whether nothing would be stored.
    pub dry_run: bool,
    /// The order that the binding carries already.
    pub order: Option<Ordered>,
    /// Whether the guard of orders is in place.
    pub guard: Guard,
    /// How many companion bindings there are, if that is told.
    pub companion_bindings: Option<usize>,
    /// What is to happen.
    pub expected: Expected,
    /// Everything that the subjects lack; nothing if the case does not say.
    pub missing: Option<Vec<Lack>>,
    /// Everything that is ordered for them; nothing if the case does not say.
    pub ordered: Option<Vec<Lack>>,
}

/// An order that stands on a binding.
#[derive(Clone, Debug)]
pub struct Ordered {
    /// Who placed it.
    pub by: String,
    /// For whom it is; nothing if it is for everybody in the binding.
    pub subjects: Option<Vec<ManifestSubject>>,
    /// How long ago it was placed.
    pub age: Duration,
    /// Under which guard.
    pub placed: Placed,
}

/// Whether the guard of orders is in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// It is, and was seen to refuse.
    InPlace,
    /// It is not, or nobody knows.
    NotInPlace,
}

/// Under which guard an order was placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placed {
    /// The one that is in place.
    UnderThisGuard,
    /// Another, or none.
    UnderAnother,
}

/// Who writes a binding.
#[derive(Clone, Debug)]
pub struct Requester {
    /// The name under which the API server knows them.
    pub user: String,
    /// Their groups.
    pub groups: Vec<String>,
    /// Whether they could create the companions by hand.
    pub may_create_companions: bool,
}

/// What a subject is expected to lack.
#[derive(Clone, Debug)]
pub struct Lack {
    /// What kind of subject it is.
    pub kind: SubjectKind,
    /// Its name.
    pub name: String,
    /// Its namespace; one that is left out is that of the binding.
    pub namespace: Option<String>,
    /// The companions.
    pub companions: Vec<String>,
}

/// What is expected to happen to a binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// It passes without a word.
    Allow,
    /// It passes with warnings.
    Warn,
    /// It passes silently and is recorded.
    Audit,
    /// It is refused.
    Deny,
}

impl Expected {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "Allow",
            Self::Warn => "Warn",
            Self::Audit => "Audit",
            Self::Deny => "Deny",
        }
    }
}

impl Words for Expected {
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("Allow", Self::Allow, "It passes without a word."),
        ("Warn", Self::Warn, "It passes with warnings."),
        ("Audit", Self::Audit, "It passes silently, and is recorded."),
        ("Deny", Self::Deny, "It is refused."),
    ];
}

impl Words for Guard {
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("InPlace", Self::InPlace, "It is, and was seen to refuse."),
        (
            "NotInPlace",
            Self::NotInPlace,
            "It is not, or nobody knows: nothing is ordered.",
        ),
    ];
}

impl Words for Placed {
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        (
            "UnderThisGuard",
            Self::UnderThisGuard,
            "The one that is in place.",
        ),
        (
            "UnderAnother",
            Self::UnderAnother,
            "Another, or none: the order does not count.",
        ),
    ];
}

/// Reads cases. `load` loads the policy file that they name, and says what is wrong with it, one
/// fault a line.
///
/// # Errors
///
/// Everything that is wrong with the text, in its order.
pub fn parse(
    text: &str,
    load: impl FnOnce(&str) -> Result<Policy, String>,
) -> Result<Cases, PolicyErrors> {
    let mut errors = Vec::new();
    let mut cases = Cases {
        policy: Policy::built_in(),
        cases: Vec::new(),
    };
    if let Some(root) = only_document(text, "policy test", KIND, &mut errors) {
        let document = Place::root(&root);
        form::check(&document, &SCHEMA, &mut errors);
        // What is read of a form that does not fit would be wrong for that alone.
        if errors.is_empty() {
            cases = read::document(&document, load, &mut errors);
        }
    }
    match PolicyErrors::new(errors) {
        None => Ok(cases),
        Some(errors) => Err(errors),
    }
}

/// The JSON Schema (draft 2020-12) of a file of cases: what [`parse`] accepts, but for what a
/// schema cannot say.
#[must_use]
pub fn schema() -> serde_json::Value {
    SCHEMA.clone()
}
