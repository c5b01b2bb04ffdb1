//! Bindings and holdings that read as prose.

use crate::domain::assess::{Assessment, Missing, assess};
use crate::domain::binding::{Binding, BindingKind, RoleKind, RoleRef, Subject};
use crate::domain::companion_set::CompanionSet;
use crate::domain::holdings::Holdings;
use crate::domain::identity::{Identity, SubjectKind};
use crate::domain::policy::{Companion, Policy};
use crate::domain::text::ShownName;

pub(super) const NAMESPACES: &str = "spectro-list-namespaces";
pub(super) const TEMPLATES: &str = "spectro-list-vmtemplates";

pub(super) fn role_binding<'a>(namespace: &'a str, role: &'a str) -> Binding<'a> {
    Binding {
        kind: BindingKind::RoleBinding,
        namespace: Some(namespace),
        name: "binding",
        role: RoleRef {
            kind: RoleKind::ClusterRole,
            name: role,
        },
        subjects: Vec::new(),
    }
}

pub(super) fn cluster_role_binding(role: &str) -> Binding<'_> {
    Binding {
        kind: BindingKind::ClusterRoleBinding,
        namespace: None,
        ..role_binding("", role)
    }
}

impl<'a> Binding<'a> {
    fn subject(mut self, kind: SubjectKind, name: &'a str, namespace: Option<&'a str>) -> Self {
        self.subjects.push(Subject {
            kind,
            name,
            namespace,
        });
        self
    }

    pub(super) fn user(self, name: &'a str) -> Self {
        self.subject(SubjectKind::User, name, None)
    }

    pub(super) fn group(self, name: &'a str) -> Self {
        self.subject(SubjectKind::Group, name, None)
    }

    pub(super) fn service_account(self, namespace: &'a str, name: &'a str) -> Self {
        self.subject(SubjectKind::ServiceAccount, name, Some(namespace))
    }

    pub(super) fn local_service_account(self, name: &'a str) -> Self {
        self.subject(SubjectKind::ServiceAccount, name, None)
    }

    pub(super) fn of_namespaced_role(mut self) -> Self {
        self.role.kind = RoleKind::Role;
        self
    }
}

/// Holdings that search a list of bindings for every question.
pub(super) struct Bound<'a> {
    policy: Policy,
    bindings: Vec<Binding<'a>>,
}

pub(super) fn holdings<'a>(
    policy: &Policy,
    bindings: impl IntoIterator<Item = Binding<'a>>,
) -> Bound<'a> {
    Bound {
        policy: policy.clone(),
        bindings: bindings.into_iter().collect(),
    }
}

impl Holdings for Bound<'_> {
    fn held_by(&self, identity: Identity<'_>) -> CompanionSet {
        self.bindings
            .iter()
            .filter(|binding| binding.identities().any(|one| one == identity))
            .map(|binding| self.policy.companions_given_by(binding.kind, binding.role))
            .fold(CompanionSet::EMPTY, CompanionSet::union)
    }
}

/// Both companions for everybody whom `subjects` adds.
pub(super) fn both<'a>(
    subjects: impl Fn(Binding<'a>) -> Binding<'a>,
) -> impl Iterator<Item = Binding<'a>> {
    [NAMESPACES, TEMPLATES]
        .map(|companion| subjects(cluster_role_binding(companion)))
        .into_iter()
}

/// The built-in policy, changed.
pub(super) fn policy(change: impl FnOnce(&mut Policy)) -> Policy {
    let mut policy = Policy::built_in();
    change(&mut policy);
    policy
}

pub(super) fn companion(cluster_role: &str, implied_by: &[&str]) -> Companion {
    Companion {
        cluster_role: cluster_role.to_owned(),
        implied_by: implied_by.iter().map(|&name| name.to_owned()).collect(),
    }
}

/// What is missing, as `Kind name: companion, companion`, or nothing if nothing is judged.
pub(super) fn told(policy: &Policy, missing: &[Missing<'_>]) -> Vec<String> {
    missing
        .iter()
        .map(|one| {
            let (prefix, name) = one.identity.name();
            let namespace = one
                .identity
                .namespace()
                .map(|namespace| format!("{namespace}/"))
                .unwrap_or_default();
            let companions: Vec<&str> = policy.companion_names(one.lacks).collect();
            format!(
                "{} {namespace}{prefix}{}: {}",
                one.identity.kind(),
                ShownName(name),
                companions.join(", ")
            )
        })
        .collect()
}

/// What the rule finds missing in a new binding.
pub(super) fn missing(policy: &Policy, binding: &Binding<'_>, held: &Bound<'_>) -> Vec<String> {
    match assess(policy, binding, None, held) {
        Assessment::NotJudged(_) => Vec::new(),
        Assessment::Judged(judged) => told(policy, &judged.missing),
    }
}
