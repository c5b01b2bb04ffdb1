//! The bindings of one kind that a policy is about.

use std::collections::BTreeMap;

use crate::domain::binding::Binding;
use crate::domain::policy::Policy;
use crate::kubernetes::lean::OrderAnnotations;
use crate::state::personas::PersonaBinding;
use crate::state::seen::Seen;

/// Bindings by their places, and so in their order.
#[derive(Debug, Default)]
pub(super) struct Part(BTreeMap<Place, Record>);

/// Namespace and name: no two objects of a kind have the same at a time.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place(Box<str>, Box<str>);

/// What is known of a binding.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Record {
    binding: PersonaBinding,
    uid: Option<Box<str>>,
    ordered: Option<Box<OrderAnnotations>>,
    is_unreadable: bool,
}

impl Record {
    /// The record of a binding, if it says anything of personas or companions. One that could not
    /// be read in full might, and one with the name of a companion takes that name from others.
    pub(super) fn of(policy: &Policy, seen: &Seen<'_>) -> Option<Self> {
        let Binding {
            kind, role, name, ..
        } = seen.binding;
        let mut companions = policy.companions.iter();
        let is_wanted = seen.is_unreadable
            || policy.persona_of(kind, role).is_some()
            || !policy.companions_given_by(kind, role).is_empty()
            || companions.any(|companion| name.starts_with(&companion.cluster_role));
        is_wanted.then(|| Self {
            binding: PersonaBinding::of(&seen.binding),
            uid: seen.uid.map(Box::from),
            ordered: seen.ordered.cloned().map(Box::new),
            is_unreadable: seen.is_unreadable,
        })
    }

    fn seen(&self) -> Seen<'_> {
        Seen {
            binding: self.binding.as_binding(),
            uid: self.uid.as_deref(),
            ordered: self.ordered.as_deref(),
            is_unreadable: self.is_unreadable,
        }
    }
}

impl Place {
    /// Where a binding is.
    pub(super) fn of(binding: &Binding<'_>) -> Self {
        let namespace = binding.namespace.unwrap_or_default();
        Self(namespace.into(), binding.name.into())
    }
}

impl Part {
    /// Takes in what a binding is now: nothing, if it is gone, or nobody looks at it. Whether that
    /// is news.
    pub(super) fn put(&mut self, place: Place, record: Option<Record>) -> bool {
        if self.0.get(&place) == record.as_ref() {
            return false;
        }
        match record {
            Some(record) => self.0.insert(place, record),
            None => self.0.remove(&place),
        };
        true
    }

    pub(super) fn each(&self, mut see: impl FnMut(&Seen<'_>)) {
        for record in self.0.values() {
            see(&record.seen());
        }
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}
