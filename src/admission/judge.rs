//! Between assessing and concluding: what is missing is confirmed by a live read.

use std::sync::Arc;
use std::time::Duration;

use super::review::Review;
use super::webhook::Webhook;
use crate::domain::assess::{Assessment, Since, assess};
use crate::domain::binding::Binding;
use crate::domain::conclude::{Decision, Evidence, conclude};
use crate::domain::policy::Policy;
use crate::state::confirm::ConfirmError;
use crate::state::snapshot::Snapshot;
use crate::telemetry::labels::Confirmation;

/// The longest that a confirming read may take.
const LONGEST_BUDGET: Duration = Duration::from_secs(3);

/// A binding under review, with the version that it replaces.
#[derive(Clone, Copy, Debug)]
pub(super) struct UnderReview<'r> {
    pub(super) review: &'r Review<'r>,
    pub(super) binding: &'r Binding<'r>,
    pub(super) previous: Option<&'r Binding<'r>>,
}

/// Why a call cannot be decided now.
#[derive(Debug, thiserror::Error)]
pub(super) enum Undecided {
    #[error("a companion seems to be missing, and the API server did not confirm it within {} ms", .0.as_millis())]
    Overdue(Duration),
    #[error("a companion seems to be missing, and the API server could not be asked to confirm it")]
    Unconfirmed(#[from] ConfirmError),
}

impl<'r> UnderReview<'r> {
    fn assess<'p>(&self, snapshot: &'p Snapshot) -> Assessment<'p, 'r> {
        assess(snapshot.policy(), self.binding, self.previous, snapshot)
    }

    fn evidence(&self, policy: &Policy) -> Evidence {
        let requester = &self.review.requester;
        Evidence {
            requester_exempt: policy.exempts_requester(&requester.username, &requester.groups),
            dry_run: self.review.dry_run,
        }
    }

    /// What a snapshot alone says.
    pub(super) fn conclude<'p>(&self, snapshot: &'p Snapshot) -> Decision<'p, 'r> {
        let policy = snapshot.policy();
        conclude(policy, self.assess(snapshot), self.evidence(policy))
    }
}

/// Finds the snapshot to conclude by: the current one, or, if it does not cover a subject that
/// this call brings in, one that was read from the source after the call arrived.
///
/// The decision is not part of the answer because it borrows from that snapshot.
pub(super) async fn settle(
    webhook: &Webhook,
    current: Arc<Snapshot>,
    under_review: UnderReview<'_>,
    timeout: Duration,
) -> Result<Arc<Snapshot>, Undecided> {
    let would_deny = match under_review.conclude(&current) {
        Decision::Allow(_) => return Ok(current),
        Decision::Warn(fault) | Decision::Audit(fault)
            if fault.missing.iter().all(|one| one.since == Since::Before) =>
        {
            return Ok(current);
        }
        Decision::Warn(_) | Decision::Audit(_) => false,
        Decision::Deny(_) => true,
    };
    let budget = LONGEST_BUDGET.min(timeout / 3);
    let read = tokio::time::timeout(budget, webhook.confirm.confirm())
        .await
        .map_err(|_elapsed| Undecided::Overdue(budget))
        .and_then(|read| Ok(read?));
    match read {
        Ok(fresh) => {
            let result = match under_review.conclude(&fresh) {
                Decision::Allow(_) => Confirmation::Found,
                Decision::Warn(_) | Decision::Audit(_) | Decision::Deny(_) => {
                    Confirmation::ConfirmedMissing
                }
            };
            webhook.metrics.confirmed(result);
            Ok(fresh)
        }
        Err(undecided) => {
            webhook.metrics.confirmed(Confirmation::Failed);
            // A call that passes either way does not wait for certainty.
            if would_deny {
                Err(undecided)
            } else {
                Ok(current)
            }
        }
    }
}
