//! Creates companion bindings, and looks at what stands in their way.

use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding};
use kube::Client;
use kube::api::{Api, PostParams};

/// What came of creating one.
#[derive(Clone, Debug, PartialEq)]
pub enum Created {
    /// It is there now, and was not before.
    Made,
    /// One of its name was there already; this is it.
    Found(Box<ClusterRoleBinding>),
}

/// Creates a ClusterRoleBinding, and overwrites none.
///
/// # Errors
///
/// If the API server cannot be asked, or refuses.
pub async fn create(client: &Client, binding: &ClusterRoleBinding) -> kube::Result<Created> {
    let api: Api<ClusterRoleBinding> = Api::all(client.clone());
    match api.create(&PostParams::default(), binding).await {
        Ok(_) => Ok(Created::Made),
        Err(kube::Error::Api(status)) if status.code == 409 => {
            let name = binding.metadata.name.as_deref().unwrap_or_default();
            match api.get_opt(name).await? {
                Some(found) => Ok(Created::Found(Box::new(found))),
                // It was deleted in the meantime.
                None => Err(kube::Error::Api(status)),
            }
        }
        Err(error) => Err(error),
    }
}

/// Whether there is a ClusterRole of this name.
///
/// # Errors
///
/// If the API server cannot be asked, or refuses.
pub async fn role_exists(client: &Client, name: &str) -> kube::Result<bool> {
    let api: Api<ClusterRole> = Api::all(client.clone());
    Ok(api.get_metadata_opt(name).await?.is_some())
}
