//! What the events of a watch mean for an index. No stream, no time: tests call it by hand.

use std::sync::Arc;

use kube::runtime::watcher::Event;

use super::convert;
use super::event::{Observer, StateEvent};
use super::index::Index;
use super::personas::{PersonaIndex, Personas, RoleBindingPart, have_same_personas};
use super::shared::Shared;
use super::snapshot::Snapshot;
use crate::domain::policy::Policy;
use crate::kubernetes::cluster_role_binding::ClusterRoleBinding;

/// Takes in the events of a watch.
pub(super) trait Takes {
    /// What is watched.
    type Object;
    /// What logs call that.
    const OBJECTS: &'static str;

    /// Takes in one event.
    fn take(&mut self, event: Event<Self::Object>) -> Effect;
}

/// Keeps the holdings like the cluster, by the companions of one policy, and with them those
/// `ClusterRoleBindings` that bind a persona.
#[derive(Debug)]
pub(super) struct Feed {
    policy: Arc<Policy>,
    index: Arc<Shared<Index>>,
    personas: Arc<Shared<PersonaIndex>>,
    /// The other persona bindings, which another watch brings.
    role_bindings: Arc<RoleBindingPart>,
    /// What a list under way has brought so far. It stays apart until the list is complete, so
    /// that nobody finds missing what was only not listed yet.
    listing: Option<Listing>,
    observer: Observer,
}

/// What one list has brought.
#[derive(Debug, Default)]
struct Listing {
    index: Index,
    personas: PersonaIndex,
}

/// What an event has led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// The index is as it was.
    Nothing,
    /// The index is different.
    Changed,
    /// The index is what a complete list says.
    Listed,
}

impl Feed {
    pub(super) fn new(
        policy: Arc<Policy>,
        role_bindings: Arc<RoleBindingPart>,
        observer: Observer,
    ) -> Self {
        Self {
            policy,
            index: Arc::default(),
            personas: Arc::default(),
            role_bindings,
            listing: None,
            observer,
        }
    }

    /// What is known with a policy by which it could have been filled; `None` if the policy has
    /// other companions or personas.
    pub(super) fn snapshot(&self, policy: Arc<Policy>) -> Option<Snapshot> {
        let same_companions = policy.companions == self.policy.companions;
        (same_companions && have_same_personas(&policy, &self.policy)).then(|| {
            let personas = Personas::Parts {
                cluster_role_bindings: Arc::clone(&self.personas),
                role_bindings: Arc::clone(&self.role_bindings),
            };
            Snapshot::sharing(policy, Arc::clone(&self.index), personas)
        })
    }

    /// The policy by which the index is filled.
    pub(super) const fn policy(&self) -> &Arc<Policy> {
        &self.policy
    }

    fn apply(&self, index: &mut Index, binding: &ClusterRoleBinding) -> bool {
        convert::apply(index, &self.policy, binding)
    }

    fn apply_persona(&self, personas: &mut PersonaIndex, binding: &ClusterRoleBinding) -> bool {
        personas.apply_binding(
            &self.policy,
            convert::key(binding),
            &convert::binding(binding),
        )
    }

    fn warn_if_unreadable(&self, binding: &ClusterRoleBinding) {
        if binding.unreadable {
            self.observer.tell(StateEvent::ObjectUnreadable);
            tracing::warn!(
                binding = ?convert::name(binding),
                "a ClusterRoleBinding could be read only in part; the rest of it gives nothing"
            );
        }
    }
}

impl Takes for Feed {
    type Object = ClusterRoleBinding;
    const OBJECTS: &'static str = "ClusterRoleBindings";

