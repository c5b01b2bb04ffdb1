//! One subject: which personas it has and through which bindings, what covers it, and what is
//! missing.
//!
//! What is missing is what the rule of [`domain`](crate::domain) says. Groups that whoever asks
//! says the subject is in are beside it: the rule does not know them, and what only they cover is
//! marked so.

mod cluster;
mod gather;
mod manifests;
mod outcome;
mod shown;
mod text;

pub use cluster::{in_cluster, roles};
pub use gather::Gathered;
pub use manifests::in_manifests;
pub use outcome::Explanation;
pub use shown::{Format, write};

use std::sync::Arc;

use super::finding::{BindingName, Place, Severity, Who};
use crate::domain::companion_set::CompanionSet;
use crate::domain::identity::{ANONYMOUS, Identity, UNAUTHENTICATED};
use crate::domain::policy::{Policy, UmbrellaGroups};
use crate::state::binding_key::BindingKey;

/// Who is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The subject.
    pub subject: Who,
    /// The groups whose bindings count for it.
    pub groups: Vec<Counted>,
}

/// Somebody whose bindings reach the subject: itself, or a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// Who.
    pub who: Who,
    /// Why its bindings reach the subject.
    pub by: Membership,
}

/// Why what a binding gives to somebody reaches the subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Membership {
    /// It names the subject.
    Itself,
    /// It names a group that Kubernetes itself gives the subject.
    Kubernetes,
    /// It names a group that whoever asks says the subject is in.
    Assumed,
}

impl Question {
    /// About somebody, who is said to be in these groups as well.
    #[must_use]
    pub fn about(subject: Identity<'_>, assumed: &[String]) -> Self {
        let subject_is_nobody = subject == Identity::User(ANONYMOUS);
        let nobody = subject_is_nobody.then_some(Identity::Group(UNAUTHENTICATED));
        let mut groups: Vec<Counted> = covering_groups(subject)
            .chain(nobody)
            .map(|group| Counted {
                who: Who::from(group),
                by: Membership::Kubernetes,
            })
            .collect();
        for group in assumed {
            let who = Who::from(Identity::group(group));
            if !groups.iter().any(|known| known.who == who) {
                groups.push(Counted {
                    who,
                    by: Membership::Assumed,
                });
            }
        }
        Self {
            subject: Who::from(subject),
            groups,
        }
    }

    /// The groups that the subject is only said to be in.
    pub fn assumed(&self) -> impl Iterator<Item = &Who> {
        let groups = self.groups.iter();
        let assumed = groups.filter(|group| group.by == Membership::Assumed);
        assumed.map(|group| &group.who)
    }

    /// The subject and the groups.
    fn counted(&self) -> impl Iterator<Item = Counted> {
        let itself = Counted {
            who: self.subject.clone(),
            by: Membership::Itself,
        };
        std::iter::once(itself).chain(self.groups.iter().cloned())
    }
}

/// The groups that Kubernetes gives somebody, and that can cover them.
fn covering_groups<'a>(subject: Identity<'a>) -> impl Iterator<Item = Identity<'a>> {
    let groups = subject.umbrella_groups();
    groups
        .map(|group| group as Identity<'a>)
        .chain(subject.namespace_group())
}

/// A binding that reaches the subject, and by whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    /// The binding.
    pub binding: Arc<BindingName>,
    /// Where the subject or the group stands, in a file.
    pub place: Option<Place>,
    /// Whom it names.
    pub named: Counted,
    key: BindingKey,
}

/// A persona that the subject has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HasPersona {
    /// Through which binding.
    pub through: Reached,
    /// The policy's name for the set of roles.
    pub set: String,
    /// What the webhook does to a new binding like it that lacks something.
    pub severity: Severity,
    /// The field of the policy by which nothing is needed, if there is one.
    pub exempt: Option<&'static str>,
    /// The companions that it needs.
    pub needs: CompanionSet,
    /// Those that cover neither the subject nor a group that counts for it.
    pub lacks: CompanionSet,
    /// Those that only groups cover that the subject is said to be in.
    pub assumed: CompanionSet,
}

/// A binding that gives the subject companions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gives {
    /// Through which binding.
    pub through: Reached,
    /// The companions.
    pub given: CompanionSet,
    /// Whether that counts by the policy.
    pub counts: bool,
}

/// A binding that looks as if it gave the subject a companion, and does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NearMiss {
    /// The binding.
    pub binding: Arc<BindingName>,
    /// Where, in a file.
    pub place: Option<Place>,
    /// The companions that it is about.
    pub about: CompanionSet,
    /// Why it does not.
    pub why: Why,
    key: BindingKey,
}

/// Why a binding does not give the subject a companion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// It is a RoleBinding, which gives nothing outside of its namespace.
    OneNamespace,
    /// It names somebody else, whose name differs by kind or case alone.
    NamesAnother(Who),
}

/// Whether what a group holds counts for its members.
fn counts(policy: &Policy, subject: Identity<'_>, named: &Counted) -> bool {
    match named.by {
        Membership::Itself | Membership::Assumed => true,
        Membership::Kubernetes => {
            let group = named.who.identity();
            policy.umbrella_groups == UmbrellaGroups::Honour
                && covering_groups(subject).any(|one| one == group)
        }
    }
}
