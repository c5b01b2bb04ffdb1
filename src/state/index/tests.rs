use std::collections::HashSet;

use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::{collection, proptest};

use super::{Index, Recipients};
use crate::domain::binding::{Binding, BindingKind, RoleKind, RoleRef, Subject};
use crate::domain::companion_set::CompanionSet;
use crate::domain::holdings::Holdings;
use crate::domain::identity::{Identity, SubjectKind};
use crate::domain::policy::{Companion, Policy};
use crate::state::binding_key::BindingKey;

const NAMESPACES: CompanionSet = CompanionSet::of(0);
const TEMPLATES: CompanionSet = CompanionSet::of(1);
const ALICE: Identity<'_> = Identity::User("alice");
const BOB: Identity<'_> = Identity::User("bob");

fn key(text: &str) -> BindingKey {
    BindingKey::of_uid(text)
}

#[test]
fn a_binding_costs_32_bytes() {
    assert_eq!(size_of::<(BindingKey, Recipients)>(), 32);
}

#[test]
fn a_modified_binding_takes_from_those_whom_it_no_longer_names() {
    let mut index = Index::new();
    assert!(index.apply(key("a"), NAMESPACES, [ALICE, BOB]));
    assert_eq!(index.entries(), 2);
    assert!(index.apply(key("a"), NAMESPACES, [BOB]));
    assert!(index.held_by(ALICE).is_empty());
    assert_eq!(index.held_by(BOB), NAMESPACES);
    assert_eq!((index.entries(), index.bindings()), (1, 1));
}

#[test]
fn what_two_bindings_give_is_held_until_both_are_gone() {
    let mut index = Index::new();
    index.apply(key("a"), NAMESPACES, [ALICE, ALICE]);
    index.apply(key("b"), NAMESPACES.union(TEMPLATES), [ALICE]);
    assert!(index.delete(key("a")));
    assert_eq!(index.held_by(ALICE), NAMESPACES.union(TEMPLATES));
    assert!(index.delete(key("b")));
    assert!(index.held_by(ALICE).is_empty());
    assert_eq!((index.entries(), index.bindings()), (0, 0));
}

#[test]
fn without_a_binding_an_identity_holds_what_the_others_give() {
    let mut index = Index::new();
    index.apply(key("a"), NAMESPACES, [ALICE, BOB]);
    index.apply(key("b"), NAMESPACES.union(TEMPLATES), [ALICE]);
    assert_eq!(index.held_without(&[key("a")], BOB), CompanionSet::EMPTY);
    let both = NAMESPACES.union(TEMPLATES);
    assert_eq!(index.held_without(&[key("a"), key("a")], ALICE), both);
    assert_eq!(index.held_without(&[key("b")], ALICE), NAMESPACES);
    let all = [key("b"), key("unknown"), key("a")];
    assert!(index.held_without(&all, ALICE).is_empty());
}

#[test]
fn a_binding_that_no_longer_gives_anything_is_forgotten() {
    let mut index = Index::new();
    index.apply(key("a"), NAMESPACES, [ALICE]);
    assert!(index.apply(key("a"), CompanionSet::EMPTY, [ALICE]));
    index.apply(key("b"), NAMESPACES, [ALICE]);
    assert!(index.apply(key("b"), NAMESPACES, []));
    assert!(index.held_by(ALICE).is_empty());
    assert_eq!(index.bindings(), 0);
}

#[test]
fn nothing_is_different_when_the_same_comes_again() {
    let mut index = Index::new();
    index.apply(key("a"), NAMESPACES, [ALICE, BOB]);
    assert!(!index.apply(key("a"), NAMESPACES, [BOB, ALICE, BOB]));
    assert!(!index.delete(key("never seen")));
    assert!(!index.apply(key("never seen"), CompanionSet::EMPTY, [BOB]));
    assert!(index.apply(key("a"), TEMPLATES, [BOB, ALICE]));
    assert_eq!(index.held_by(ALICE), TEMPLATES);
}

/// A binding that owns what it names, and how the naive index keeps it.
#[derive(Clone, Debug)]
struct Owned {
    key: u8,
    kind: BindingKind,
    role: RoleKind,
    role_name: String,
    subjects: Vec<(SubjectKind, String, Option<String>)>,
}

