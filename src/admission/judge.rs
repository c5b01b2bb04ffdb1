//! Between assessing and concluding: what is missing is waited for, and confirmed by a live read.
//!
//! A snapshot's holdings change while it is the current one. So a conclusion by it may allow, or
//! say that evidence is needed, but a refusal is concluded only from a confirming read, which never
//! changes; and what was concluded once is not concluded again.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::answer::Answer;
use super::budget::Budget;
use super::ordering::Ordered;
use super::review::Review;
use super::verdict::answer;
use super::webhook::Webhook;
use crate::domain::assess::{Assessment, assess};
use crate::domain::binding::Binding;
use crate::domain::conclude::{Decision, Evidence, conclude};
use crate::state::confirm::ConfirmError;
use crate::state::snapshot::Snapshot;
use crate::telemetry::causes::WithCauses;
use crate::telemetry::labels::{Confirmation, MissRefusal};

/// The least time between two looks at an index that changes all the time.
const BETWEEN_LOOKS: Duration = Duration::from_millis(10);
/// How many times longer than a look the time between two is at least, so that huge bindings in a
/// busy cluster do not take the processor from everybody else.
const LOOKS_SHARE: u32 = 50;

/// A binding under review, with the version that it replaces.
#[derive(Clone, Copy, Debug)]
pub(super) struct UnderReview<'r> {
    pub(super) review: &'r Review<'r>,
    pub(super) binding: &'r Binding<'r>,
    pub(super) previous: Option<&'r Binding<'r>>,
    /// The size of the body in which they came.
    pub(super) bytes: usize,
    /// By what its order is judged.
    pub(super) ordered: &'r Ordered,
}

/// Why a call cannot be decided now.
#[derive(Debug, thiserror::Error)]
pub(super) enum Undecided {
    #[error(
        "a companion seems to be missing, and the API server did not confirm it within {} ms",
        .0.as_millis()
    )]
    Overdue(Duration),
    #[error("a companion seems to be missing, and the API server could not be asked to confirm it")]
    Unconfirmed(#[from] ConfirmError),
    #[error("a companion seems to be missing, and {} to be confirmed", who_waits(*.0))]
    NoPlace(MissRefusal),
    #[error("this call was not decided in the time that it had")]
    Late,
}

fn who_waits(reason: MissRefusal) -> &'static str {
    match reason {
        MissRefusal::Calls => "too many bindings wait already",
        MissRefusal::Bytes => "too many large bindings wait already",
        MissRefusal::Share => "too many bindings of the same requester wait already",
    }
}

impl<'r> UnderReview<'r> {
    fn assess<'p>(&self, snapshot: &'p Snapshot) -> Assessment<'p, 'r> {
        assess(snapshot.policy(), self.binding, self.previous, snapshot)
    }

    /// What a snapshot says now.
    fn conclude<'p>(&self, snapshot: &'p Snapshot) -> Decision<'p, 'r> {
        let policy = snapshot.policy();
        let requester = &self.review.requester;
        let ordered = self.ordered.counted(self.review, self.binding, snapshot);
        let evidence = Evidence {
            requester_exempt: policy.exempts_requester(&requester.username, &requester.groups),
            dry_run: self.review.dry_run,
            ordered: &ordered,
        };
        conclude(policy, self.assess(snapshot), evidence)
    }
}

/// Whether a decision stands as it is, or a subject that this call brings in seems to lack
/// something, which takes evidence.
fn stands(decision: &Decision<'_, '_>) -> bool {
    match decision {
        Decision::Allow(_) => true,
        Decision::Warn(fault) | Decision::Audit(fault) => fault.new_missing().next().is_none(),
        Decision::Deny(_) => false,
    }
}

/// Decides a call and answers it.
///
/// A call whose subjects the snapshot covers is answered at once. Another waits for the watch to
/// bring the companions, and then for a read from the source that began after the call arrived.
/// If that cannot be had within the budget, a call that might be refused is to be asked again.
pub(super) async fn judge(
    webhook: &Webhook,
    under_review: UnderReview<'_>,
    snapshot: Arc<Snapshot>,
    timeout: Duration,
) -> Answer {
    let budget = Budget::beginning_now(timeout);
    {
        let decision = under_review.conclude(&snapshot);
        if stands(&decision) {
            return answer(webhook, under_review, &snapshot, &decision, budget).await;
        }
    }
    drop(snapshot);
    let budget = webhook.repeated(under_review.review, budget);
    // Boxed, so that the calls that do not come here are not as large as if they did.
    Box::pin(judge_by_evidence(webhook, under_review, budget)).await
}

