//! Who holds companions in a cluster.

use hashbrown::HashSet;
use kube::Client;

use crate::domain::policy::Policy;
use crate::state::binding_key::BindingKey;
use crate::state::index::Index;
use crate::state::listing::{self, ListError};

/// The holdings of a cluster.
#[derive(Debug, Default)]
pub struct Held {
    /// Who holds what. Bindings are known by [`BindingKey::of_binding`].
    pub holdings: Index,
    /// The names of all `ClusterRoleBindings`.
    pub names: HashSet<String>,
}

/// Reads all `ClusterRoleBindings`.
///
/// # Errors
///
/// If they cannot be listed.
pub async fn holdings(client: &Client, policy: &Policy) -> Result<Held, ListError> {
    listing::cluster_role_bindings(client, Held::default, |held, listed| {
        let binding = listed.binding();
        held.names.insert(binding.name.to_owned());
        let key = BindingKey::of_binding(&binding);
        held.holdings.apply_binding(policy, key, &binding);
    })
    .await
}
