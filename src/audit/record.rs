//! The record of one decided call.

use serde::Serialize;

use crate::domain::assess::Since;
use crate::domain::binding::BindingKind;
use crate::domain::conclude::{Because, Fault};
use crate::domain::identity::{Identity, SubjectKind};
use crate::domain::policy::Policy;
use crate::domain::removal::RemovalBecause;

/// What was decided. A call that is allowed without a word leaves no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It was refused.
    Deny,
    /// It passed with warnings.
    Warn,
    /// It passed silently.
    Audit,
}

impl Verdict {
    /// The word by which audit lines and audit annotations call it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::Warn => "warn",
            Self::Audit => "audit",
        }
    }
}

/// The word by which audit lines and audit annotations call what decided.
#[must_use]
pub const fn because_word(because: Because) -> &'static str {
    match because {
        Because::Action => "action",
        Because::Ratchet => "ratchet",
        Because::DryRun => "dry_run",
        Because::Order => "order",
    }
}

/// The rule by which a call was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Subjects of a persona binding need companions.
    Persona,
    /// A change to a companion binding should leave no persona subject uncovered.
    CompanionRemoval,
}

/// The word by which audit lines call what decided a removal.
#[must_use]
pub const fn removal_word(because: RemovalBecause) -> &'static str {
    match because {
        RemovalBecause::Action => "action",
        RemovalBecause::Requester => "requester",
        RemovalBecause::DryRun => "dry_run",
    }
}

/// Whether it is proven that the API server sent the call. Anybody who can reach the port can
/// post a review, so what it claims of its requester is a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Caller {
    /// The API server's client certificate was demanded and checked.
    Verified,
    /// It was not.
    Unverified,
}

/// Who asked, as the review says.
#[derive(Clone, Debug, Serialize)]
pub struct Requester<'a> {
    /// The user name.
    pub username: &'a str,
    /// The uid that the authenticator gave, if any.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub uid: &'a str,
    /// The groups.
    pub groups: Vec<&'a str>,
}

/// The binding under review.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct BindingName<'a> {
    /// Its kind.
    pub kind: Kind,
    /// Its namespace, for a RoleBinding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<&'a str>,
    /// Its name; what `generateName` says while there is none.
    pub name: &'a str,
}

/// One missing pair.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Pair<'a> {
    /// Who.
    pub subject: SubjectName<'a>,
    /// The companion that is missing.
    pub companion: &'a str,
    /// Whether it was missing before this change.
    #[serde(skip_serializing_if = "is_false")]
    pub before: bool,
    /// Whether this change takes it away.
    #[serde(skip_serializing_if = "is_false")]
    pub lost: bool,
    /// Whether it is ordered, so that it is about to be made.
    #[serde(skip_serializing_if = "is_false")]
    pub ordered: bool,
}

/// A subject in its canonical form.
#[derive(Clone, Copy, Debug)]
pub struct SubjectName<'a>(pub Identity<'a>);

impl Serialize for SubjectName<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let namespace = self.0.namespace();
        let length = 2 + usize::from(namespace.is_some());
        let mut subject = serializer.serialize_struct("Subject", length)?;
        subject.serialize_field("kind", SubjectKind::as_str(self.0.kind()))?;
        if let Some(namespace) = namespace {
            subject.serialize_field("namespace", namespace)?;
        }
        match self.0.name() {
            ("", name) => subject.serialize_field("name", name)?,
            (prefix, name) => subject.serialize_field("name", &format!("{prefix}{name}"))?,
        }
        subject.end()
    }
}

/// The record of one call that was decided Deny, Warn or Audit.
#[derive(Clone, Debug, Serialize)]
pub struct Record<'a> {
    /// When it was decided, RFC 3339, UTC.
    pub time: jiff::Timestamp,
    /// What was decided.
    pub decision: Verdict,
    /// The rule that decided.
    pub rule: Rule,
    /// What decided: `action`, `ratchet`, `requester`, `dry_run` or `order`.
    pub because: &'static str,
    /// The request's uid, by which the API server's own audit log knows it.
    pub uid: &'a str,
    /// `CREATE`, `UPDATE` or `DELETE`.
    pub operation: &'static str,
    /// Whether nothing was to be stored.
    pub dry_run: bool,
    /// Who asked.
    pub requester: Requester<'a>,
    /// Whether the requester is more than a claim.
    pub caller: Caller,
    /// The binding under review.
    pub binding: BindingName<'a>,
    /// The role that it grants, if it is a persona binding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub persona: Option<&'a str>,
    /// The role that it grants, if it was judged as a companion binding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub companion: Option<&'a str>,
    /// The name of the policy that was in force.
    pub policy: &'a str,
    /// The first of the persona bindings that lose something.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub persona_bindings: Vec<BindingName<'a>>,
    /// How many persona bindings lose something.
    #[serde(skip_serializing_if = "is_zero")]
    pub persona_bindings_total: usize,
    /// The missing pairs, by subject as written, then by companion as in the policy; those that a
    /// removal takes away come first.
    pub missing: Vec<Pair<'a>>,
}

/// The missing pairs of a fault, those that nobody ordered first.
pub fn pairs<'a>(
    policy: &'a Policy,
    fault: &'a Fault<'_, 'a>,
) -> impl Iterator<Item = Pair<'a>> + 'a {
    let missing = fault.missing.iter().map(|one| (one, false));
    let ordered = fault.ordered.iter().map(|one| (one, true));
    missing.chain(ordered).flat_map(|(one, ordered)| {
        policy
            .companion_names(one.lacks)
            .map(move |companion| Pair {
                subject: SubjectName(one.identity),
                companion,
                before: one.since == Since::Before,
                lost: false,
                ordered,
            })
    })
}

/// A kind of binding as Kubernetes spells it.
#[derive(Clone, Copy, Debug)]
pub struct Kind(pub BindingKind);

impl Serialize for Kind {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.as_str())
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes references to what decides whether a field is skipped"
)]
const fn is_false(value: &bool) -> bool {
    !*value
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes references to what decides whether a field is skipped"
)]
const fn is_zero(value: &usize) -> bool {
    *value == 0
}