/// Decides a call that the snapshot with which it began does not cover.
async fn judge_by_evidence(
    webhook: &Webhook,
    under_review: UnderReview<'_>,
    budget: Budget,
) -> Answer {
    let verdict = async |snapshot: &Snapshot, decision: &Decision<'_, '_>| {
        answer(webhook, under_review, snapshot, decision, budget).await
    };
    let requester = &under_review.review.requester.username;
    let place = webhook.misses.enter(requester, under_review.bytes);
    let undecided = match place {
        Ok(_place) => {
            if let Some(answer) = settle(webhook, under_review, budget).await {
                return answer;
            }
            match confirm(webhook, budget).await {
                Ok(fresh) => {
                    let decision = under_review.conclude(&fresh);
                    webhook.metrics.confirmed(match &decision {
                        Decision::Allow(_) => Confirmation::Found,
                        Decision::Warn(_) | Decision::Audit(_) | Decision::Deny(_) => {
                            Confirmation::ConfirmedMissing
                        }
                    });
                    return verdict(&fresh, &decision).await;
                }
                Err(undecided) => {
                    webhook.metrics.confirmed(Confirmation::Failed);
                    undecided
                }
            }
        }
        Err(reason) => Undecided::NoPlace(reason),
    };
    // Not the snapshot that the call began with: another policy may be in force by now.
    let Some(snapshot) = webhook.state.current() else {
        return refuse_to_guess(webhook, under_review.review, budget, &undecided);
    };
    let decision = under_review.conclude(&snapshot);
    match decision {
        Decision::Deny(_) => refuse_to_guess(webhook, under_review.review, budget, &undecided),
        // A call that passes either way does not wait for certainty.
        Decision::Allow(_) | Decision::Warn(_) | Decision::Audit(_) => {
            verdict(&snapshot, &decision).await
        }
    }
}

/// Waits for the watch to bring what is missing, and answers the call if it does.
async fn settle(
    webhook: &Webhook,
    under_review: UnderReview<'_>,
    budget: Budget,
) -> Option<Answer> {
    // Nothing is on its way for a dry run, which stores nothing.
    if webhook.misses.settle.is_zero() || under_review.review.dry_run {
        return None;
    }
    let until = budget.settle_until(webhook.misses.settle);
    // Taken before the look, so that no change goes unnoticed in between.
    let mut changes = webhook.state.changes();
    loop {
        let looked = Instant::now();
        {
            let snapshot = webhook.state.current()?;
            let decision = under_review.conclude(&snapshot);
            if stands(&decision) {
                webhook.metrics.miss_settled();
                return Some(answer(webhook, under_review, &snapshot, &decision, budget).await);
            }
        }
        let pause = BETWEEN_LOOKS.max(looked.elapsed() * LOOKS_SHARE);
        if !another_change(&mut changes, looked + pause, until).await {
            return None;
        }
    }
}

/// Waits for a change, but not longer than until then, and takes all changes of a while for one.
async fn another_change(
    changes: &mut watch::Receiver<u64>,
    pause: Instant,
    until: Instant,
) -> bool {
    if !matches!(timeout_at(until, changes.changed()).await, Ok(Ok(()))) {
        return false;
    }
    sleep_until(pause.min(until)).await;
    true
}

/// A snapshot that is read from the source by a read that begins after now.
async fn confirm(webhook: &Webhook, budget: Budget) -> Result<Arc<Snapshot>, Undecided> {
    timeout_at(budget.evidence_until(), webhook.confirm.confirm())
        .await
        .map_err(|_elapsed| Undecided::Overdue(budget.evidence()))?
        .map_err(Undecided::Unconfirmed)
}

/// The answer to a call that might have to be refused, and of which nobody can be sure.
pub(super) fn refuse_to_guess(
    webhook: &Webhook,
    review: &Review<'_>,
    budget: Budget,
    undecided: &Undecided,
) -> Answer {
    let error = tracing::field::display(WithCauses(undecided));
    match undecided {
        // Counted, and not worth a line each: there are many of them when there are any.
        Undecided::NoPlace(_) => {
            tracing::debug!(uid = &*review.uid, error, "a call found no place");
        }
        Undecided::Overdue(_) | Undecided::Unconfirmed(_) | Undecided::Late => {
            tracing::warn!(uid = &*review.uid, error, "a call was not decided");
        }
    }
    let message = format!("bindguard: {undecided}; nothing was decided, please try again");
    webhook.undecided(review, budget, &message)
}
