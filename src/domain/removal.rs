//! What a change to a companion binding takes away from persona subjects.

use hashbrown::HashMap;

use super::assess::{Assessment, Missing, assess};
use super::binding::{Binding, BindingKind};
use super::holdings::Holdings;
use super::policy::{Action, DryRun, Policy};

/// A persona binding whose subjects would lose companions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss<'b> {
    /// Which of the two kinds the persona binding is.
    pub kind: BindingKind,
    /// Its namespace.
    pub namespace: Option<&'b str>,
    /// Its name.
    pub name: &'b str,
    /// The role that it grants.
    pub role: &'b str,
    /// Whom the change would leave uncovered, and for what; never empty.
    pub losers: Vec<Missing<'b>>,
}

/// What happens to a change of a companion binding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RemovalDecision<'b> {
    /// It takes nothing away that a persona subject needs.
    Allow,
    /// It passes with warnings.
    Warn(Removal<'b>),
    /// It passes silently and is recorded.
    Audit(Removal<'b>),
    /// It is refused.
    Deny(Removal<'b>),
}

/// What a change takes away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removal<'b> {
    /// From whom, by persona binding; never empty.
    pub losses: Vec<Loss<'b>>,
    /// What decided between warning and refusal.
    pub because: RemovalBecause,
}

/// What decided what happens to a removal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemovalBecause {
    /// The policy's `companionRemoval`.
    Action,
    /// Who asks is never refused.
    Requester,
    /// The call is a dry run and the policy only warns those.
    DryRun,
}

/// Finds the persona subjects that a change leaves uncovered.
///
/// `before` are the holdings as they are, `after` as the change would leave them. What was
/// missing before is not this change's doing.
pub fn assess_removal<'b>(
    policy: &Policy,
    persona_bindings: impl IntoIterator<Item = Binding<'b>>,
    before: &(impl Holdings + ?Sized),
    after: &(impl Holdings + ?Sized),
) -> Vec<Loss<'b>> {
    persona_bindings
        .into_iter()
        .filter_map(|binding| {
            let losers = losers(policy, &binding, before, after);
            (!losers.is_empty()).then_some(Loss {
                kind: binding.kind,
                namespace: binding.namespace,
                name: binding.name,
                role: binding.role.name,
                losers,
            })
        })
        .collect()
}

/// Decides what happens to a change that takes companions away.
///
/// Whom a refusal would only harm is `never_refused`: members of `system:masters`, who must be
/// able to repair a cluster, exempt requesters, and controllers that try again for ever.
#[must_use]
pub fn conclude_removal<'b>(
    policy: &Policy,
    losses: Vec<Loss<'b>>,
    never_refused: bool,
    dry_run: bool,
) -> RemovalDecision<'b> {
    if losses.is_empty() {
        return RemovalDecision::Allow;
    }
    let removal = |because| Removal { losses, because };
    match policy.companion_removal {
        Action::Audit => RemovalDecision::Audit(removal(RemovalBecause::Action)),
        Action::Warn => RemovalDecision::Warn(removal(RemovalBecause::Action)),
        Action::Deny if never_refused => RemovalDecision::Warn(removal(RemovalBecause::Requester)),
        Action::Deny if dry_run && policy.dry_run == DryRun::Warn => {
            RemovalDecision::Warn(removal(RemovalBecause::DryRun))
        }
        Action::Deny => RemovalDecision::Deny(removal(RemovalBecause::Action)),
    }
}

/// The subjects of one binding that lack more after the change than before.
fn losers<'b>(
    policy: &Policy,
    binding: &Binding<'b>,
    before: &(impl Holdings + ?Sized),
    after: &(impl Holdings + ?Sized),
) -> Vec<Missing<'b>> {
    let Assessment::Judged(judged) = assess(policy, binding, None, after) else {
        return Vec::new();
    };
    if judged.missing.is_empty() {
        return Vec::new();
    }
    let had_lacked: HashMap<_, _> = match assess(policy, binding, None, before) {
        Assessment::Judged(judged) => judged.missing,
        Assessment::NotJudged(_) => Vec::new(),
    }
    .into_iter()
    .map(|one| (one.identity, one.lacks))
    .collect();
    judged
        .missing
        .into_iter()
        .map(|now| {
            let lacked = had_lacked.get(&now.identity).copied().unwrap_or_default();
            Missing {
                lacks: now.lacks.without(lacked),
                ..now
            }
        })
        .filter(|one| !one.lacks.is_empty())
        .collect()
}