    fn take(&mut self, event: Event<ClusterRoleBinding>) -> Effect {
        let changed = match event {
            Event::Init => {
                self.listing = Some(Listing::default());
                false
            }
            Event::InitApply(binding) => {
                let mut listing = self.listing.take().unwrap_or_default();
                self.warn_if_unreadable(&binding);
                self.apply(&mut listing.index, &binding);
                self.apply_persona(&mut listing.personas, &binding);
                self.listing = Some(listing);
                false
            }
            Event::InitDone => {
                let listing = self.listing.take().unwrap_or_default();
                self.index.replace(listing.index);
                self.personas.replace(listing.personas);
                self.observer.tell(StateEvent::Listed);
                return Effect::Listed;
            }
            Event::Apply(binding) => {
                self.warn_if_unreadable(&binding);
                self.personas
                    .change(|personas| self.apply_persona(personas, &binding));
                self.index.change(|index| self.apply(index, &binding))
            }
            Event::Delete(binding) => {
                let key = convert::key(&binding);
                self.personas.change(|personas| personas.delete(key));
                self.index.change(|index| index.delete(key))
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

    use super::{Effect, Feed, Takes};
    use crate::domain::companion_set::CompanionSet;
    use crate::domain::holdings::Holdings;
    use crate::domain::identity::Identity;
    use crate::domain::policy::{Action, Policy};
    use crate::state::event::Observer;
    use crate::state::fixtures::{TEMPLATES, binding};
    use crate::state::snapshot::Snapshot;

    const FIRST: CompanionSet = CompanionSet::of(0);
    const SECOND: CompanionSet = CompanionSet::of(1);

    fn listed(events: Vec<Event<super::ClusterRoleBinding>>) -> (Feed, Snapshot) {
        let mut feed = Feed::new(
            Arc::new(Policy::built_in()),
            Arc::default(),
            Observer::ignore(),
        );
        feed.take(Event::Init);
        for event in events {
            assert_eq!(feed.take(event), Effect::Nothing);
        }
        assert_eq!(feed.take(Event::InitDone), Effect::Listed);
        let snapshot = feed.snapshot(Arc::new(Policy::built_in())).unwrap();
        (feed, snapshot)
    }

    fn held(snapshot: &Snapshot, user: &str) -> CompanionSet {
        snapshot.held_by(Identity::User(user))
    }

    #[test]
    fn a_list_counts_only_when_it_is_complete() {
        let (mut feed, snapshot) = listed(vec![Event::InitApply(binding("1", &["alice"]))]);
        feed.take(Event::Init);
        feed.take(Event::InitApply(binding("2", &["bob"])));
        assert_eq!(held(&snapshot, "alice"), FIRST);
        assert!(held(&snapshot, "bob").is_empty());
        feed.take(Event::InitDone);
        assert!(held(&snapshot, "alice").is_empty());
        assert_eq!(held(&snapshot, "bob"), FIRST);
    }

    #[test]
    fn a_list_that_breaks_off_leaves_nothing_behind() {
        let (mut feed, snapshot) = listed(vec![]);
        feed.take(Event::Init);
        feed.take(Event::InitApply(binding("1", &["alice"])));
        feed.take(Event::Init);
        feed.take(Event::InitDone);
        assert_eq!(snapshot.entries(), 0);
    }

    #[test]
    fn a_modified_binding_takes_from_those_whom_it_no_longer_names() {
        let (mut feed, snapshot) = listed(vec![Event::InitApply(binding("1", &["alice", "bob"]))]);
        let modified = Event::Apply(binding("1", &["bob"]));
        assert_eq!(feed.take(modified.clone()), Effect::Changed);
        assert!(held(&snapshot, "alice").is_empty());
        assert_eq!(held(&snapshot, "bob"), FIRST);
        assert_eq!(feed.take(modified), Effect::Nothing);
    }

    #[test]
    fn a_deleted_binding_gives_nothing() {
        let (mut feed, snapshot) = listed(vec![Event::InitApply(binding("1", &["alice"]))]);
        assert_eq!(
            feed.take(Event::Delete(binding("1", &["alice"]))),
            Effect::Changed
        );
        assert_eq!(snapshot.entries(), 0);
    }

    #[test]
    fn a_recreated_binding_to_another_role_is_another_until_the_old_one_is_gone() {
        let (mut feed, snapshot) = listed(vec![Event::InitApply(binding("1", &["alice"]))]);
        let mut recreated = binding("2", &["alice"]);
        recreated.role.name = TEMPLATES.to_owned();
        feed.take(Event::Apply(recreated.clone()));
        assert_eq!(held(&snapshot, "alice"), FIRST.union(SECOND));
        feed.take(Event::Init);
        feed.take(Event::InitApply(recreated));
        feed.take(Event::InitDone);
        assert_eq!(held(&snapshot, "alice"), SECOND);
    }

    #[test]
    fn subjects_that_rbac_does_not_know_give_nothing_to_anybody() {
        let mut odd = binding("1", &["alice", "bob", "carol"]);
        odd.subjects[0].kind = "Robot".to_owned();
        odd.subjects[1].api_group = "example.com".to_owned();
        let (_, snapshot) = listed(vec![Event::InitApply(odd)]);
        assert_eq!(snapshot.entries(), 1);
        assert_eq!(held(&snapshot, "carol"), FIRST);
    }

    #[test]
    fn an_index_serves_every_policy_with_the_same_companions_and_personas() {
        let (feed, _) = listed(vec![]);
        let mut policy = Policy {
            action: Action::Warn,
            ..Policy::built_in()
        };
        assert!(feed.snapshot(Arc::new(policy.clone())).is_some());
        let mut other = policy.clone();
        other.personas[0].cluster_roles.pop();
        assert!(feed.snapshot(Arc::new(other)).is_none());
        policy.companions.reverse();
        assert!(feed.snapshot(Arc::new(policy)).is_none());
    }
}
