//! The words of the file for the choices of the domain.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use crate::domain::identity::SubjectKind;
use crate::domain::policy::{Action, DryRun, ProvisioningMode, UmbrellaGroups};

/// A choice of the domain that the file writes as a word.
pub(super) trait Words: Copy + PartialEq + Sized + 'static {
    /// Every choice: its word, itself, and what it does.
    const WORDS: &'static [(&'static str, Self, &'static str)];

    /// What a word stands for. Case counts.
    fn parse(word: &str) -> Option<Self> {
        let (_, choice, _) = Self::WORDS.iter().find(|(known, _, _)| *known == word)?;
        Some(*choice)
    }
}

/// A choice in the shape of the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word<T>(pub(super) T);

impl<T: Words> Serialize for Word<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let known = T::WORDS.iter().find(|(_, choice, _)| *choice == self.0);
        let (word, _, _) =
            known.ok_or_else(|| serde::ser::Error::custom("a choice has no word"))?;
        serializer.serialize_str(word)
    }
}

impl<T: Words> JsonSchema for Word<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        std::any::type_name::<T>().into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let words: Vec<_> = T::WORDS
            .iter()
            .map(|(word, _, meaning)| serde_json::json!({"const": word, "description": meaning}))
            .collect();
        json_schema!({"type": "string", "oneOf": words})
    }
}

impl Words for Action {
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("Deny", Self::Deny, "Refuse it."),
        ("Warn", Self::Warn, "Let it through with warnings."),
        (
            "Audit",
            Self::Audit,
            "Let it through silently; it is recorded.",
        ),
    ];
}

impl Words for DryRun {
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        (
            "Enforce",
            Self::Enforce,
            "A dry run is refused as the real call would be.",
        ),
        (
            "Warn",
            Self::Warn,
            "A dry run is only warned, for GitOps tools that dry-run a whole stage first.",
        ),
    ];
}

impl Words for UmbrellaGroups {
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        (
            "Honour",
            Self::Honour,
            "A companion bound to such a group covers its members.",
        ),
        (
            "Ignore",
            Self::Ignore,
            "It does not: everybody needs a binding of their own.",
        ),
    ];
}

impl Words for ProvisioningMode {
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("Disabled", Self::Disabled, "Never."),
        (
            "OnRequest",
            Self::OnRequest,
            "When the persona binding asks for it.",
        ),
        (
            "Always",
            Self::Always,
            "For every persona binding whose requester may.",
        ),
    ];
}

impl Words for SubjectKind {
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        (Self::User.as_str(), Self::User, "A person or machine."),
        (Self::Group.as_str(), Self::Group, "A set of users."),
        (
            Self::ServiceAccount.as_str(),
            Self::ServiceAccount,
            "An account of a workload.",
        ),
    ];
}

/// A User or a Group: a subject where `ServiceAccounts` have a list of their own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct OutsideKind(pub(super) SubjectKind);

impl Words for OutsideKind {
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        (
            SubjectKind::User.as_str(),
            Self(SubjectKind::User),
            "A person or machine.",
        ),
        (
            SubjectKind::Group.as_str(),
            Self(SubjectKind::Group),
            "A set of users.",
        ),
    ];
}
