//! Who a subject is, in the one canonical form in which two spellings of the same are equal.

use std::fmt;

/// The kinds of subject that RBAC knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SubjectKind {
    /// A person or machine that an authenticator names.
    User,
    /// A set of users that an authenticator names.
    Group,
    /// An account of a workload, which lives in a namespace.
    ServiceAccount,
}

impl SubjectKind {
    /// Every kind, in the order in which messages list them.
    pub const ALL: [Self; 3] = [Self::User, Self::Group, Self::ServiceAccount];

    /// The kind as Kubernetes spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
            Self::ServiceAccount => "ServiceAccount",
        }
    }

    /// The kind that Kubernetes spells so, if there is one. Case counts.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

impl fmt::Display for SubjectKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// What the user name of every ServiceAccount begins with.
///
/// Source: `k8s.io/apiserver/pkg/authentication/serviceaccount`.
pub const SERVICE_ACCOUNT_USER_PREFIX: &str = "system:serviceaccount:";
/// The group of every ServiceAccount.
pub const ALL_SERVICE_ACCOUNTS: &str = "system:serviceaccounts";
/// What the group of the `ServiceAccounts` of one namespace begins with.
pub const SERVICE_ACCOUNTS_PREFIX: &str = "system:serviceaccounts:";
/// The group of everybody who was authenticated.
pub const AUTHENTICATED: &str = "system:authenticated";
/// The group of everybody who was not.
pub const UNAUTHENTICATED: &str = "system:unauthenticated";
/// The user that stands for everybody who was not authenticated.
pub const ANONYMOUS: &str = "system:anonymous";

