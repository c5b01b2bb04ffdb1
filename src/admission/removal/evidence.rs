//! The persona bindings that a change leaves without companions.

use std::sync::Arc;

use tokio::task::yield_now;

use super::change::{Change, umbrellas};
use crate::domain::removal::{Loss, RemovalDecision, assess_removal, conclude_removal};
use crate::state::personas::{PersonaBinding, PersonasUnknown};
use crate::state::snapshot::Snapshot;

/// How many bindings are assessed before other calls get their turn.
const AT_A_TIME: usize = 256;

/// What a removal is concluded by.
#[derive(Debug)]
pub(super) struct Evidence {
    /// The policy, and the holdings as they are.
    pub(super) snapshot: Arc<Snapshot>,
    /// The persona bindings that lose something, by namespace and name; those that were read again
    /// come first.
    pub(super) bindings: Vec<PersonaBinding>,
    /// How many of them messages may speak of: all, or those that were read again.
    pub(super) named: usize,
}

impl Evidence {
    /// Everything that the snapshot knows of.
    pub(super) async fn gather(
        change: &Change<'_>,
        snapshot: Arc<Snapshot>,
    ) -> Result<Self, PersonasUnknown> {
        let lost = change.lost(&snapshot);
        let candidates = if lost.is_empty() {
            Vec::new()
        } else if umbrellas(snapshot.policy(), &lost).next().is_some() {
            snapshot.all_persona_bindings()?
        } else {
            snapshot.persona_bindings_naming(&lost)?
        };
        drop(lost);
        let mut bindings = losing(change, &snapshot, candidates).await;
        bindings.sort_by(|one, other| place(one).cmp(&place(other)));
        Ok(Self {
            snapshot,
            named: bindings.len(),
            bindings,
        })
    }

    /// What follows.
    pub(super) fn conclude<'e>(&'e self, change: &'e Change<'_>) -> RemovalDecision<'e> {
        let policy = self.snapshot.policy();
        let losses = self.losses(change);
        let never_refused = change.is_never_refused(policy);
        conclude_removal(policy, losses, never_refused, change.review.dry_run)
    }

    fn losses<'e>(&'e self, change: &'e Change<'_>) -> Vec<Loss<'e>> {
        let bindings = self.bindings.iter().map(PersonaBinding::as_binding);
        assess_removal(
            self.snapshot.policy(),
            bindings,
            &change.before(&self.snapshot),
            &change.after(&self.snapshot),
        )
    }
}

/// Those of the bindings that lose something.
pub(super) async fn losing(
    change: &Change<'_>,
    snapshot: &Snapshot,
    candidates: Vec<PersonaBinding>,
) -> Vec<PersonaBinding> {
    let (before, after) = (change.before(snapshot), change.after(snapshot));
    let loses = |candidate: &&PersonaBinding| {
        let binding = candidate.as_binding();
        !change.is_of(&binding)
            && !assess_removal(snapshot.policy(), [binding], &before, &after).is_empty()
    };
    let mut losing = Vec::new();
    for some in candidates.chunks(AT_A_TIME) {
        losing.extend(some.iter().filter(loses).cloned());
        yield_now().await;
    }
    losing
}

fn place(binding: &PersonaBinding) -> (Option<&str>, &str) {
    let binding = binding.as_binding();
    (binding.namespace, binding.name)
}
