//! Identities and bindings as messages name them.

use std::fmt::{self, Display, Formatter};

use super::binding::BindingKind;
use super::identity::Identity;
use super::text::{ShownName, is_overlong};

/// A kind and a name, with the namespace of a ServiceAccount.
#[derive(Clone, Copy, Debug)]
pub struct ShownIdentity<'a>(pub Identity<'a>);

impl Display for ShownIdentity<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ", self.0.kind())?;
        match (self.0.namespace(), self.0.name()) {
            (Some(namespace), (_, name)) => {
                write!(formatter, "{}/{}", ShownName(namespace), ShownName(name))
            }
            (None, ("", name)) => write!(formatter, "{}", ShownName(name)),
            (None, (prefix, name)) if is_overlong(name) => {
                write!(formatter, "{prefix}{}", ShownName(name))
            }
            (None, (prefix, name)) => {
                write!(formatter, "{}", ShownName(&format!("{prefix}{name}")))
            }
        }
    }
}

/// A binding by kind, namespace and name.
#[derive(Clone, Copy, Debug)]
pub struct ShownBinding<'a> {
    /// Its kind.
    pub kind: BindingKind,
    /// Its namespace, for a RoleBinding.
    pub namespace: Option<&'a str>,
    /// Its name.
    pub name: &'a str,
}

impl Display for ShownBinding<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ", self.kind)?;
        if let Some(namespace) = self.namespace {
            write!(formatter, "{}/", ShownName(namespace))?;
        }
        write!(formatter, "{}", ShownName(self.name))
    }
}

#[cfg(test)]
mod tests {
    use super::{ShownBinding, ShownIdentity};
    use crate::domain::binding::BindingKind;
    use crate::domain::identity::Identity;

    #[test]
    fn an_identity_is_named_by_its_kind_and_a_service_account_by_its_namespace_too() {
        let shown = |identity| ShownIdentity(identity).to_string();
        assert_eq!(shown(Identity::user("alice")), "User alice");
        assert_eq!(
            shown(Identity::user("system:serviceaccount:ci:builder")),
            "ServiceAccount ci/builder"
        );
        let group = Identity::group("system:serviceaccounts:ci");
        assert_eq!(shown(group), "Group system:serviceaccounts:ci");
        assert_eq!(shown(Identity::group("a\u{1b}")), "Group \"a\\u{1b}\"");
    }

    #[test]
    fn a_binding_is_named_by_its_kind_and_a_role_binding_by_its_namespace_too() {
        let mut binding = ShownBinding {
            kind: BindingKind::RoleBinding,
            namespace: Some("dev"),
            name: "a\nb",
        };
        assert_eq!(binding.to_string(), "RoleBinding dev/\"a\\u{a}b\"");
        binding.kind = BindingKind::ClusterRoleBinding;
        binding.namespace = None;
        assert_eq!(binding.to_string(), "ClusterRoleBinding \"a\\u{a}b\"");
    }
}
