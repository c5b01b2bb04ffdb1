//! Who holds which companion, by the `ClusterRoleBindings` that give them.
//!
//! Synchronous, and knows nothing of where bindings come from. An entry is a pair of identity and
//! companion; it costs some hundred bytes, and what it costs to look one up does not depend on
//! how many there are.

use std::fmt;

use hashbrown::HashSet;
use smallvec::SmallVec;

use super::binding_key::BindingKey;
use super::bits;
use super::identities::Identities;
use super::keyed::Keyed;
use crate::domain::binding::Binding;
use crate::domain::companion_set::CompanionSet;
use crate::domain::holdings::{HeldByEach, Holdings};
use crate::domain::identity::Identity;
use crate::domain::policy::Policy;

/// The holdings.
///
/// What is in it means something only together with the companions of the policy by which it was
/// filled; a snapshot keeps the two together.
pub struct Index {
    identities: Identities,
    /// What each binding gave, and to whom: a changed binding says only what it gives now.
    bindings: Keyed<Recipients>,
    /// The bindings whose deletion has begun. There are hardly ever any.
    terminating: HashSet<BindingKey>,
    entries: usize,
}

/// The numbers of those to whom a binding gives companions: 32 bytes with its key, and an
/// allocation if they are more than one.
#[derive(Debug)]
enum Recipients {
    One {
        identity: u32,
        given: CompanionSet,
    },
    /// The companions as bits, then the identities. The companions are in the allocation because
    /// beside it they would cost every binding eight bytes.
    Many(Box<[u32]>),
}

impl Default for Recipients {
    fn default() -> Self {
        Self::Many(Box::default())
    }
}

impl Index {
    /// An index with nothing in it.
    #[must_use]
    pub fn new() -> Self {
        Self {
            identities: Identities::new(),
            bindings: Keyed::new(),
            terminating: HashSet::new(),
            entries: 0,
        }
    }

    /// The index of all these bindings. Where two have the same key, the later counts.
    #[must_use]
    pub fn of<'a>(
        policy: &Policy,
        bindings: impl IntoIterator<Item = (BindingKey, Binding<'a>)>,
    ) -> Self {
        let mut index = Self::new();
        for (key, binding) in bindings {
            index.apply_binding(policy, key, &binding);
        }
        index
    }

    /// Takes in a binding that is new or has changed. Whether anything is different now.
    pub fn apply_binding(
        &mut self,
        policy: &Policy,
        key: BindingKey,
        binding: &Binding<'_>,
    ) -> bool {
        let given = policy.companions_given_by(binding.kind, binding.role);
        self.apply(key, given, binding.identities())
    }

