//! What a snapshot knows of persona bindings.

use std::sync::Arc;

use hashbrown::HashSet;

use super::index::PersonaIndex;
use super::packed::PersonaBinding;
use super::part::RoleBindingPart;
use crate::domain::identity::Identity;
use crate::domain::policy::Policy;
use crate::state::shared::Shared;

/// Why persona bindings are not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PersonasUnknown {
    /// They are being read.
    #[error("the cluster's persona bindings have not been read yet")]
    NotYet,
    /// They cannot be read, which may last: the right to list `RoleBindings` may be missing.
    #[error("the cluster's RoleBindings cannot be read; the log says why")]
    Unreadable,
}

/// The persona bindings that belong to a policy.
#[derive(Debug, Default)]
pub(in crate::state) enum Personas {
    /// Nobody read them.
    #[default]
    Unknown,
    /// All of them.
    Whole(PersonaIndex),
    /// Those of the two kinds, each kept by its watch.
    Parts {
        cluster_role_bindings: Arc<Shared<PersonaIndex>>,
        role_bindings: Arc<RoleBindingPart>,
    },
}

impl Personas {
    pub(in crate::state) fn naming(
        &self,
        policy: &Policy,
        identities: &HashSet<Identity<'_>>,
    ) -> Result<Vec<PersonaBinding>, PersonasUnknown> {
        let each = self.each(policy, |index| index.naming(identities))?;
        Ok(each.into_iter().flatten().collect())
    }

    pub(in crate::state) fn all(
        &self,
        policy: &Policy,
    ) -> Result<Vec<PersonaBinding>, PersonasUnknown> {
        let each = self.each(policy, PersonaIndex::all)?;
        Ok(each.into_iter().flatten().collect())
    }

    pub(in crate::state) fn len(&self, policy: &Policy) -> Result<usize, PersonasUnknown> {
        Ok(self.each(policy, PersonaIndex::len)?.into_iter().sum())
    }

    /// Asks every index there is, each under its own lock.
    fn each<A>(
        &self,
        policy: &Policy,
        ask: impl Fn(&PersonaIndex) -> A,
    ) -> Result<Vec<A>, PersonasUnknown> {
        match self {
            Self::Unknown => Err(PersonasUnknown::NotYet),
            Self::Whole(index) => Ok(vec![ask(index)]),
            Self::Parts {
                cluster_role_bindings,
                role_bindings,
            } => match role_bindings.index_for(policy) {
                Some(listed) => Ok(vec![cluster_role_bindings.read(&ask), listed.read(&ask)]),
                None if role_bindings.is_failing() => Err(PersonasUnknown::Unreadable),
                None => Err(PersonasUnknown::NotYet),
            },
        }
    }
}