impl Owned {
    fn binding(&self) -> Binding<'_> {
        Binding {
            kind: self.kind,
            namespace: None,
            name: "binding",
            role: RoleRef {
                kind: self.role,
                name: &self.role_name,
            },
            subjects: self
                .subjects
                .iter()
                .map(|(kind, name, namespace)| Subject {
                    kind: *kind,
                    name,
                    namespace: namespace.as_deref(),
                })
                .collect(),
        }
    }

    /// The subjects as RBAC compares them: one string for users, one for groups.
    fn rbac_names(&self) -> impl Iterator<Item = (bool, String)> {
        self.subjects
            .iter()
            .filter_map(|(kind, name, namespace)| match kind {
                SubjectKind::User => Some((false, name.clone())),
                SubjectKind::Group => Some((true, name.clone())),
                SubjectKind::ServiceAccount => {
                    let namespace = namespace.as_deref().filter(|text| !text.is_empty())?;
                    (!name.is_empty())
                        .then(|| (false, format!("system:serviceaccount:{namespace}:{name}")))
                }
            })
    }
}

/// The bindings as a list, searched from end to end.
#[derive(Default)]
struct Naive(Vec<Owned>);

impl Naive {
    fn holds(&self, name: &(bool, String), companion: &Companion) -> bool {
        self.0.iter().any(|binding| {
            binding.kind == BindingKind::ClusterRoleBinding
                && binding.role == RoleKind::ClusterRole
                && (binding.role_name == companion.cluster_role
                    || companion.implied_by.contains(&binding.role_name))
                && binding.rbac_names().any(|other| other == *name)
        })
    }
}

#[derive(Clone, Debug)]
enum Step {
    Apply(Owned),
    Delete(u8),
}

fn policy() -> Policy {
    let mut policy = Policy::built_in();
    policy.companions.push(Companion {
        cluster_role: "third".to_owned(),
        implied_by: vec!["both".to_owned(), "spectro-list-namespaces".to_owned()],
    });
    policy.companions[0].implied_by.push("both".to_owned());
    policy
}

fn names() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => proptest::sample::select(vec![
            "alice",
            "Alice",
            "alice ",
            "",
            "a:b",
            "system:serviceaccount:a:b",
            "system:serviceaccount:a:b:c",
            "system:serviceaccount::b",
            "system:serviceaccount:a:",
            "system:serviceaccounts",
            "system:serviceaccounts:",
            "system:serviceaccounts:a",
            "system:authenticated",
            "b",
            "c",
            "e\u{301}",
            "\u{e9}",
            "\0\n\u{1b}",
        ])
        .prop_map(str::to_owned),
        1 => ".{0,3}",
    ]
}

fn subjects() -> impl Strategy<Value = Vec<(SubjectKind, String, Option<String>)>> {
    let namespace = proptest::option::of(
        proptest::sample::select(vec!["a", "a:b", "", "*"]).prop_map(str::to_owned),
    );
    let subject = (
        proptest::sample::select(SubjectKind::ALL.to_vec()),
        names(),
        namespace,
    )
        .prop_map(|(kind, name, namespace)| match kind {
            SubjectKind::User | SubjectKind::Group => (kind, name, namespace),
            // The API server refuses a colon in a ServiceAccount's name, without which the two
            // parts could not be told apart.
            SubjectKind::ServiceAccount => (kind, name.replace(':', "-"), namespace),
        });
    collection::vec(subject, 0..5)
}

fn bindings() -> impl Strategy<Value = Owned> {
    let kind = prop_oneof![
        5 => Just(BindingKind::ClusterRoleBinding),
        1 => Just(BindingKind::RoleBinding)
    ];
    let role = prop_oneof![5 => Just(RoleKind::ClusterRole), 1 => Just(RoleKind::Role)];
    let role_name = proptest::sample::select(vec![
        "spectro-list-namespaces",
        "spectro-list-vmtemplates",
        "third",
        "both",
        "view",
    ]);
    (0..6_u8, kind, role, role_name, subjects()).prop_map(
        |(key, kind, role, role_name, subjects)| Owned {
            key,
            kind,
            role,
            role_name: role_name.to_owned(),
            subjects,
        },
    )
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => bindings().prop_map(Step::Apply),
        1 => (0..6_u8).prop_map(Step::Delete),
    ];
    collection::vec(step, 0..40)
}