    /// Takes in that the binding with this key gives these companions to these identities, and
    /// nothing else any more. Whether anything is different now.
    pub fn apply<'a>(
        &mut self,
        key: BindingKey,
        given: CompanionSet,
        identities: impl IntoIterator<Item = Identity<'a>>,
    ) -> bool {
        if given.is_empty() {
            return self.delete(key);
        }
        let mut numbers: SmallVec<[u32; 8]> = identities
            .into_iter()
            .filter_map(|identity| self.identities.intern(identity))
            .collect();
        numbers.sort_unstable();
        numbers.dedup();
        if numbers.is_empty() {
            return self.delete(key);
        }
        // First hold, then release: who is in both keeps the number, which `numbers` relies on.
        for number in &numbers {
            self.entries += self.identities.hold(*number, given);
        }
        let to = Recipients::new(given, &numbers);
        let before = self.replace(key, to);
        let same = before.as_ref().is_some_and(|before| {
            before.given() == given && before.identities().eq(numbers.iter().copied())
        });
        self.release(before);
        !same
    }

    /// Takes in that the binding with this key is gone. Whether anything is different now.
    pub fn delete(&mut self, key: BindingKey) -> bool {
        self.terminating.remove(&key);
        let before = self.bindings.remove(key).map(|(_, to)| to);
        let known = before.is_some();
        self.release(before);
        known
    }

    /// Takes in whether the deletion of a binding that is in the index has begun.
    pub fn set_terminating(&mut self, key: BindingKey, terminating: bool) {
        if terminating && self.bindings.of_key(key).is_some() {
            self.terminating.insert(key);
        } else {
            self.terminating.remove(&key);
        }
    }

    /// What the identity would hold if there were none of the bindings with these keys, and none
    /// whose deletion has begun.
    #[must_use]
    pub fn held_without(&self, keys: &[BindingKey], identity: Identity<'_>) -> CompanionSet {
        let Some((number, held)) = self.identities.find(identity) else {
            return CompanionSet::EMPTY;
        };
        let given: SmallVec<[CompanionSet; 2]> = keys
            .iter()
            .enumerate()
            .filter(|(position, key)| keys.iter().take(*position).all(|other| other != *key))
            .map(|(_, key)| key)
            .chain(self.terminating.iter().filter(|key| !keys.contains(key)))
            .filter_map(|key| self.bindings.of_key(*key))
            .filter(|to| to.has(number))
            .map(Recipients::given)
            .collect();
        held.positions()
            .filter(|position| {
                let taken = given.iter().filter(|given| given.contains(*position));
                self.identities.givers(number, *position) > taken.count()
            })
            .collect()
    }

    /// How many pairs of identity and companion there are.
    #[must_use]
    pub const fn entries(&self) -> usize {
        self.entries
    }

    /// How many bindings give at least one companion to at least one identity.
    #[must_use]
    pub fn bindings(&self) -> usize {
        self.bindings.len()
    }

    fn release(&mut self, before: Option<Recipients>) {
        let Some(before) = before else { return };
        let given = before.given();
        for number in before.identities() {
            self.entries -= self.identities.release(number, given);
        }
    }

    fn replace(&mut self, key: BindingKey, to: Recipients) -> Option<Recipients> {
        if let Some(before) = self.bindings.of_key_mut(key) {
            return Some(std::mem::replace(before, to));
        }
        self.bindings.insert(key, to);
        None
    }
}

impl Holdings for Index {
    fn held_by(&self, identity: Identity<'_>) -> CompanionSet {
        self.identities.held_by(identity)
    }

    fn held_by_each(&self, identities: &[Identity<'_>]) -> HeldByEach {
        self.identities.held_by_each(identities)
    }
}

impl Default for Index {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Index {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Index")
            .field("entries", &self.entries)
            .field("bindings", &self.bindings())
            .finish_non_exhaustive()
    }
}

impl Recipients {
    fn new(given: CompanionSet, numbers: &[u32]) -> Self {
        match numbers {
            [identity] => Self::One {
                identity: *identity,
                given,
            },
            _ => Self::Many(
                std::iter::once(bits::of_set(given).into())
                    .chain(numbers.iter().copied())
                    .collect(),
            ),
        }
    }

    fn given(&self) -> CompanionSet {
        match self {
            Self::One { given, .. } => *given,
            Self::Many(list) => list
                .first()
                .and_then(|bits| u16::try_from(*bits).ok())
                .map_or(CompanionSet::EMPTY, bits::to_set),
        }
    }

    /// Whether the identity with this number is one of them.
    fn has(&self, number: u32) -> bool {
        match self {
            Self::One { identity, .. } => *identity == number,
            // They are kept in rising order.
            Self::Many(list) => list
                .get(1..)
                .is_some_and(|numbers| numbers.binary_search(&number).is_ok()),
        }
    }

    fn identities(&self) -> impl Iterator<Item = u32> {
        let (one, many) = match self {
            Self::One { identity, .. } => (Some(*identity), None),
            Self::Many(list) => (None, list.get(1..)),
        };
        one.into_iter()
            .chain(many.unwrap_or_default().iter().copied())
    }
}

#[cfg(test)]
mod tests;