/// A subject in its canonical form.
///
/// Two subjects that Kubernetes treats as the same are equal here: the User
/// `system:serviceaccount:a:b` is the ServiceAccount `b` of namespace `a`. Names are compared
/// exactly, byte by byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Identity<'a> {
    /// A user that is no ServiceAccount.
    User(&'a str),
    /// A group, but for those of [`Identity::ServiceAccountsOf`].
    Group(&'a str),
    /// A ServiceAccount.
    ServiceAccount {
        /// Its namespace, never empty.
        namespace: &'a str,
        /// Its name, never empty.
        name: &'a str,
    },
    /// The Group `system:serviceaccounts:<namespace>`. It has a form of its own so that the group
    /// of a ServiceAccount can be looked up without putting its name together first.
    ServiceAccountsOf(&'a str),
}

impl<'a> Identity<'a> {
    /// The identity of a user by name, as an authenticator or a subject of kind User gives it.
    ///
    /// The ServiceAccount form is split at its last colon: RBAC compares the whole string
    /// (`serviceaccount.MatchesUsername`), and a ServiceAccount's name never holds a colon,
    /// while nobody checks the namespace that a subject names.
    #[must_use]
    pub fn user(name: &'a str) -> Self {
        name.strip_prefix(SERVICE_ACCOUNT_USER_PREFIX)
            .and_then(|rest| rest.rsplit_once(':'))
            .filter(|(namespace, name)| !namespace.is_empty() && !name.is_empty())
            .map_or(Self::User(name), |(namespace, name)| Self::ServiceAccount {
                namespace,
                name,
            })
    }

    /// The identity of a group by name.
    #[must_use]
    pub fn group(name: &'a str) -> Self {
        match name.strip_prefix(SERVICE_ACCOUNTS_PREFIX) {
            Some(namespace) if !namespace.is_empty() => Self::ServiceAccountsOf(namespace),
            _ => Self::Group(name),
        }
    }

    /// The kind that counts for a persona's `subjectKinds`.
    #[must_use]
    pub const fn kind(&self) -> SubjectKind {
        match self {
            Self::User(_) => SubjectKind::User,
            Self::Group(_) | Self::ServiceAccountsOf(_) => SubjectKind::Group,
            Self::ServiceAccount { .. } => SubjectKind::ServiceAccount,
        }
    }

    /// The namespace of a ServiceAccount.
    #[must_use]
    pub const fn namespace(&self) -> Option<&'a str> {
        match self {
            Self::ServiceAccount { namespace, .. } => Some(namespace),
            Self::User(_) | Self::Group(_) | Self::ServiceAccountsOf(_) => None,
        }
    }

    /// The name in two parts that follow each other; the first is empty but for
    /// [`Identity::ServiceAccountsOf`].
    #[must_use]
    pub const fn name(&self) -> (&'static str, &'a str) {
        match self {
            Self::User(name) | Self::Group(name) | Self::ServiceAccount { name, .. } => ("", name),
            Self::ServiceAccountsOf(namespace) => (SERVICE_ACCOUNTS_PREFIX, namespace),
        }
    }

    /// The groups to which Kubernetes itself counts this identity, or the members of this group:
    /// the umbrella groups that cover it.
    ///
    /// Nothing is said of the two names that stand for nobody in particular, `system:anonymous`
    /// and `system:unauthenticated`, nor of groups that an authenticator hands out.
    ///
    /// Source: <https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-subjects>
    pub fn umbrella_groups(&self) -> impl Iterator<Item = Identity<'static>> + use<> {
        let (authenticated, service_accounts) = match *self {
            Self::User(ANONYMOUS) | Self::Group(UNAUTHENTICATED | AUTHENTICATED) => (false, false),
            Self::User(_) | Self::Group(_) => (true, false),
            Self::ServiceAccount { .. } | Self::ServiceAccountsOf(_) => (true, true),
        };
        authenticated
            .then_some(Identity::Group(AUTHENTICATED))
            .into_iter()
            .chain(service_accounts.then_some(Identity::Group(ALL_SERVICE_ACCOUNTS)))
    }

    /// The group of the `ServiceAccounts` of this one's namespace, for a ServiceAccount.
    #[must_use]
    pub const fn namespace_group(&self) -> Option<Self> {
        match self {
            Self::ServiceAccount { namespace, .. } => Some(Self::ServiceAccountsOf(namespace)),
            Self::User(_) | Self::Group(_) | Self::ServiceAccountsOf(_) => None,
        }
    }

    /// Whether this is one of the groups that can cover other identities.
    #[must_use]
    pub fn is_umbrella(&self) -> bool {
        matches!(
            self,
            Self::Group(AUTHENTICATED | ALL_SERVICE_ACCOUNTS) | Self::ServiceAccountsOf(_)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::{Identity, SubjectKind};

    const BUILDER: Identity<'_> = Identity::ServiceAccount {
        namespace: "ci",
        name: "builder",
    };

    #[test]
    fn the_user_form_of_a_service_account_is_the_service_account() {
        assert_eq!(Identity::user("system:serviceaccount:ci:builder"), BUILDER);
        assert_eq!(BUILDER.kind(), SubjectKind::ServiceAccount);
    }

    #[test]
    fn a_user_name_that_only_looks_like_the_service_account_form_is_a_user() {
        for name in [
            "system:serviceaccount:",
            "system:serviceaccount:ci",
            "system:serviceaccount:ci:",
            "system:serviceaccount::builder",
            "System:serviceaccount:ci:builder",
            "xsystem:serviceaccount:ci:builder",
        ] {
            assert_eq!(Identity::user(name), Identity::User(name), "{name}");
        }
    }

    #[test]
    fn a_namespace_with_a_colon_is_split_as_rbac_compares_it() {
        assert_eq!(
            Identity::user("system:serviceaccount:a:b:c"),
            Identity::ServiceAccount {
                namespace: "a:b",
                name: "c"
            }
        );
    }

    #[test]
    fn the_group_of_a_namespace_is_told_from_the_group_of_all() {
        assert_eq!(
            Identity::group("system:serviceaccounts:ci"),
            Identity::ServiceAccountsOf("ci")
        );
        for name in ["system:serviceaccounts", "system:serviceaccounts:", "devs"] {
            assert_eq!(Identity::group(name), Identity::Group(name));
        }
    }

    #[test]
    fn umbrella_groups_are_those_that_kubernetes_hands_out() {
        let all = |identity: Identity<'static>| {
            identity
                .umbrella_groups()
                .chain(identity.namespace_group())
                .collect::<Vec<_>>()
        };
        let authenticated = Identity::Group("system:authenticated");
        let accounts = Identity::Group("system:serviceaccounts");
        assert_eq!(all(Identity::User("alice")), [authenticated]);
        assert_eq!(all(Identity::Group("devs")), [authenticated]);
        assert_eq!(all(accounts), [authenticated]);
        assert_eq!(
            all(BUILDER),
            [authenticated, accounts, Identity::ServiceAccountsOf("ci")]
        );
        assert_eq!(
            all(Identity::ServiceAccountsOf("ci")),
            [authenticated, accounts]
        );
        for nobody in [
            Identity::User("system:anonymous"),
            Identity::Group("system:unauthenticated"),
            authenticated,
        ] {
            assert_eq!(all(nobody), []);
        }
    }

    #[test]
    fn names_are_compared_exactly() {
        assert_ne!(Identity::user("Alice"), Identity::user("alice"));
        assert_ne!(Identity::user("alice "), Identity::user("alice"));
        assert_ne!(Identity::user("e\u{301}"), Identity::user("\u{e9}"));
        assert_ne!(Identity::user("devs"), Identity::group("devs"));
    }
}
