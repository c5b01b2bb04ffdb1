//! Between assessing and concluding a removal: what it is refused for is read again.

use std::sync::Arc;

use tokio::time::timeout_at;

use super::change::Change;
use super::evidence::{Evidence, losing};
use super::verdict;
use crate::admission::answer::Answer;
use crate::admission::budget::Budget;
use crate::admission::review::Review;
use crate::admission::webhook::Webhook;
use crate::domain::assess::NotJudged;
use crate::domain::conclude::{Allowed, Decision};
use crate::domain::policy::{Action, Policy};
use crate::domain::removal::RemovalDecision;
use crate::state::confirm::ConfirmError;
use crate::state::personas::{PersonaBinding, PersonasUnknown};
use crate::state::snapshot::Snapshot;
use crate::state::source::SourceError;
use crate::telemetry::labels::{Confirmation, Decision as Label, MissRefusal};

/// How many bindings are read again at a time, and so the most that a refusal speaks of by what
/// they bind. Were they all gone, the next are read.
const AT_A_TIME: usize = 5;

/// What the persona rule says of the same call.
#[derive(Clone, Copy, Debug)]
pub(in crate::admission) struct Beside<'d, 'p, 'b> {
    /// The policy by which it says so.
    pub(in crate::admission) policy: &'p Policy,
    /// What it says.
    pub(in crate::admission) decision: &'d Decision<'p, 'b>,
}

impl Beside<'_, '_, '_> {
    /// Whether the rule has something to say of the binding at all.
    fn is_persona(&self) -> bool {
        !matches!(
            self.decision,
            Decision::Allow(Allowed::NotJudged(NotJudged::NotAPersona))
        )
    }
}

/// Why a removal cannot be judged now.
#[derive(Debug, thiserror::Error)]
pub(super) enum Undecided {
    #[error(transparent)]
    Personas(#[from] PersonasUnknown),
    #[error("what it takes away was not confirmed in time")]
    Overdue,
    #[error("the companion bindings could not be read again")]
    Unconfirmed(#[from] ConfirmError),
    #[error("the persona bindings could not be read again")]
    NotReread(#[from] SourceError),
    #[error("too many calls wait to be confirmed already")]
    NoPlace(MissRefusal),
    #[error("there was no time left to record a refusal")]
    Late,
}

/// What is to be said of what a call takes away.
#[derive(Debug)]
pub(in crate::admission) enum Told {
    /// Nothing: it takes nothing away.
    Nothing,
    /// This, which is the answer to the whole call.
    Answer(Answer),
    /// That it was not judged, in a warning beside what the persona rule answers.
    NotJudged(String),
}

/// Judges what a call takes away, if it changes a companion binding; `bytes` is the size of its
/// body.
pub(in crate::admission) async fn judge(
    webhook: &Webhook,
    review: &Review<'_>,
    bytes: usize,
    beside: Option<Beside<'_, '_, '_>>,
    budget: Budget,
) -> Told {
    if !Change::may_be_in(review) {
        return Told::Nothing;
    }
    // Boxed, so that all other calls are small.
    Box::pin(judge_change(webhook, review, bytes, beside, budget)).await
}

async fn judge_change(
    webhook: &Webhook,
    review: &Review<'_>,
    bytes: usize,
    beside: Option<Beside<'_, '_, '_>>,
    budget: Budget,
) -> Told {
    // Not the snapshot of the persona rule: a confirming read knows of no persona bindings.
    let Some(snapshot) = webhook.state.current() else {
        return Told::Nothing;
    };
    let Some(change) = Change::of(review, snapshot.policy()) else {
        return Told::Nothing;
    };
    let action = snapshot.policy().companion_removal;
    let budget = webhook.repeated(review, budget);
    let undecided = match decide(webhook, &change, bytes, beside, snapshot, budget).await {
        Ok(Some(answer)) => return Told::Answer(answer),
        Ok(None) => {
            webhook.metrics.removal_decided(Label::Allow);
            return Told::Nothing;
        }
        Err(undecided) => undecided,
    };
    let error = &undecided as &dyn std::error::Error;
    let unknown = format!("bindguard: from whom this takes companions is not known: {undecided}");
    if beside.is_some_and(|beside| beside.is_persona()) {
        tracing::warn!(
            uid = &*review.uid,
            error,
            "what a change takes away was not judged; it is answered by the persona rule alone"
        );
        return match action {
            Action::Audit => Told::Nothing,
            Action::Warn | Action::Deny => Told::NotJudged(unknown),
        };
    }
    tracing::warn!(uid = &*review.uid, error, "a removal was not judged");
    match (undecided, action) {
        // It passes either way, and a 503 would not be shown where this fails open.
        (Undecided::Personas(PersonasUnknown::Unreadable), Action::Warn) => {
            Told::NotJudged(unknown)
        }
        // This may last, and every deletion would take the API server five seconds.
        (Undecided::Personas(PersonasUnknown::Unreadable), _) => {
            let message = format!("{unknown}; nothing was decided");
            Told::Answer(Answer::status(
                http::StatusCode::SERVICE_UNAVAILABLE,
                &message,
            ))
        }
        _ => {
            let message = format!("{unknown}; nothing was decided, please try again");
            Told::Answer(webhook.undecided(review, budget, &message))
        }
    }
}

/// The answer, if the change takes something away.
async fn decide(
    webhook: &Webhook,
    change: &Change<'_>,
    bytes: usize,
    beside: Option<Beside<'_, '_, '_>>,
    snapshot: Arc<Snapshot>,
    budget: Budget,
) -> Result<Option<Answer>, Undecided> {
    let evidence = Evidence::gather(change, snapshot).await?;
    {
        let decision = evidence.conclude(change);
        // The index changes: only what is read again, and stays as it was read, is refused for.
        if !matches!(decision, RemovalDecision::Deny(_)) {
            return verdict::answer(webhook, change, &evidence, &decision, beside, budget).await;
        }
    }
    let requester = &change.review.requester.username;
    let place = webhook.misses.enter(requester, bytes);
    let _place = place.map_err(Undecided::NoPlace)?;
    let confirmed = timeout_at(
        budget.evidence_until(),
        confirm(webhook, change, evidence.bindings),
    );
    let confirmed = match confirmed.await {
        Ok(confirmed) => confirmed,
        Err(_elapsed) => Err(Undecided::Overdue),
    };
    let evidence = confirmed.inspect_err(|_| webhook.metrics.confirmed(Confirmation::Failed))?;
    let decision = evidence.conclude(change);
    webhook.metrics.confirmed(match decision {
        RemovalDecision::Allow => Confirmation::Found,
        _ => Confirmation::ConfirmedMissing,
    });
    verdict::answer(webhook, change, &evidence, &decision, beside, budget).await
}

/// The same evidence, with holdings and at least one binding that were read after now, if there
/// is one left that loses something.
async fn confirm(
    webhook: &Webhook,
    change: &Change<'_>,
    known: Vec<PersonaBinding>,
) -> Result<Evidence, Undecided> {
    let snapshot = webhook.confirm.confirm().await?;
    let mut rest = losing(change, &snapshot, known).await;
    while !rest.is_empty() {
        let later = rest.split_off(rest.len().min(AT_A_TIME));
        let found = webhook.reread.reread(rest).await?;
        let mut bindings = losing(change, &snapshot, found).await;
        rest = later;
        if !bindings.is_empty() {
            let named = bindings.len();
            bindings.append(&mut rest);
            return Ok(Evidence {
                snapshot,
                bindings,
                named,
            });
        }
    }
    Ok(Evidence {
        snapshot,
        bindings: Vec::new(),
        named: 0,
    })
}
