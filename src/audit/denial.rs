//! One refused call as it is counted: who was refused what, without when.
//!
//! Calls with the same key are one entry of the history and one series of Events. Names are as
//! hostile as in the record, so each is bounded here, in bytes of the JSON that it becomes.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::line::json_length;
use super::record::{Record, Rule};
use crate::domain::{binding, identity};

/// The most pairs that are kept of one denial; of the rest there are the number and a digest.
pub const MOST_PAIRS: usize = 16;
/// The longest text that is kept whole, in bytes as JSON. Every name that Kubernetes gives an
/// object fits, and nearly every user's.
pub const LONGEST_TEXT: usize = 256;
/// How much is kept of a longer one.
const KEPT_TEXT: usize = 200;

/// Who was refused what.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Denial {
    /// The user name of who asked, as the review said.
    pub requester: String,
    /// What was to be written.
    pub binding: Binding,
    /// The role that it grants; none where a companion was to be taken away.
    #[serde(default)]
    pub persona: Option<String>,
    /// The companion that was to be taken away, if that was it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub companion: Option<String>,
    /// What was missing, or would have been: the first [`MOST_PAIRS`] pairs.
    pub missing: Vec<Pair>,
    /// How many there are in all, if not all are listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing_total: Option<usize>,
    /// The SHA-256 of all pairs, if not all are listed, so that two lists which begin alike are
    /// not taken for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing_sha256: Option<String>,
}

/// The binding of a denial.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Binding {
    /// Its kind.
    pub kind: BindingKind,
    /// Its namespace, for a RoleBinding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Its name; what `generateName` says, with `…`, while there is none.
    pub name: String,
}

/// A kind of binding, by its name in Kubernetes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum BindingKind {
    /// A RoleBinding.
    RoleBinding,
    /// A ClusterRoleBinding.
    ClusterRoleBinding,
}

/// One missing pair.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Pair {
    /// Who.
    pub subject: Subject,
    /// The companion that they lack.
    pub companion: String,
}

/// A subject in its canonical form.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Subject {
    /// Its kind.
    pub kind: SubjectKind,
    /// The namespace of a ServiceAccount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

/// A kind of subject, by its name in Kubernetes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum SubjectKind {
    /// A User.
    User,
    /// A Group.
    Group,
    /// A ServiceAccount.
    ServiceAccount,
}

impl Denial {
    /// The key of a recorded refusal. Pairs that were missing before, or are ordered, are left out:
    /// it was not refused for them.
    #[must_use]
    pub fn of(record: &Record<'_>) -> Self {
        let pairs = record
            .missing
            .iter()
            .filter(|pair| !pair.before && !pair.ordered);
        let mut missing = Missing::default();
        for pair in pairs {
            let (prefix, name) = pair.subject.0.name();
            let kind = match pair.subject.0.kind() {
                identity::SubjectKind::User => SubjectKind::User,
                identity::SubjectKind::Group => SubjectKind::Group,
                identity::SubjectKind::ServiceAccount => SubjectKind::ServiceAccount,
            };
            let namespace = pair.subject.0.namespace();
            missing.add(kind, namespace, &[prefix, name].concat(), pair.companion);
        }
        let removal = record.rule == Rule::CompanionRemoval;
        Self {
            requester: bounded(record.requester.username),
            binding: Binding {
                kind: match record.binding.kind.0 {
                    binding::BindingKind::RoleBinding => BindingKind::RoleBinding,
                    binding::BindingKind::ClusterRoleBinding => BindingKind::ClusterRoleBinding,
                },
                namespace: record.binding.namespace.map(bounded),
                name: bounded(record.binding.name),
            },
            persona: record.persona.filter(|_| !removal).map(bounded),
            companion: record.companion.filter(|_| removal).map(bounded),
            missing: Vec::new(),
            missing_total: None,
            missing_sha256: None,
        }
        .with(missing)
    }

    /// The same with its names and lists bounded, whoever wrote it.
    #[must_use]
    pub fn bounded(self) -> Self {
        if self.is_bounded() {
            return self;
        }
        let mut missing = Missing::default();
        for pair in &self.missing {
            let Subject {
                kind,
                namespace,
                name,
            } = &pair.subject;
            missing.add(*kind, namespace.as_deref(), name, &pair.companion);
        }
        let (total, digest) = (self.missing_total, self.missing_sha256);
        let mut bounded = Self {
            requester: bounded(&self.requester),
            binding: Binding {
                kind: self.binding.kind,
                namespace: self.binding.namespace.as_deref().map(bounded),
                name: bounded(&self.binding.name),
            },
            persona: self.persona.as_deref().map(bounded),
            companion: self.companion.as_deref().map(bounded),
            missing: Vec::new(),
            missing_total: None,
            missing_sha256: None,
        }
        .with(missing);
        // Whoever cut the list before has seen all of it.
        if let Some(total) = total.filter(|total| *total > bounded.missing.len()) {
            bounded.missing_total = Some(total);
            bounded.missing_sha256 = digest.as_deref().map(self::bounded);
        }
        bounded
    }

