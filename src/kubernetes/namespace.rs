//! Lists namespaces.

use k8s_openapi::api::core::v1::Namespace;
use kube::api::ListParams;
use kube::core::PartialObjectMeta;
use kube::{Api, Client};

/// The names of all namespaces. Takes the right to `list` them.
///
/// # Errors
///
/// If the API server cannot be asked, or refuses.
pub async fn names(client: &Client) -> kube::Result<Vec<String>> {
    let api: Api<Namespace> = Api::all(client.clone());
    let list = api.list_metadata(&ListParams::default()).await?;
    let name = |namespace: PartialObjectMeta<Namespace>| namespace.metadata.name;
    Ok(list.items.into_iter().filter_map(name).collect())
}
