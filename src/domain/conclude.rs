//! From what a binding lacks to what happens to it.

use hashbrown::HashSet;

use super::assess::{Assessment, Missing, NotJudged, Since};
use super::identity::Identity;
use super::policy::{Action, DryRun, Persona, Policy};

/// What was learned about a call since its binding was assessed. The default is nothing, as for
/// files and scans.
#[derive(Clone, Copy, Debug, Default)]
pub struct Evidence<'e> {
    /// Whether the policy exempts the requester.
    pub requester_exempt: bool,
    /// Whether nothing will be stored.
    pub dry_run: bool,
    /// For whom an order counts that the binding carries: what they lack is about to be made.
    pub ordered: &'e [Identity<'e>],
}

/// What happens to a binding.
///
/// It has no default: a verdict that nobody reached must not look like one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision<'p, 'b> {
    /// It passes without a word.
    Allow(Allowed),
    /// It passes with warnings.
    Warn(Fault<'p, 'b>),
    /// It passes silently and is recorded.
    Audit(Fault<'p, 'b>),
    /// It is refused.
    Deny(Fault<'p, 'b>),
}

/// Why a binding passes without a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// The rule has nothing to say of it.
    NotJudged(NotJudged),
    /// The requester is exempt.
    ExemptRequester,
    /// Nothing is missing.
    Covered,
}

/// What is wrong with a binding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault<'p, 'b> {
    /// The persona that it binds.
    pub persona: &'p Persona,
    /// The role that it grants.
    pub role: &'b str,
    /// Who lacks what that nobody ordered. Empty only if everything is ordered.
    pub missing: Vec<Missing<'b>>,
    /// Who lacks what that is ordered. Never empty if nothing else is missing.
    pub ordered: Vec<Missing<'b>>,
    /// What decided between warning and refusal.
    pub because: Because,
}

/// What decided what happens to a faulty binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Because {
    /// The action of the persona or the policy.
    Action,
    /// The ratchet: nothing is missing that was not missing before this change.
    Ratchet,
    /// The call is a dry run and the policy only warns those.
    DryRun,
    /// All that is missing is ordered.
    Order,
}

impl<'b> Fault<'_, 'b> {
    /// Those that this change brings in.
    pub fn new_missing(&self) -> impl Iterator<Item = &Missing<'b>> {
        self.missing
            .iter()
            .filter(|missing| missing.since == Since::ThisChange)
    }

    /// Those that were there before.
    pub fn old_missing(&self) -> impl Iterator<Item = &Missing<'b>> {
        self.missing
            .iter()
            .filter(|missing| missing.since == Since::Before)
    }
}

/// Decides what happens to a binding, from its assessment and what was learned since.
#[must_use]
pub fn conclude<'p, 'b>(
    policy: &'p Policy,
    assessment: Assessment<'p, 'b>,
    evidence: Evidence<'_>,
) -> Decision<'p, 'b> {
    let judged = match assessment {
        Assessment::NotJudged(why) => return Decision::Allow(Allowed::NotJudged(why)),
        Assessment::Judged(judged) => judged,
    };
    if judged.missing.is_empty() {
        return Decision::Allow(Allowed::Covered);
    }
    let (ordered, missing) = split(judged.missing, evidence.ordered);
    let fault = Fault {
        persona: judged.persona,
        role: judged.role,
        missing,
        ordered,
        because: Because::Action,
    };
    if evidence.requester_exempt && fault.ordered.is_empty() {
        return Decision::Allow(Allowed::ExemptRequester);
    }
    if evidence.requester_exempt || fault.missing.is_empty() {
        return Decision::Warn(Fault {
            missing: Vec::new(),
            because: Because::Order,
            ..fault
        });
    }
    punish(policy, fault, evidence.dry_run)
}

/// What is ordered, and what is not.
fn split<'b>(
    missing: Vec<Missing<'b>>,
    ordered: &[Identity<'_>],
) -> (Vec<Missing<'b>>, Vec<Missing<'b>>) {
    if ordered.is_empty() {
        return (Vec::new(), missing);
    }
    let ordered: HashSet<Identity<'_>> = ordered.iter().copied().collect();
    missing
        .into_iter()
        .partition(|one| ordered.contains(&one.identity))
}

/// What happens to a binding that lacks something.
fn punish<'p, 'b>(policy: &Policy, mut fault: Fault<'p, 'b>, dry_run: bool) -> Decision<'p, 'b> {
    let action = policy.action_for(fault.persona);
    match action {
        Action::Audit => Decision::Audit(fault),
        Action::Warn => Decision::Warn(fault),
        Action::Deny if fault.new_missing().next().is_none() => {
            fault.because = Because::Ratchet;
            Decision::Warn(fault)
        }
        Action::Deny if dry_run && policy.dry_run == DryRun::Warn => {
            fault.because = Because::DryRun;
            Decision::Warn(fault)
        }
        Action::Deny => Decision::Deny(fault),
    }
}
