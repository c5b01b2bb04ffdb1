//! Holdings with one more binding, without a copy of them.

use hashbrown::HashSet;

use super::binding::Binding;
use super::companion_set::CompanionSet;
use super::holdings::Holdings;
use super::identity::Identity;
use super::policy::Policy;

/// The holdings as they would be if there were one more companion binding.
#[derive(Clone, Debug)]
pub struct With<'a, H> {
    others: H,
    given: CompanionSet,
    to: HashSet<Identity<'a>>,
}

impl<'a, H: Holdings> With<'a, H> {
    /// The others with this binding.
    pub fn binding(policy: &Policy, binding: &Binding<'a>, others: H) -> Self {
        Self {
            others,
            given: policy.companions_given_by(binding.kind, binding.role),
            to: binding.identities().collect(),
        }
    }

    /// The others with nothing.
    pub fn nothing(others: H) -> Self {
        Self {
            others,
            given: CompanionSet::EMPTY,
            to: HashSet::new(),
        }
    }

    /// Those to whom the binding gives something, each once.
    #[must_use]
    pub const fn recipients(&self) -> &HashSet<Identity<'a>> {
        &self.to
    }
}

impl<H: Holdings> Holdings for With<'_, H> {
    fn held_by(&self, identity: Identity<'_>) -> CompanionSet {
        let held = self.others.held_by(identity);
        if self.to.contains(&identity) {
            held.union(self.given)
        } else {
            held
        }
    }
}
