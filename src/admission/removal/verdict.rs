//! A decision on a removal, recorded and put into an answer.

use super::change::Change;
use super::evidence::Evidence;
use super::judge::{Beside, Undecided};
use super::losers::Losers;
use super::message::{About, denial, warnings};
use crate::admission::answer::Answer;
use crate::admission::budget::Budget;
use crate::admission::message;
use crate::admission::respond::Response;
use crate::admission::verdict::{
    about_of, label_of, recorded, requester_of, to_milliseconds, with_warnings,
};
use crate::admission::webhook::Webhook;
use crate::audit::record::{
    BindingName, Kind, Pair, Record, Rule, SubjectName, Verdict, pairs, removal_word,
};
use crate::domain::conclude::{Decision, Fault};
use crate::domain::policy::Policy;
use crate::domain::removal::{Removal, RemovalDecision};

/// How many persona bindings a record names.
const MOST_BINDINGS: usize = 5;

/// Records a decision and encodes its answer; nothing, if the change takes nothing away. If there
/// is no time to answer a refusal, it is none; see `admission::verdict`.
///
/// What the persona rule has to say of the same call goes into the same record and answer.
pub(super) async fn answer(
    webhook: &Webhook,
    change: &Change<'_>,
    evidence: &Evidence,
    decision: &RemovalDecision<'_>,
    beside: Option<Beside<'_, '_, '_>>,
    budget: Budget,
) -> Result<Option<Answer>, Undecided> {
    let (verdict, removal) = match decision {
        RemovalDecision::Allow => return Ok(None),
        RemovalDecision::Warn(removal) => (Verdict::Warn, removal),
        RemovalDecision::Audit(removal) => (Verdict::Audit, removal),
        RemovalDecision::Deny(removal) => (Verdict::Deny, removal),
    };
    let other = beside.and_then(Other::of);
    let verdict = match (verdict, &other) {
        // The milder of two decisions that pass does not hide the warnings of the other.
        (Verdict::Audit, Some(other)) if other.warns => Verdict::Warn,
        (verdict, _) => verdict,
    };
    let losers = Losers::of(change, evidence, removal);
    let record = record(
        webhook,
        (change, evidence),
        verdict,
        removal,
        &losers,
        other,
    );
    let response = respond(change, evidence.snapshot.policy(), decision, &losers, other);
    let answer = recorded(webhook, &record, response, budget)
        .await
        .ok_or(Undecided::Late)?;
    webhook.metrics.removal_decided(label_of(verdict));
    Ok(Some(answer))
}

/// A fault that the persona rule lets pass.
#[derive(Clone, Copy)]
struct Other<'d> {
    policy: &'d Policy,
    fault: &'d Fault<'d, 'd>,
    warns: bool,
}

impl<'d> Other<'d> {
    fn of(beside: Beside<'d, 'd, 'd>) -> Option<Self> {
        let (fault, warns) = match beside.decision {
            Decision::Allow(_) => return None,
            Decision::Audit(fault) => (fault, false),
            Decision::Warn(fault) | Decision::Deny(fault) => (fault, true),
        };
        Some(Self {
            policy: beside.policy,
            fault,
            warns,
        })
    }
}

fn record<'a>(
    webhook: &Webhook,
    (change, evidence): (&'a Change<'_>, &'a Evidence),
    verdict: Verdict,
    removal: &'a Removal<'a>,
    losers: &'a Losers<'_>,
    other: Option<Other<'a>>,
) -> Record<'a> {
    let Change {
        review, previous, ..
    } = change;
    let policy = evidence.snapshot.policy();
    let lost = losers.each.iter().flat_map(|loser| {
        policy
            .companion_names(loser.missing.lacks)
            .map(|companion| Pair {
                subject: SubjectName(loser.missing.identity),
                companion,
                before: false,
                lost: true,
                ordered: false,
            })
    });
    let others = other
        .into_iter()
        .flat_map(|other| pairs(other.policy, other.fault));
    Record {
        time: to_milliseconds((webhook.now)()),
        decision: verdict,
        rule: Rule::CompanionRemoval,
        because: removal_word(removal.because),
        uid: &review.uid,
        operation: review.operation.as_str(),
        dry_run: review.dry_run,
        requester: requester_of(review),
        caller: webhook.caller,
        binding: BindingName {
            kind: Kind(previous.kind),
            namespace: None,
            name: previous.name,
        },
        persona: other.map(|other| other.fault.role),
        companion: Some(previous.role.name),
        policy: &policy.name,
        persona_bindings: removal
            .losses
            .iter()
            .take(MOST_BINDINGS)
            .map(|loss| BindingName {
                kind: Kind(loss.kind),
                namespace: loss.namespace,
                name: loss.name,
            })
            .collect(),
        persona_bindings_total: removal.losses.len(),
        missing: lost.chain(others).collect(),
    }
}

fn respond<'a>(
    change: &'a Change<'_>,
    policy: &Policy,
    decision: &RemovalDecision<'_>,
    losers: &Losers<'_>,
    other: Option<Other<'_>>,
) -> Response<'a> {
    let uid = &change.review.uid;
    let about = About {
        name: change.previous.name,
        is_deleted: change.next.is_none(),
    };
    let response = match decision {
        RemovalDecision::Deny(_) => Response::deny(uid, &denial(policy, about, losers)),
        RemovalDecision::Warn(removal) => {
            let told = warnings(policy, about, losers, removal.because);
            with_warnings(Response::allow(uid), told)
        }
        RemovalDecision::Allow | RemovalDecision::Audit(_) => Response::allow(uid),
    };
    match (&change.next, other.filter(|other| other.warns)) {
        (Some(next), Some(other)) => {
            let about = about_of(change.review, next, next.name);
            with_warnings(
                response,
                message::warnings(other.policy, about, other.fault),
            )
        }
        _ => response,
    }
}