#[test]
fn what_is_being_deleted_is_left_out_of_what_would_remain() {
    let mut index = Index::new();
    for name in ["a", "b"] {
        index.apply(key(name), NAMESPACES, [ALICE]);
        index.set_terminating(key(name), true);
    }
    // It still counts until it is gone, as for RBAC.
    assert_eq!(index.held_by(ALICE), NAMESPACES);
    assert!(index.held_without(&[], ALICE).is_empty());
    assert!(index.held_without(&[key("a"), key("c")], ALICE).is_empty());
    index.set_terminating(key("b"), false);
    assert_eq!(index.held_without(&[key("a")], ALICE), NAMESPACES);
    index.set_terminating(key("b"), true);
    index.delete(key("b"));
    index.apply(key("b"), NAMESPACES, [ALICE]);
    assert_eq!(index.held_without(&[key("a")], ALICE), NAMESPACES);
    index.set_terminating(key("unknown"), true);
    assert_eq!(index.terminating.len(), 1);
}

/// Checks every identity ever named, by both indexes.
fn check(policy: &Policy, index: &Index, naive: &Naive, named: &HashSet<(bool, String)>) {
    let mut entries = 0;
    for name in named {
        let identity = if name.0 {
            Identity::group(&name.1)
        } else {
            Identity::user(&name.1)
        };
        let expected: CompanionSet = (0..policy.companions.len())
            .filter(|position| naive.holds(name, &policy.companions[*position]))
            .collect();
        assert_eq!(index.held_by(identity), expected, "{identity:?}");
        entries += expected.len();
    }
    assert_eq!(index.entries(), entries);
}

/// Checks what every identity would hold without some of the bindings.
fn check_without(
    policy: &Policy,
    (index, keys): (&Index, &[BindingKey]),
    naive: &Naive,
    named: &HashSet<(bool, String)>,
) {
    for name in named {
        let identity = if name.0 {
            Identity::group(&name.1)
        } else {
            Identity::user(&name.1)
        };
        let expected: CompanionSet = (0..policy.companions.len())
            .filter(|position| naive.holds(name, &policy.companions[*position]))
            .collect();
        assert_eq!(index.held_without(keys, identity), expected, "{identity:?}");
    }
}

proptest! {
    #[test]
    fn the_index_agrees_with_a_naive_one(steps in steps(), by_uid in any::<bool>()) {
        let policy = policy();
        let key_of = |number: u8| if by_uid {
            BindingKey::of_uid(&format!("00000000-0000-4000-8000-0000000000{number:02x}"))
        } else {
            BindingKey::of_source(&number.to_string())
        };
        let (mut index, mut naive) = (Index::new(), Naive::default());
        let mut named = HashSet::new();
        for step in steps {
            match step {
                Step::Apply(binding) => {
                    named.extend(binding.rbac_names());
                    index.apply_binding(&policy, key_of(binding.key), &binding.binding());
                    naive.0.retain(|other| other.key != binding.key);
                    naive.0.push(binding);
                }
                Step::Delete(number) => {
                    index.delete(key_of(number));
                    naive.0.retain(|other| other.key != number);
                }
            }
            check(&policy, &index, &naive, &named);
        }
        let built = Index::of(
            &policy,
            naive.0.iter().map(|owned| (key_of(owned.key), owned.binding())),
        );
        check(&policy, &built, &naive, &named);
        for without in [vec![], vec![0], vec![1, 1], vec![0, 3], vec![9, 2]] {
            let others = naive.0.iter().filter(|owned| !without.contains(&owned.key));
            let others = Naive(others.cloned().collect());
            let keys: Vec<_> = without.into_iter().map(key_of).collect();
            check_without(&policy, (&index, &keys), &others, &named);
        }
        for number in 0..6 {
            index.delete(key_of(number));
        }
        assert_eq!((index.entries(), index.bindings()), (0, 0));
    }
}
