//! Which persona bindings there are, and for whom: what the removal of a companion is judged by.
//!
//! Those of `ClusterRoleBindings` come with the companions from one watch. Those of `RoleBindings`
//! have a watch of their own, which nothing else waits for: while it has not listed, or may not,
//! only removals are not judged.

mod feed;
mod index;
mod known;
mod packed;
mod part;
pub(super) mod watch;

pub use index::PersonaIndex;
pub(super) use known::Personas;
pub use known::PersonasUnknown;
pub use packed::PersonaBinding;
pub(super) use part::RoleBindingPart;

use std::collections::BTreeSet;

use crate::domain::policy::Policy;

/// Whether the two take the same bindings for persona bindings.
pub(super) fn have_same_personas(one: &Policy, other: &Policy) -> bool {
    one.match_roles == other.match_roles && roles(one) == roles(other)
}

fn roles(policy: &Policy) -> BTreeSet<&str> {
    policy
        .personas
        .iter()
        .flat_map(|persona| &persona.cluster_roles)
        .map(String::as_str)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::have_same_personas;
    use crate::domain::policy::{Action, Policy};

    #[test]
    fn the_order_and_the_grouping_of_roles_do_not_matter() {
        let policy = Policy::built_in();
        let mut other = policy.clone();
        other.personas.reverse();
        other.action = Action::Audit;
        assert!(have_same_personas(&policy, &other));
        other.match_roles = true;
        assert!(!have_same_personas(&policy, &other));
        other.match_roles = false;
        other.personas[0].cluster_roles.pop();
        assert!(!have_same_personas(&policy, &other));
    }
}
