//! Creates companion bindings, looks at what stands in their way, and takes them away.

use k8s_openapi::api::rbac::v1::ClusterRoleBinding;
use kube::Client;
use kube::api::{Api, DeleteParams, ListParams, ObjectMeta, PostParams, Preconditions};

use super::cluster_role_binding::PAGE;

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

/// Every ClusterRoleBinding with this label.
///
/// # Errors
///
/// If the API server cannot be asked, or refuses.
pub async fn labelled(
    client: &Client,
    label: &str,
    value: &str,
) -> kube::Result<Vec<ClusterRoleBinding>> {
    let api: Api<ClusterRoleBinding> = Api::all(client.clone());
    let mut parameters = ListParams::default()
        .labels(&format!("{label}={value}"))
        .limit(PAGE);
    let mut found = Vec::new();
    loop {
        let page = api.list(&parameters).await?;
        found.extend(page.items);
        match page.metadata.continue_ {
            Some(token) if !token.is_empty() => parameters.continue_token = Some(token),
            _ => return Ok(found),
        }
    }
}

/// Deletes a ClusterRoleBinding, unless it has changed since it was read. Whether it was there.
///
/// # Errors
///
/// If the API server cannot be asked, or refuses, which it also does if it has changed.
pub async fn delete(client: &Client, read: &ObjectMeta) -> kube::Result<bool> {
    let api: Api<ClusterRoleBinding> = Api::all(client.clone());
    let parameters = DeleteParams {
        preconditions: Some(Preconditions {
            uid: read.uid.clone(),
            resource_version: read.resource_version.clone(),
        }),
        ..DeleteParams::default()
    };
    let name = read.name.as_deref().unwrap_or_default();
    match api.delete(name, &parameters).await {
        Ok(_) => Ok(true),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(false),
        Err(error) => Err(error),
    }
}
