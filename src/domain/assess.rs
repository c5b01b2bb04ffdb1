//! What a binding lacks, and why that counts or does not.

use hashbrown::HashSet;
use smallvec::SmallVec;

use super::binding::Binding;
use super::companion_set::CompanionSet;
use super::holdings::{Holdings, lacking_beside};
use super::identity::Identity;
use super::policy::{Persona, Policy};

/// What the rule says of one binding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Assessment<'p, 'b> {
    /// The rule has nothing to say.
    NotJudged(NotJudged),
    /// A persona binding, with what its subjects lack.
    Judged(Judged<'p, 'b>),
}

/// Why a binding is not judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotJudged {
    /// Its role is no persona.
    NotAPersona,
    /// Its namespace is exempt.
    ExemptNamespace,
}

/// A persona binding and what its subjects lack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged<'p, 'b> {
    /// The persona, which says what happens.
    pub persona: &'p Persona,
    /// The role that the binding grants.
    pub role: &'b str,
    /// Who lacks what, in the order of the subjects, each identity once. Empty if all is well.
    pub missing: Vec<Missing<'b>>,
}

/// An identity that is not covered: one missing pair for each companion in `lacks`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing<'b> {
    /// Who.
    pub identity: Identity<'b>,
    /// The companions that it lacks, never empty.
    pub lacks: CompanionSet,
    /// Whether this change brings the identity in.
    pub since: Since,
}

/// Whether a change is what makes an identity a persona subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// The change brings it in.
    ThisChange,
    /// The previous version had it already.
    Before,
}

/// Judges one binding: which of its subjects lack which companions.
///
/// `previous` is the version that an update replaces; the identities that it had are marked as
/// [`Since::Before`], since they cannot cause a denial. `holdings` says who holds what; what the
/// binding gives itself counts as well.
pub fn assess<'p, 'b>(
    policy: &'p Policy,
    binding: &Binding<'b>,
    previous: Option<&Binding<'b>>,
    holdings: &(impl Holdings + ?Sized),
) -> Assessment<'p, 'b> {
    let Some(persona) = policy.persona_of(binding.kind, binding.role) else {
        return Assessment::NotJudged(NotJudged::NotAPersona);
    };
    if policy.exempts_namespace_of(binding) {
        return Assessment::NotJudged(NotJudged::ExemptNamespace);
    }
    let own = policy.companions_given_by(binding.kind, binding.role);
    let needed = policy.companions_of(persona).without(own);
    let missing = missing(policy, persona, needed, binding, holdings);
    Assessment::Judged(Judged {
        persona,
        role: binding.role.name,
        missing: mark_new(missing, binding, previous),
    })
}

/// Every subject of an enforced kind that lacks one of the needed companions, each once.
fn missing<'b>(
    policy: &Policy,
    persona: &Persona,
    needed: CompanionSet,
    binding: &Binding<'b>,
    holdings: &(impl Holdings + ?Sized),
) -> Vec<Missing<'b>> {
    let identities: SmallVec<[Identity<'b>; 8]> = binding
        .identities()
        .filter(|identity| persona.enforces(identity.kind()) && !policy.exempts_subject(*identity))
        .collect();
    let held = holdings.held_by_each(&identities);
    let mut seen = HashSet::new();
    identities
        .into_iter()
        .zip(held)
        .map(|(identity, held)| Missing {
            identity,
            lacks: lacking_beside(policy, holdings, identity, needed.without(held)),
            since: Since::ThisChange,
        })
        .filter(|missing| !missing.lacks.is_empty() && seen.insert(missing.identity))
        .collect()
}

/// The ratchet: what the previous version had is marked so.
///
/// A role reference cannot change, so a previous version of another role is none of this
/// binding's.
fn mark_new<'b>(
    mut missing: Vec<Missing<'b>>,
    binding: &Binding<'b>,
    previous: Option<&Binding<'b>>,
) -> Vec<Missing<'b>> {
    let Some(previous) = previous.filter(|previous| previous.role == binding.role) else {
        return missing;
    };
    if missing.is_empty() {
        return missing;
    }
    let before: HashSet<Identity<'_>> = previous.identities().collect();
    for one in &mut missing {
        if before.contains(&one.identity) {
            one.since = Since::Before;
        }
    }
    missing
}
