//! `ClusterRoles`, as far as it matters whether they are there.

use k8s_openapi::api::rbac::v1::ClusterRole;
use kube::Client;
use kube::api::Api;

/// Whether there is a ClusterRole of this name.
///
/// # Errors
///
/// Whatever the API server or the way to it says.
pub async fn exists(client: &Client, name: &str) -> kube::Result<bool> {
    let api: Api<ClusterRole> = Api::all(client.clone());
    Ok(api.get_metadata_opt(name).await?.is_some())
}