    /// Whether nothing about it is too long, as is so of all that bindguard has written itself.
    fn is_bounded(&self) -> bool {
        let texts = [&self.requester, &self.binding.name];
        let maybe = [
            &self.binding.namespace,
            &self.persona,
            &self.companion,
            &self.missing_sha256,
        ];
        let names = self.missing.iter().flat_map(|pair| {
            let namespace = pair.subject.namespace.iter();
            namespace.chain([&pair.subject.name, &pair.companion])
        });
        self.missing.len() <= MOST_PAIRS
            && (self.missing_total).is_none_or(|total| total > self.missing.len())
            && texts
                .into_iter()
                .chain(maybe.into_iter().flatten())
                .chain(names)
                .all(|text| fits(text))
    }

    /// The same with so few of its pairs that it fits into so many bytes of JSON, if one does.
    #[must_use]
    pub fn within(&self, bytes: usize) -> Self {
        let mut short = self.clone();
        while json_length(&short) > bytes && !short.missing.is_empty() {
            short.missing_total.get_or_insert(self.missing.len());
            short.missing.pop();
        }
        short
    }

    /// How many pairs were missing.
    #[must_use]
    pub fn total(&self) -> usize {
        self.missing_total.unwrap_or(self.missing.len())
    }

    fn with(self, missing: Missing) -> Self {
        let Missing {
            pairs,
            total,
            digest,
        } = missing;
        let is_cut = total > pairs.len();
        Self {
            missing_total: is_cut.then_some(total),
            missing_sha256: is_cut.then(|| hexadecimal(&digest.finalize(), 64)),
            missing: pairs,
            ..self
        }
    }
}

impl BindingKind {
    /// The kind as Kubernetes spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RoleBinding => binding::BindingKind::RoleBinding.as_str(),
            Self::ClusterRoleBinding => binding::BindingKind::ClusterRoleBinding.as_str(),
        }
    }
}

impl From<BindingKind> for binding::BindingKind {
    fn from(kind: BindingKind) -> Self {
        match kind {
            BindingKind::RoleBinding => Self::RoleBinding,
            BindingKind::ClusterRoleBinding => Self::ClusterRoleBinding,
        }
    }
}

impl SubjectKind {
    /// The kind as Kubernetes spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => identity::SubjectKind::User.as_str(),
            Self::Group => identity::SubjectKind::Group.as_str(),
            Self::ServiceAccount => identity::SubjectKind::ServiceAccount.as_str(),
        }
    }
}

/// The first pairs, and what there is to know of the rest.
#[derive(Default)]
struct Missing {
    pairs: Vec<Pair>,
    total: usize,
    digest: Sha256,
}

impl Missing {
    fn add(&mut self, kind: SubjectKind, namespace: Option<&str>, name: &str, companion: &str) {
        self.total += 1;
        for text in [
            kind.as_str(),
            namespace.unwrap_or_default(),
            name,
            companion,
        ] {
            self.digest.update(text.len().to_le_bytes());
            self.digest.update(text);
        }
        if self.pairs.len() < MOST_PAIRS {
            self.pairs.push(Pair {
                subject: Subject {
                    kind,
                    namespace: namespace.map(bounded),
                    name: bounded(name),
                },
                companion: bounded(companion),
            });
        }
    }
}

/// The text, or the beginning of an overlong one and a digest of all of it.
fn bounded(text: &str) -> String {
    if fits(text) {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut length = 0;
    for character in text.chars() {
        length += json_length(&character) - 2;
        if length > KEPT_TEXT {
            break;
        }
        kept.push(character);
    }
    // Writing to a String cannot fail.
    let _ = write!(kept, "…{}", hexadecimal(&Sha256::digest(text), 16));
    kept
}

/// Whether a text is kept whole. No byte becomes more than six of JSON.
fn fits(text: &str) -> bool {
    text.len() <= LONGEST_TEXT / 6
        || text.len() <= LONGEST_TEXT && json_length(text) <= LONGEST_TEXT + 2
}

/// The first digits of a digest.
pub(super) fn hexadecimal(bytes: &[u8], digits: usize) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text.truncate(digits);
    text
}

#[cfg(test)]
pub(in crate::audit) mod tests;
