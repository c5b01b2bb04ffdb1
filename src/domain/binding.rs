//! A RoleBinding or ClusterRoleBinding, as far as the rule looks at it.

use std::fmt;

use super::identity::{Identity, SubjectKind};

/// The two kinds of binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum BindingKind {
    /// Grants a role in one namespace.
    RoleBinding,
    /// Grants a ClusterRole everywhere.
    ClusterRoleBinding,
}

impl BindingKind {
    /// The kind as Kubernetes spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RoleBinding => "RoleBinding",
            Self::ClusterRoleBinding => "ClusterRoleBinding",
        }
    }

    /// The kind that Kubernetes spells so, if it is one of the two. Case counts.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::RoleBinding, Self::ClusterRoleBinding]
            .into_iter()
            .find(|kind| kind.as_str() == text)
    }
}

impl fmt::Display for BindingKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// What kind of role a binding refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RoleKind {
    /// A ClusterRole.
    ClusterRole,
    /// A Role in the binding's namespace.
    Role,
    /// Something else, which RBAC does not know and the API server refuses.
    Other,
}

/// The role that a binding grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RoleRef<'a> {
    /// What kind of role it is.
    pub kind: RoleKind,
    /// Its name.
    pub name: &'a str,
}

impl<'a> RoleRef<'a> {
    /// A reference from its parts as Kubernetes spells them. An absent or empty API group means
    /// RBAC's: the API server fills it in, and files on disk often leave it out.
    #[must_use]
    pub fn new(api_group: Option<&str>, kind: &str, name: &'a str) -> Self {
        let kind = match (api_group.unwrap_or_default(), kind) {
            ("" | RBAC_GROUP, "ClusterRole") => RoleKind::ClusterRole,
            ("" | RBAC_GROUP, "Role") => RoleKind::Role,
            _ => RoleKind::Other,
        };
        Self { kind, name }
    }
}

/// The API group of roles, bindings and of subjects of kind User and Group.
pub const RBAC_GROUP: &str = "rbac.authorization.k8s.io";

/// A subject as written in a binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Subject<'a> {
    /// What kind of subject it is.
    pub kind: SubjectKind,
    /// Its name.
    pub name: &'a str,
    /// Its namespace. Only a ServiceAccount's means something; an empty one is an absent one.
    pub namespace: Option<&'a str>,
}

impl<'a> Subject<'a> {
    /// Who this subject is when it stands in a binding of the given namespace.
    ///
    /// Nobody, if it is a ServiceAccount without a namespace in a binding without one: the API
    /// server refuses that, and RBAC would match nobody.
    #[must_use]
    pub fn identity(&self, binding_namespace: Option<&'a str>) -> Option<Identity<'a>> {
        match self.kind {
            SubjectKind::User => Some(Identity::user(self.name)),
            SubjectKind::Group => Some(Identity::group(self.name)),
            SubjectKind::ServiceAccount => [self.namespace, binding_namespace]
                .into_iter()
                .flatten()
                .find(|namespace| !namespace.is_empty())
                .filter(|_| !self.name.is_empty())
                .map(|namespace| Identity::ServiceAccount {
                    namespace,
                    name: self.name,
                }),
        }
    }
}

/// A binding, as far as the rule looks at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding<'a> {
    /// Which of the two kinds it is.
    pub kind: BindingKind,
    /// The namespace of a RoleBinding. A file on disk may leave it open.
    pub namespace: Option<&'a str>,
    /// Its name; empty while `generateName` has not been carried out.
    pub name: &'a str,
    /// The role that it grants.
    pub role: RoleRef<'a>,
    /// Those to whom it grants it, duplicates included. Subjects of kinds that RBAC does not
    /// know are left out where bindings are read.
    pub subjects: Vec<Subject<'a>>,
}

impl<'a> Binding<'a> {
    /// Who the binding's subjects are, in the order in which they are written, duplicates
    /// included.
    pub fn identities(&self) -> impl Iterator<Item = Identity<'a>> {
        self.subjects
            .iter()
            .filter_map(|subject| subject.identity(self.namespace))
    }
}

#[cfg(test)]
mod tests {
    use super::{RBAC_GROUP, RoleKind, RoleRef, Subject};
    use crate::domain::identity::{Identity, SubjectKind};

    fn service_account<'a>(namespace: Option<&'a str>, name: &'a str) -> Subject<'a> {
        Subject {
            kind: SubjectKind::ServiceAccount,
            name,
            namespace,
        }
    }

    #[test]
    fn a_service_account_without_a_namespace_takes_that_of_the_binding() {
        let expected = Some(Identity::ServiceAccount {
            namespace: "dev",
            name: "builder",
        });
        for written in [None, Some("")] {
            let subject = service_account(written, "builder");
            assert_eq!(subject.identity(Some("dev")), expected);
        }
    }

    #[test]
    fn a_service_account_without_any_namespace_is_nobody() {
        assert_eq!(service_account(None, "builder").identity(None), None);
        assert_eq!(
            service_account(Some(""), "builder").identity(Some("")),
            None
        );
    }

    #[test]
    fn a_namespace_on_a_user_or_group_means_nothing() {
        let subject = Subject {
            kind: SubjectKind::User,
            name: "alice",
            namespace: Some("dev"),
        };
        assert_eq!(subject.identity(None), Some(Identity::User("alice")));
    }

    #[test]
    fn an_absent_api_group_is_that_of_rbac() {
        for group in [None, Some(""), Some(RBAC_GROUP)] {
            let role = RoleRef::new(group, "ClusterRole", "view");
            assert_eq!(role.kind, RoleKind::ClusterRole);
        }
        let foreign = RoleRef::new(Some("example.com"), "ClusterRole", "view");
        assert_eq!(foreign.kind, RoleKind::Other);
        assert_eq!(
            RoleRef::new(None, "clusterrole", "view").kind,
            RoleKind::Other
        );
    }
}
