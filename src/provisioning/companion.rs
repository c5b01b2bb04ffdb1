//! The companion bindings that are made: their names and what is in them. Pure.

use k8s_openapi::api::rbac::v1::{ClusterRoleBinding, RoleRef, Subject};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use sha2::{Digest as _, Sha256};

use crate::domain::binding::{Binding, BindingKind, RBAC_GROUP};
use crate::domain::identity::{Identity, SubjectKind};
use crate::domain::remedy::NewSubject;
use crate::provisioning::{COMPANION_NAME_PREFIX, ORDERED_BY, ORDERED_FOR, PART_OF, PART_OF_LABEL};

/// How much of the companion's name is in the binding's. The rest of it tells all apart.
const LONGEST_COMPANION: usize = 40;

/// The name of the binding that gives a companion to somebody: always the same, and another for
/// anybody else and any other companion.
pub(super) fn name(companion: &str, identity: Identity<'_>) -> String {
    let shown: String = companion.chars().take(LONGEST_COMPANION).collect();
    let digest = digest(companion, identity);
    format!("{COMPANION_NAME_PREFIX}{shown}-{digest:032x}")
}

/// What tells a companion of somebody from all others.
pub(super) fn digest(companion: &str, identity: Identity<'_>) -> u128 {
    let (prefix, name) = identity.name();
    let mut digest = Sha256::new();
    let kind = identity.kind().as_str();
    let namespace = identity.namespace().unwrap_or_default();
    for part in [companion, kind, namespace, prefix, name] {
        digest.update(part);
        digest.update([0]);
    }
    let digest: [u8; 32] = digest.finalize().into();
    let half = digest.first_chunk().copied().unwrap_or_default();
    u128::from_be_bytes(half)
}

/// The binding that gives a companion to somebody, for this persona binding and by the order of
/// this user.
pub(super) fn object(
    companion: &str,
    identity: Identity<'_>,
    persona_binding: &Binding<'_>,
    ordered_by: &str,
) -> ClusterRoleBinding {
    let annotations = [
        (ORDERED_BY, ordered_by.to_owned()),
        (ORDERED_FOR, place(persona_binding)),
    ]
    .map(|(key, value)| (key.to_owned(), value));
    ClusterRoleBinding {
        metadata: ObjectMeta {
            name: Some(name(companion, identity)),
            labels: Some([(PART_OF_LABEL.to_owned(), PART_OF.to_owned())].into()),
            annotations: Some(annotations.into()),
            ..ObjectMeta::default()
        },
        role_ref: RoleRef {
            api_group: Some(RBAC_GROUP.to_owned()),
            kind: "ClusterRole".to_owned(),
            name: companion.to_owned(),
        },
        subjects: Some(vec![subject(identity)]),
    }
}

/// Whether a binding gives what another one is to give.
pub(super) fn gives_the_same(found: &ClusterRoleBinding, wanted: &ClusterRoleBinding) -> bool {
    found.role_ref == wanted.role_ref && found.subjects == wanted.subjects
}

/// A binding in words: its kind, and where it is.
pub(super) fn place(binding: &Binding<'_>) -> String {
    match (binding.kind, binding.namespace) {
        (BindingKind::RoleBinding, Some(namespace)) => {
            format!("RoleBinding {namespace}/{}", binding.name)
        }
        (kind, _) => format!("{} {}", kind.as_str(), binding.name),
    }
}

/// As the API server keeps it, so that the two can be compared.
fn subject(identity: Identity<'_>) -> Subject {
    let subject = NewSubject::of(identity);
    let is_account = subject.kind == SubjectKind::ServiceAccount;
    Subject {
        api_group: (!is_account).then(|| RBAC_GROUP.to_owned()),
        kind: subject.kind.as_str().to_owned(),
        name: subject.name.into_owned(),
        namespace: subject.namespace.map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use serde_json::json;

    use super::{gives_the_same, name, object, place};
    use crate::domain::binding::{Binding, BindingKind, RoleKind, RoleRef};
    use crate::domain::identity::Identity;

    fn persona_binding() -> Binding<'static> {
        Binding {
            kind: BindingKind::RoleBinding,
            namespace: Some("team-a"),
            name: "vm-users",
            role: RoleRef {
                kind: RoleKind::ClusterRole,
                name: "spectro-vm-user",
            },
            subjects: Vec::new(),
        }
    }

    #[test]
    fn a_companion_binding_says_who_ordered_it_and_for_what() {
        let account = Identity::user("system:serviceaccount:team-a:builder");
        let made = object(
            "spectro-list-namespaces",
            account,
            &persona_binding(),
            "boris",
        );
        let name = made.metadata.name.clone().unwrap();
        assert_eq!(
            serde_json::to_value(&made).unwrap(),
            json!({
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "ClusterRoleBinding",
                "metadata": {
                    "name": name,
                    "labels": {"app.kubernetes.io/part-of": "bindguard"},
                    "annotations": {
                        "bindguard.dev/ordered-by": "boris",
                        "bindguard.dev/ordered-for": "RoleBinding team-a/vm-users",
                    },
                },
                "roleRef": {
                    "apiGroup": "rbac.authorization.k8s.io",
                    "kind": "ClusterRole",
                    "name": "spectro-list-namespaces",
                },
                "subjects": [
                    {"kind": "ServiceAccount", "name": "builder", "namespace": "team-a"},
                ],
            })
        );
    }

    #[test]
    fn what_no_service_account_can_be_named_is_bound_by_its_user_name() {
        let odd = Identity::user("system:serviceaccount:a:b:c");
        let made = object("list-a", odd, &persona_binding(), "boris");
        let subject = made.subjects.unwrap().remove(0);
        assert_eq!((&*subject.kind, subject.namespace), ("User", None));
        assert_eq!(subject.name, "system:serviceaccount:a:b:c");
    }

    #[test]
    fn names_differ_with_whatever_differs() {
        let mut names = HashSet::new();
        for companion in ["list-a", "list-b", &"x".repeat(300)] {
            for identity in [
                Identity::user("alice"),
                Identity::group("alice"),
                Identity::user("system:serviceaccount:a:alice"),
                Identity::user("system:serviceaccount:b:alice"),
                Identity::user("🚀/%\n"),
            ] {
                let name = name(companion, identity);
                assert!(name.starts_with("bindguard-") && name.len() < 100, "{name}");
                assert!(!name.contains(['/', '%']), "{name}");
                assert!(names.insert(name));
            }
        }
        let account = Identity::ServiceAccount {
            namespace: "a",
            name: "alice",
        };
        assert!(names.contains(&name("list-a", account)));
    }

    #[test]
    fn only_the_role_and_the_subjects_make_a_binding_the_same() {
        let alice = Identity::user("alice");
        let wanted = object("list-a", alice, &persona_binding(), "boris");
        let mut found = object("list-a", alice, &persona_binding(), "carol");
        found.metadata.uid = Some("u".to_owned());
        assert!(gives_the_same(&found, &wanted));
        found.subjects = None;
        assert!(!gives_the_same(&found, &wanted));
        let other = object("list-b", alice, &persona_binding(), "boris");
        assert!(!gives_the_same(&other, &wanted));
    }

    #[test]
    fn a_place_is_the_kind_and_the_name() {
        let mut binding = persona_binding();
        assert_eq!(place(&binding), "RoleBinding team-a/vm-users");
        binding.kind = BindingKind::ClusterRoleBinding;
        binding.namespace = None;
        assert_eq!(place(&binding), "ClusterRoleBinding vm-users");
    }
}
