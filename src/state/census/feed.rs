//! What the events of a watch mean for a census.

use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use kube::runtime::watcher::Event;

use super::Census;
use super::part::{Part, Place, Record};
use crate::domain::binding::{Binding, BindingKind};
use crate::kubernetes::cluster_role_binding::ClusterRoleBinding;
use crate::kubernetes::lean::Lean;
use crate::kubernetes::role_binding::RoleBinding;
use crate::state::convert;
use crate::state::event::{Observer, StateEvent};
use crate::state::feed::{Effect, Takes};
use crate::state::seen::Seen;

/// Either kind of binding, as a watch brings it.
pub(super) trait Counted: Sized {
    /// Which kind.
    const KIND: BindingKind;
    /// What logs call them.
    const OBJECTS: &'static str;

    /// The binding, as far as the rule looks at it.
    fn binding(&self) -> Binding<'_>;
}

impl Counted for ClusterRoleBinding {
    const KIND: BindingKind = BindingKind::ClusterRoleBinding;
    const OBJECTS: &'static str = "ClusterRoleBindings for the continuous scan";

    fn binding(&self) -> Binding<'_> {
        convert::binding(self)
    }
}

impl Counted for RoleBinding {
    const KIND: BindingKind = BindingKind::RoleBinding;
    const OBJECTS: &'static str = "RoleBindings for the continuous scan";

    fn binding(&self) -> Binding<'_> {
        convert::role_binding(self)
    }
}

/// Keeps one kind.
#[derive(Debug)]
pub(super) struct CensusFeed<L> {
    census: Arc<Census>,
    /// What a list under way has brought so far.
    listing: Option<Part>,
    observer: Observer,
    object: PhantomData<fn(L)>,
}

impl<L> CensusFeed<L> {
    pub(super) const fn new(census: Arc<Census>, observer: Observer) -> Self {
        Self {
            census,
            listing: None,
            observer,
            object: PhantomData,
        }
    }
}

impl<K> Takes for CensusFeed<Lean<K>>
where
    Lean<K>: Counted,
{
    type Object = Lean<K>;
    const OBJECTS: &'static str = <Lean<K> as Counted>::OBJECTS;

    fn take(&mut self, event: Event<Lean<K>>) -> Effect {
        let kept = self.census.kept(Lean::<K>::KIND);
        let read = |object: &Lean<K>| {
            let seen = Seen {
                binding: object.binding(),
                uid: object.metadata.uid.as_deref(),
                ordered: object.ordered.placed(),
                is_unreadable: object.unreadable,
            };
            let record = Record::of(&self.census.policy, &seen);
            (Place::of(&seen.binding), record)
        };
        let changed = match event {
            Event::Init => {
                self.listing = Some(Part::default());
                false
            }
            Event::InitApply(object) => {
                let (place, record) = read(&object);
                self.listing.get_or_insert_default().put(place, record);
                false
            }
            Event::InitDone => {
                kept.part.replace(self.listing.take().unwrap_or_default());
                kept.is_listed.store(true, Ordering::Relaxed);
                self.observer.tell(StateEvent::Listed);
                self.census.announce_change();
                return Effect::Listed;
            }
            Event::Apply(object) => {
                let (place, record) = read(&object);
                kept.part.change(|part| part.put(place, record))
            }
            Event::Delete(object) => {
                let place = Place::of(&object.binding());
                kept.part.change(|part| part.put(place, None))
            }
        };
        if changed {
            self.observer.tell(StateEvent::Changed);
            self.census.announce_change();
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

    use super::{CensusFeed, Counted};
    use crate::domain::binding::BindingKind;
    use crate::domain::policy::Policy;
    use crate::kubernetes::lean::Lean;
    use crate::state::census::Census;
    use crate::state::event::Observer;
    use crate::state::feed::{Effect, Takes};
    use crate::state::fixtures::{binding, role_binding};

    fn census() -> Arc<Census> {
        Arc::new(Census::new(Arc::new(Policy::built_in())))
    }

    fn feed<K>(census: &Arc<Census>) -> CensusFeed<Lean<K>>
    where
        Lean<K>: Counted,
    {
        CensusFeed::new(Arc::clone(census), Observer::ignore())
    }

    /// Each binding and its subjects, as one line.
    fn lines(census: &Census, kind: BindingKind) -> Vec<String> {
        let mut lines = Vec::new();
        census.each(kind, |seen| {
            let subjects = seen.binding.subjects.iter().map(|subject| subject.name);
            let subjects: Vec<&str> = subjects.collect();
            lines.push(format!("{} {}", seen.binding.name, subjects.join(",")));
        });
        lines
    }

    #[test]
    fn it_is_complete_when_both_kinds_are_listed_and_not_before() {
        let census = census();
        let mut cluster = feed(&census);
        cluster.take(Event::Init);
        cluster.take(Event::InitApply(binding("1", &["alice"])));
        assert_eq!(census.len(BindingKind::ClusterRoleBinding), 0);
        assert_eq!(cluster.take(Event::InitDone), Effect::Listed);
        assert!(!census.is_listed());
        let mut namespaced = feed(&census);
        namespaced.take(Event::Init);
        for (name, role) in [("b", "view"), ("other", "some-role"), ("a", "edit")] {
            namespaced.take(Event::InitApply(role_binding(name, role, &["bob"])));
        }
        namespaced.take(Event::InitDone);
        assert!(census.is_listed());
        assert_eq!(lines(&census, BindingKind::RoleBinding), ["a bob", "b bob"]);
    }

    #[test]
    fn only_what_is_news_is_announced() {
        let census = census();
        let mut feed = feed(&census);
        let changes = census.changes();
        let seen = || *changes.borrow();
        feed.take(Event::Init);
        feed.take(Event::InitDone);
        let listed = seen();
        let mine = || role_binding("a", "view", &["alice"]);
        assert_eq!(feed.take(Event::Apply(mine())), Effect::Changed);
        assert_eq!(feed.take(Event::Apply(mine())), Effect::Nothing);
        let unwatched = role_binding("b", "some-role", &["alice"]);
        assert_eq!(feed.take(Event::Apply(unwatched)), Effect::Nothing);
        assert_eq!(seen(), listed + 1);
        let more = role_binding("a", "view", &["alice", "bob"]);
        assert_eq!(feed.take(Event::Apply(more)), Effect::Changed);
        assert_eq!(lines(&census, BindingKind::RoleBinding), ["a alice,bob"]);
        assert_eq!(feed.take(Event::Delete(mine())), Effect::Changed);
        assert_eq!(feed.take(Event::Delete(mine())), Effect::Nothing);
        assert_eq!(lines(&census, BindingKind::RoleBinding), [""; 0]);
        assert_eq!(seen(), listed + 3);
    }

    #[test]
    fn a_new_list_replaces_what_an_old_one_said() {
        let census = census();
        let mut feed = feed(&census);
        for name in ["a", "b"] {
            feed.take(Event::Init);
            feed.take(Event::InitApply(role_binding(name, "view", &["alice"])));
            feed.take(Event::InitDone);
        }
        assert_eq!(lines(&census, BindingKind::RoleBinding), ["b alice"]);
    }
}
