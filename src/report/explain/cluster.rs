//! A subject in a cluster.

use std::cell::Cell;

use hashbrown::HashMap;
use kube::Client;

use super::Gathered;
use super::gather::Seen;
use crate::domain::policy::Policy;
use crate::kubernetes::cluster_role;
use crate::report::finding::BindingName;
use crate::state::binding_key::BindingKey;
use crate::state::listing::{self, ListError, Listed};

/// Looks at every binding of a cluster, or of `RoleBindings` at those of one namespace. `progress`
/// is told how many bindings have been seen.
///
/// That `RoleBindings` cannot be listed is an error beside what the others say.
///
/// # Errors
///
/// If `ClusterRoleBindings` cannot be listed, without which nothing can be said.
pub async fn in_cluster<'p>(
    client: &Client,
    nothing: &Gathered<'p>,
    namespace: Option<&str>,
    progress: &impl Fn(usize),
) -> Result<Gathered<'p>, ListError> {
    let seen = Cell::new(0);
    let begin = || nothing.begun_anew();
    let look = |gathered: &mut Gathered<'p>, listed: Listed<'_>| {
        see(gathered, listed);
        seen.set(seen.get() + 1);
        progress(seen.get());
    };
    let everywhere = listing::cluster_role_bindings(client, begin, look).await?;
    let inside = listing::role_bindings(client, namespace, begin, look).await;
    Ok(everywhere.with(inside.unwrap_or_else(|error| {
        let mut unknown = nothing.begun_anew();
        unknown.errors.push(error.to_string());
        unknown.errors.push(
            match namespace {
                None => {
                    "what RoleBindings give is not shown; -n NAMESPACE reads those of one \
                         namespace"
                }
                Some(_) => "what RoleBindings give is not shown",
            }
            .to_owned(),
        );
        unknown
    })))
}

fn see(gathered: &mut Gathered<'_>, listed: Listed<'_>) {
    let binding = listed.binding();
    let name = || BindingName::of(&binding, binding.name, None);
    gathered.see(&Seen {
        binding: &binding,
        key: BindingKey::of_binding(&binding),
        name: &name,
        place: &|_| None,
    });
    if listed.is_unreadable() {
        let unreadable = format!("{}: a part of it could not be read", name().shown());
        gathered.errors.push(unreadable);
    }
}

/// Whether there is a ClusterRole of each companion's name, as far as that may be seen, and what
/// may not.
pub async fn roles(client: &Client, policy: &Policy) -> (HashMap<String, bool>, Vec<String>) {
    let (mut known, mut errors) = (HashMap::new(), Vec::new());
    for companion in &policy.companions {
        let role = &companion.cluster_role;
        match cluster_role::exists(client, role).await {
            Ok(exists) => {
                known.insert(role.clone(), exists);
            }
            Err(error) => errors.push(format!(
                "cannot see whether there is a ClusterRole {role}: {}",
                listing::told(&error)
            )),
        }
    }
    (known, errors)
}
