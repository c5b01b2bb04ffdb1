//! Laws of the rule, held over generated bindings, and its agreement with an oracle that is
//! written another way: by what RBAC compares, the names of users and groups as plain text.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::builders::{NAMESPACES, TEMPLATES, holdings, missing, policy};
use crate::domain::assess::{Assessment, assess};
use crate::domain::binding::{Binding, BindingKind, RoleKind, RoleRef, Subject};
use crate::domain::conclude::{Decision, Evidence, conclude};
use crate::domain::identity::SubjectKind;
use crate::domain::policy::{Policy, UmbrellaGroups};

/// A subject that owns its parts: kind, name, namespace.
type Owned = (SubjectKind, String, Option<String>);

#[derive(Clone, Debug)]
struct OwnedBinding {
    namespace: Option<&'static str>,
    role: &'static str,
    subjects: Vec<Owned>,
}

impl OwnedBinding {
    fn borrow(&self) -> Binding<'_> {
        Binding {
            kind: match self.namespace {
                Some(_) => BindingKind::RoleBinding,
                None => BindingKind::ClusterRoleBinding,
            },
            namespace: self.namespace,
            name: "binding",
            role: RoleRef {
                kind: RoleKind::ClusterRole,
                name: self.role,
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
}

fn subject() -> impl Strategy<Value = Owned> {
    let names = prop::sample::select(vec![
        "alice",
        "Alice",
        "devs",
        "system:authenticated",
        "system:unauthenticated",
        "system:anonymous",
        "system:masters",
        "system:serviceaccounts",
        "system:serviceaccounts:ci",
        "system:serviceaccounts:dev",
        "system:serviceaccount:ci:bot",
        "system:serviceaccount:dev:bot",
        "system:serviceaccount:ci",
        "bot",
    ]);
    let namespaces = prop::sample::select(vec![None, Some("ci"), Some("dev"), Some("")]);
    let kinds = prop::sample::select(SubjectKind::ALL.to_vec());
    (kinds, names, namespaces).prop_map(|(kind, name, namespace)| {
        // The API server refuses a ServiceAccount whose name has a colon in it.
        let name = match kind {
            SubjectKind::ServiceAccount if name.contains(':') => "bot",
            _ => name,
        };
        (kind, name.to_owned(), namespace.map(str::to_owned))
    })
}

fn binding(roles: &'static [&'static str]) -> impl Strategy<Value = OwnedBinding> {
    (
        prop::sample::select(vec![
            None,
            None,
            Some("ci"),
            Some("dev"),
            Some("kube-system"),
        ]),
        prop::sample::select(roles),
        prop::collection::vec(subject(), 0..6),
    )
        .prop_map(|(namespace, role, subjects)| OwnedBinding {
            namespace,
            role,
            subjects,
        })
}

const PERSONAS: &[&str] = &["spectro-vm-user", "view", "cluster-admin"];
const COMPANIONS: &[&str] = &[NAMESPACES, TEMPLATES, "cluster-admin", "other"];

fn policies() -> impl Strategy<Value = Policy> {
    (any::<bool>(), any::<bool>()).prop_map(|(ignore, implied)| {
        policy(|policy| {
            if ignore {
                policy.umbrella_groups = UmbrellaGroups::Ignore;
            }
            if implied {
                policy.companions[0].implied_by = vec!["cluster-admin".to_owned()];
            }
        })
    })
}

/// The names by which RBAC knows a subject: as a user, or as a group.
fn rbac_name((kind, name, namespace): &Owned, binding: &OwnedBinding) -> Option<(bool, String)> {
    match kind {
        SubjectKind::User => Some((false, name.clone())),
        SubjectKind::Group => Some((true, name.clone())),
        SubjectKind::ServiceAccount => {
            let own = namespace.clone().filter(|namespace| !namespace.is_empty());
            let namespace = own.or(binding.namespace.map(str::to_owned))?;
            Some((false, format!("system:serviceaccount:{namespace}:{name}")))
        }
    }
}

/// Every name under which a companion binding would reach the bearer of this one.
fn reached_by(is_group: bool, name: &str, honour: bool) -> Vec<(bool, String)> {
    let mut names = vec![(is_group, name.to_owned())];
    if !honour || name == "system:anonymous" && !is_group {
        return names;
    }
    if is_group && name == "system:unauthenticated" {
        return names;
    }
    names.push((true, "system:authenticated".to_owned()));
    let (prefix, is_account) = if is_group {
        ("system:serviceaccounts:", false)
    } else {
        ("system:serviceaccount:", true)
    };
    if let Some(rest) = name.strip_prefix(prefix) {
        let parts: Vec<&str> = rest.split(':').collect();
        if is_account && parts.len() == 2 {
            names.push((true, "system:serviceaccounts".to_owned()));
            names.push((true, format!("system:serviceaccounts:{}", parts[0])));
        } else if !is_account {
            names.push((true, "system:serviceaccounts".to_owned()));
        }
    }
    names
}

/// The oracle: the missing pairs as text, sorted.
fn oracle(policy: &Policy, binding: &OwnedBinding, held: &[OwnedBinding]) -> BTreeSet<String> {
    let mut missing = BTreeSet::new();
    let persona = policy
        .personas
        .iter()
        .find(|persona| persona.cluster_roles.contains(&binding.role.to_owned()));
    let Some(persona) = persona.filter(|_| binding.namespace != Some("kube-system")) else {
        return missing;
    };
    let mut all = held.to_vec();
    all.push(binding.clone());
    for subject in &binding.subjects {
        let Some((is_group, name)) = rbac_name(subject, binding) else {
            continue;
        };
        let is_account = !is_group
            && name
                .strip_prefix("system:serviceaccount:")
                .is_some_and(|rest| rest.split(':').filter(|part| !part.is_empty()).count() == 2);
        let kind = match (is_group, is_account) {
            (true, _) => SubjectKind::Group,
            (false, true) => SubjectKind::ServiceAccount,
            (false, false) => SubjectKind::User,
        };
        if !persona.subject_kinds.contains(&kind) || is_group && name == "system:masters" {
            continue;
        }
        let honour = policy.umbrella_groups == UmbrellaGroups::Honour;
        let reach = reached_by(is_group, &name, honour);
        for companion in &policy.companions {
            let covered = all.iter().any(|holding| {
                let gives = holding.role == companion.cluster_role
                    || companion.implied_by.contains(&holding.role.to_owned());
                gives
                    && holding.namespace.is_none()
                    && holding
                        .subjects
                        .iter()
                        .filter_map(|one| rbac_name(one, holding))
                        .any(|one| reach.contains(&one))
            });
            if !covered {
                missing.insert(format!("{kind} {name} {}", companion.cluster_role));
            }
        }
    }
    missing
}

/// The rule's missing pairs in the words of the oracle.
fn by_rule(policy: &Policy, binding: &OwnedBinding, held: &[OwnedBinding]) -> BTreeSet<String> {
    let held = holdings(policy, held.iter().map(OwnedBinding::borrow));
    let binding = binding.borrow();
    let Assessment::Judged(judged) = assess(policy, &binding, None, &held) else {
        return BTreeSet::new();
    };
    let mut missing = BTreeSet::new();
    for one in &judged.missing {
        let (prefix, name) = one.identity.name();
        let name = match one.identity.namespace() {
            Some(namespace) => format!("system:serviceaccount:{namespace}:{name}"),
            None => format!("{prefix}{name}"),
        };
        for companion in policy.companion_names(one.lacks) {
            missing.insert(format!("{} {name} {companion}", one.identity.kind()));
        }
    }
    missing
}

fn is_denied(policy: &Policy, new: &OwnedBinding, old: Option<&OwnedBinding>) -> bool {
    let nobody = holdings(policy, []);
    let (new, old) = (new.borrow(), old.map(OwnedBinding::borrow));
    let assessment = assess(policy, &new, old.as_ref(), &nobody);
    matches!(
        conclude(policy, assessment, Evidence::default()),
        Decision::Deny(_)
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_rule_agrees_with_the_oracle(
        policy in policies(),
        binding in binding(PERSONAS),
        held in prop::collection::vec(binding(COMPANIONS), 0..6),
    ) {
        prop_assert_eq!(by_rule(&policy, &binding, &held), oracle(&policy, &binding, &held));
    }

    #[test]
    fn the_order_of_subjects_and_of_holdings_never_matters(
        binding in binding(PERSONAS),
        held in prop::collection::vec(binding(COMPANIONS), 0..6),
    ) {
        let policy = Policy::built_in();
        let mut turned = binding.clone();
        turned.subjects.reverse();
        let turned_held: Vec<_> = held.iter().rev().cloned().collect();
        prop_assert_eq!(
            by_rule(&policy, &binding, &held),
            by_rule(&policy, &turned, &turned_held)
        );
    }

    #[test]
    fn removing_subjects_never_denies(old in binding(PERSONAS), keep in any::<[bool; 6]>()) {
        let mut new = old.clone();
        let mut keep = keep.into_iter();
        new.subjects.retain(|_| keep.next().unwrap_or(true));
        prop_assert!(!is_denied(&Policy::built_in(), &new, Some(&old)));
    }

    #[test]
    fn adding_holdings_never_makes_more_missing(
        binding in binding(PERSONAS),
        held in prop::collection::vec(binding(COMPANIONS), 1..6),
    ) {
        let policy = Policy::built_in();
        let fewer = by_rule(&policy, &binding, &held);
        let more = by_rule(&policy, &binding, &held[1..]);
        prop_assert!(fewer.is_subset(&more));
    }

    #[test]
    fn both_spellings_of_a_service_account_are_judged_alike(
        name in "[a-z]{1,8}",
        namespace in "[a-z]{1,8}",
        held in prop::collection::vec(binding(COMPANIONS), 0..6),
    ) {
        let policy = Policy::built_in();
        let with = |subject: Owned| OwnedBinding {
            namespace: Some("dev"),
            role: "spectro-vm-user",
            subjects: vec![subject],
        };
        let user = format!("system:serviceaccount:{namespace}:{name}");
        let spelled_out = with((SubjectKind::ServiceAccount, name, Some(namespace)));
        let as_user = with((SubjectKind::User, user, None));
        let held = holdings(&policy, held.iter().map(OwnedBinding::borrow));
        prop_assert_eq!(
            missing(&policy, &spelled_out.borrow(), &held),
            missing(&policy, &as_user.borrow(), &held)
        );
    }
}
