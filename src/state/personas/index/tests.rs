use std::collections::BTreeMap;

use hashbrown::HashSet;
use proptest::prelude::{Just, Strategy, prop_assert_eq, prop_oneof, proptest};
use proptest::{collection, sample};

use super::PersonaIndex;
use crate::domain::binding::{Binding, BindingKind, RoleKind, RoleRef, Subject};
use crate::domain::identity::{Identity, SubjectKind};
use crate::domain::policy::Policy;
use crate::state::binding_key::BindingKey;

/// Two spellings of one ServiceAccount among them, and a group that has the name of a user.
const SUBJECTS: [Subject<'_>; 5] = [
    subject(SubjectKind::User, "alice", None),
    subject(SubjectKind::Group, "alice", None),
    subject(SubjectKind::User, "system:serviceaccount:dev:bot", None),
    subject(SubjectKind::ServiceAccount, "bot", Some("dev")),
    subject(SubjectKind::ServiceAccount, "bot", None),
];
const KEYS: [&str; 4] = ["a", "b", "c", "d"];
const ROLES: [&str; 3] = ["spectro-vm-user", "view", "no-persona"];

const fn subject<'a>(kind: SubjectKind, name: &'a str, namespace: Option<&'a str>) -> Subject<'a> {
    Subject {
        kind,
        name,
        namespace,
    }
}

#[derive(Clone, Debug)]
enum Change {
    Apply(&'static str, &'static str, Vec<Subject<'static>>),
    Delete(&'static str),
}

fn change() -> impl Strategy<Value = Change> {
    let subjects = collection::vec(sample::select(&SUBJECTS[..]), 0..4);
    prop_oneof![
        3 => (sample::select(&KEYS[..]), sample::select(&ROLES[..]), subjects)
            .prop_map(|(key, role, subjects)| Change::Apply(key, role, subjects)),
        1 => sample::select(&KEYS[..]).prop_map(Change::Delete),
        1 => Just(Change::Delete("unknown")),
    ]
}

fn binding<'a>(key: &'a str, role: &'a str, subjects: &[Subject<'a>]) -> Binding<'a> {
    Binding {
        kind: BindingKind::RoleBinding,
        namespace: Some(if key == "a" { "dev" } else { "ops" }),
        name: key,
        role: RoleRef {
            kind: RoleKind::ClusterRole,
            name: role,
        },
        subjects: subjects.to_vec(),
    }
}

fn names(bindings: &[super::PersonaBinding]) -> Vec<String> {
    let mut names: Vec<_> = bindings
        .iter()
        .map(|binding| format!("{:?}", binding.as_binding()))
        .collect();
    names.sort();
    names
}

proptest! {
    #[test]
    fn the_index_agrees_with_a_list_of_bindings(
        changes in collection::vec(change(), 0..40)
    ) {
        let policy = Policy::built_in();
        let mut index = PersonaIndex::new();
        let mut naive: BTreeMap<&str, Binding<'_>> = BTreeMap::new();
        for change in &changes {
            let (changed, differs) = match change {
                Change::Apply(key, role, subjects) => {
                    let binding = binding(key, role, subjects);
                    let changed =
                        index.apply_binding(&policy, BindingKey::of_uid(key), &binding);
                    let before = if *role == "no-persona" {
                        naive.remove(key)
                    } else {
                        naive.insert(key, binding.clone())
                    };
                    let after = naive.get(key);
                    (changed, before.as_ref() != after)
                }
                Change::Delete(key) => (
                    index.delete(BindingKey::of_uid(key)),
                    naive.remove(key).is_some(),
                ),
            };
            prop_assert_eq!(changed, differs);
            prop_assert_eq!(index.len(), naive.len());
        }
        let expected = |wanted: &HashSet<Identity<'_>>| {
            let mut names: Vec<_> = naive
                .values()
                .filter(|binding| binding.identities().any(|one| wanted.contains(&one)))
                .map(|binding| format!("{binding:?}"))
                .collect();
            names.sort();
            names
        };
        let everybody: Vec<_> = SUBJECTS
            .iter()
            .filter_map(|subject| subject.identity(Some("dev")))
            .collect();
        for one in &everybody {
            let wanted: HashSet<_> = [*one].into();
            prop_assert_eq!(names(&index.naming(&wanted)), expected(&wanted));
        }
        let wanted: HashSet<_> = everybody.into_iter().collect();
        prop_assert_eq!(names(&index.naming(&wanted)), expected(&wanted));
        let all: Vec<_> = naive.values().map(|binding| format!("{binding:?}")).collect();
        let mut all = all;
        all.sort();
        prop_assert_eq!(names(&index.all()), all);
        for key in KEYS {
            index.delete(BindingKey::of_uid(key));
        }
        prop_assert_eq!(index.by_identity.len() + index.bindings.len(), 0);
    }
}

#[test]
fn a_group_in_thousands_of_bindings_is_found_in_all_of_them() {
    let policy = Policy::built_in();
    let mut index = PersonaIndex::new();
    let subjects = [SUBJECTS[1]];
    for number in 0..20_000 {
        let key = BindingKey::of_source(&number.to_string());
        index.apply_binding(&policy, key, &binding("b", "view", &subjects));
    }
    let wanted: HashSet<_> = [Identity::Group("alice")].into();
    assert_eq!(index.naming(&wanted).len(), 20_000);
}
