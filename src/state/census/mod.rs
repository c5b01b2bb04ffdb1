//! Every binding that a policy is about, whole: who has a persona, and who is given a companion.
//!
//! The [`Snapshot`](super::snapshot::Snapshot) answers who holds what, and is made for the calls
//! of the webhook. This is for looking through everything again and again without a list: two
//! watches keep it, and what it costs is what those bindings say, and their uids.

mod feed;
mod part;
pub mod watch;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch as channel;

use self::part::Part;
use super::personas::have_same_personas;
use super::seen::Seen;
use super::shared::Shared;
use crate::domain::binding::BindingKind;
use crate::domain::policy::Policy;

/// The bindings, as they are known.
#[derive(Debug)]
pub struct Census {
    policy: Arc<Policy>,
    cluster_role_bindings: Kept,
    role_bindings: Kept,
    changes: channel::Sender<u64>,
}

/// The bindings of one kind.
#[derive(Debug, Default)]
struct Kept {
    part: Shared<Part>,
    is_listed: AtomicBool,
    is_failing: AtomicBool,
}

impl Census {
    /// With nothing in it, for the personas and the companions of this policy.
    #[must_use]
    pub fn new(policy: Arc<Policy>) -> Self {
        Self {
            policy,
            cluster_role_bindings: Kept::default(),
            role_bindings: Kept::default(),
            changes: channel::Sender::default(),
        }
    }

    /// Whether a policy is about the same bindings.
    #[must_use]
    pub fn serves(&self, policy: &Policy) -> bool {
        policy.companions == self.policy.companions && have_same_personas(policy, &self.policy)
    }

    /// Whether both kinds have been listed, so that it is complete.
    #[must_use]
    pub fn is_listed(&self) -> bool {
        [&self.cluster_role_bindings, &self.role_bindings]
            .iter()
            .all(|kept| kept.is_listed.load(Ordering::Relaxed))
    }

    /// The kinds whose watch fails at present, so that what is known of them may be out of date.
    #[must_use]
    pub fn failing(&self) -> Vec<BindingKind> {
        [BindingKind::ClusterRoleBinding, BindingKind::RoleBinding]
            .into_iter()
            .filter(|kind| self.kept(*kind).is_failing.load(Ordering::Relaxed))
            .collect()
    }

    /// A number that grows with every change of what is known, and of whether it is.
    #[must_use]
    pub fn changes(&self) -> channel::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Shows each binding of a kind, in the order of their namespaces and names. Changes wait
    /// meanwhile.
    pub fn each(&self, kind: BindingKind, see: impl FnMut(&Seen<'_>)) {
        self.kept(kind).part.read(|part| part.each(see));
    }

    /// How many bindings of a kind there are.
    #[must_use]
    pub fn len(&self, kind: BindingKind) -> usize {
        self.kept(kind).part.read(Part::len)
    }

    const fn kept(&self, kind: BindingKind) -> &Kept {
        match kind {
            BindingKind::ClusterRoleBinding => &self.cluster_role_bindings,
            BindingKind::RoleBinding => &self.role_bindings,
        }
    }

    fn announce_change(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    fn set_failing(&self, kind: BindingKind, failing: bool) {
        let before = self.kept(kind).is_failing.swap(failing, Ordering::Relaxed);
        if before != failing {
            self.announce_change();
        }
    }
}
