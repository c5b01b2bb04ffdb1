//! What is under review, and what is to be done with it.

use crate::domain::binding::BindingKind;

/// What is under review.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A RoleBinding or ClusterRoleBinding.
    Binding(BindingKind),
    /// Anything else, which is none of bindguard's business.
    Other,
}

/// What is to be done with the object under review.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// It is created.
    Create,
    /// It is changed.
    Update,
    /// It is deleted, alone or as one of a collection.
    Delete,
    /// Somebody connects to it, which nobody can with a binding.
    Connect,
}

impl Operation {
    const ALL: [Self; 4] = [Self::Create, Self::Update, Self::Delete, Self::Connect];

    /// The operation as Kubernetes spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::Connect => "CONNECT",
        }
    }

    /// The operation that Kubernetes spells so, if there is one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|operation| operation.as_str() == text)
    }
}
