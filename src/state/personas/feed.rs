//! What the events of a watch on `RoleBindings` mean for an index of persona bindings.

use std::sync::Arc;

use kube::runtime::watcher::Event;

use super::index::PersonaIndex;
use super::part::Listed;
use crate::domain::policy::Policy;
use crate::kubernetes::role_binding::RoleBinding;
use crate::state::convert;
use crate::state::event::{Observer, StateEvent};
use crate::state::feed::{Effect, Takes};

/// Keeps one index like the cluster, by the personas of one policy.
#[derive(Debug)]
pub(super) struct RoleBindingFeed {
    pub(super) listed: Arc<Listed>,
    /// What a list under way has brought so far.
    listing: Option<PersonaIndex>,
    observer: Observer,
}

impl RoleBindingFeed {
    pub(super) fn new(policy: Arc<Policy>, observer: Observer) -> Self {
        Self {
            listed: Arc::new(Listed::new(policy)),
            listing: None,
            observer,
        }
    }

    fn apply(&self, index: &mut PersonaIndex, binding: &RoleBinding) -> bool {
        let key = convert::key(binding);
        let read = convert::role_binding(binding);
        // Said only of those that are kept: nobody looks at the others.
        let policy = &self.listed.policy;
        if binding.unreadable && policy.persona_of(read.kind, read.role).is_some() {
            self.observer.tell(StateEvent::ObjectUnreadable);
            tracing::warn!(
                binding = ?convert::name(binding),
                namespace = ?read.namespace,
                "a RoleBinding could be read only in part; the rest of it binds nobody"
            );
        }
        index.apply_binding(policy, key, &read)
    }
}

impl Takes for RoleBindingFeed {
    type Object = RoleBinding;
    const OBJECTS: &'static str = "RoleBindings";

    fn take(&mut self, event: Event<RoleBinding>) -> Effect {
        let changed = match event {
            Event::Init => {
                self.listing = Some(PersonaIndex::new());
                false
            }
            Event::InitApply(binding) => {
                let mut listing = self.listing.take().unwrap_or_default();
                self.apply(&mut listing, &binding);
                self.listing = Some(listing);
                false
            }
            Event::InitDone => {
                let listing = self.listing.take().unwrap_or_default();
                self.listed.index.replace(listing);
                self.observer.tell(StateEvent::Listed);
                return Effect::Listed;
            }
            Event::Apply(binding) => {
                let index = &self.listed.index;
                index.change(|index| self.apply(index, &binding))
            }
            Event::Delete(binding) => {
                let key = convert::key(&binding);
                self.listed.index.change(|index| index.delete(key))
            }
        };
        if changed {
            self.observer.tell(StateEvent::Changed);
            Effect::Changed
        } else {
            Effect::Nothing
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use kube::runtime::watcher::Event;

    use super::RoleBindingFeed;
    use crate::domain::policy::Policy;
    use crate::kubernetes::role_binding::RoleBinding;
    use crate::state::event::Observer;
    use crate::state::feed::{Effect, Takes};
    use crate::state::fixtures::role_binding;

    fn names(feed: &RoleBindingFeed) -> Vec<String> {
        let mut names: Vec<_> = feed
            .listed
            .read(super::PersonaIndex::all)
            .iter()
            .map(|binding| binding.as_binding().name.to_owned())
            .collect();
        names.sort();
        names
    }

    fn listed(bindings: Vec<RoleBinding>) -> RoleBindingFeed {
        let mut feed = RoleBindingFeed::new(Arc::new(Policy::built_in()), Observer::ignore());
        feed.take(Event::Init);
        for binding in bindings {
            assert_eq!(feed.take(Event::InitApply(binding)), Effect::Nothing);
        }
        assert_eq!(feed.take(Event::InitDone), Effect::Listed);
        feed
    }

    #[test]
    fn only_persona_bindings_are_kept() {
        let feed = listed(vec![
            role_binding("a", "spectro-vm-user", &["alice"]),
            role_binding("b", "some-role", &["alice"]),
        ]);
        assert_eq!(names(&feed), ["a"]);
    }

    #[test]
    fn a_list_counts_only_when_it_is_complete() {
        let mut feed = listed(vec![role_binding("a", "view", &["alice"])]);
        feed.take(Event::Init);
        feed.take(Event::InitApply(role_binding("b", "view", &["bob"])));
        assert_eq!(names(&feed), ["a"]);
        feed.take(Event::InitDone);
        assert_eq!(names(&feed), ["b"]);
    }

    #[test]
    fn changes_and_deletions_are_followed() {
        let mut feed = listed(vec![role_binding("a", "view", &["alice"])]);
        let changed = Event::Apply(role_binding("a", "view", &["alice", "bob"]));
        assert_eq!(feed.take(changed.clone()), Effect::Changed);
        assert_eq!(feed.take(changed), Effect::Nothing);
        let gone = Event::Delete(role_binding("a", "view", &["alice", "bob"]));
        assert_eq!(feed.take(gone), Effect::Changed);
        assert!(names(&feed).is_empty());
    }
}
