//! From bindings as the API server sends them to the words of the rule.

use super::binding_key::BindingKey;
use super::index::Index;
use crate::domain::binding::{Binding, BindingKind, RBAC_GROUP, RoleRef, Subject};
use crate::domain::identity::SubjectKind;
use crate::domain::policy::Policy;
use crate::kubernetes::cluster_role_binding::ClusterRoleBinding;
use crate::kubernetes::lean::{self as wire, Lean};
use crate::kubernetes::role_binding::RoleBinding;

/// The binding's key: its uid, since one that was deleted and made again is another.
pub(super) fn key<K>(binding: &Lean<K>) -> BindingKey {
    match binding.metadata.uid.as_deref() {
        Some(uid) => BindingKey::of_uid(uid),
        None => BindingKey::of_source(name(binding)),
    }
}

/// Takes a binding into the index. Whether anybody holds something else now.
pub(super) fn apply(index: &mut Index, policy: &Policy, changed: &ClusterRoleBinding) -> bool {
    let key = key(changed);
    let different = index.apply_binding(policy, key, &binding(changed));
    index.set_terminating(key, changed.terminating);
    different
}

/// The binding, as far as the rule looks at it.
#[must_use]
pub fn binding(binding: &ClusterRoleBinding) -> Binding<'_> {
    of_kind(BindingKind::ClusterRoleBinding, None, binding)
}

/// The binding, as far as the rule looks at it.
#[must_use]
pub fn role_binding(binding: &RoleBinding) -> Binding<'_> {
    let namespace = binding.metadata.namespace.as_deref();
    of_kind(BindingKind::RoleBinding, namespace, binding)
}

fn of_kind<'a, K>(
    kind: BindingKind,
    namespace: Option<&'a str>,
    binding: &'a Lean<K>,
) -> Binding<'a> {
    Binding {
        kind,
        namespace,
        name: name(binding),
        role: RoleRef::new(
            Some(&binding.role.api_group),
            &binding.role.kind,
            &binding.role.name,
        ),
        subjects: binding.subjects.iter().filter_map(subject).collect(),
    }
}

pub(super) fn name<K>(binding: &Lean<K>) -> &str {
    binding.metadata.name.as_deref().unwrap_or_default()
}

/// The subject, unless RBAC does not know its kind.
fn subject(subject: &wire::Subject) -> Option<Subject<'_>> {
    let kind = SubjectKind::parse(&subject.kind)?;
    let known = match kind {
        SubjectKind::User | SubjectKind::Group => ["", RBAC_GROUP].as_slice(),
        SubjectKind::ServiceAccount => &[""],
    };
    known
        .contains(&subject.api_group.as_str())
        .then(|| Subject {
            kind,
            name: &subject.name,
            namespace: (!subject.namespace.is_empty()).then_some(&*subject.namespace),
        })
}
