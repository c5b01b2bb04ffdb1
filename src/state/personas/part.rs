//! The persona bindings among the `RoleBindings`, as their watch knows them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwapOption;

use super::have_same_personas;
use super::index::PersonaIndex;
use crate::domain::policy::Policy;
use crate::state::shared::Shared;

/// What the watch of `RoleBindings` says, once it says anything.
#[derive(Debug, Default)]
pub(in crate::state) struct RoleBindingPart {
    listed: ArcSwapOption<Listed>,
    failing: AtomicBool,
}

/// An index with the policy by whose personas it is filled.
#[derive(Debug)]
pub(in crate::state) struct Listed {
    pub(super) policy: Arc<Policy>,
    pub(super) index: Shared<PersonaIndex>,
}

impl RoleBindingPart {
    /// The complete index for a policy's personas, if there is one.
    pub(super) fn index_for(&self, policy: &Policy) -> Option<Arc<Listed>> {
        self.listed
            .load_full()
            .filter(|listed| have_same_personas(&listed.policy, policy))
    }

    /// Makes a complete index the one to judge by.
    pub(super) fn publish(&self, listed: Arc<Listed>) {
        self.listed.store(Some(listed));
    }

    /// Whether the watch fails, so that nobody knows when there will be an index.
    pub(super) fn is_failing(&self) -> bool {
        self.failing.load(Ordering::Relaxed)
    }

    pub(super) fn set_failing(&self, failing: bool) {
        self.failing.store(failing, Ordering::Relaxed);
    }
}

impl Listed {
    pub(super) fn new(policy: Arc<Policy>) -> Self {
        Self {
            policy,
            index: Shared::default(),
        }
    }

    pub(super) fn read<A>(&self, read: impl FnOnce(&PersonaIndex) -> A) -> A {
        self.index.read(read)
    }
}
