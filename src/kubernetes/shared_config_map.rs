//! One ConfigMap that several write, each by what it has read.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::PostParams;
use kube::{Api, Client};

/// The field manager of what `serve` writes.
pub const FIELD_MANAGER: &str = "bindguard";

/// What came of a write that must not overwrite another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// It is stored so.
    Done,
    /// Somebody else has changed or deleted it since it was read.
    Conflict,
}

/// The ConfigMap of this name, if there is one. Takes the right to `get` it.
///
/// # Errors
///
/// If the API server cannot be asked, or refuses.
pub async fn get(client: &Client, namespace: &str, name: &str) -> kube::Result<Option<ConfigMap>> {
    api(client, namespace).get_opt(name).await
}

/// Replaces what is in a ConfigMap that was read, and nothing else about it, if nobody has changed
/// it since. Takes the right to `update` it.
///
/// # Errors
///
/// If the API server cannot be asked, or refuses for another reason than that somebody was faster.
pub async fn replace(
    client: &Client,
    mut read: ConfigMap,
    data: BTreeMap<String, String>,
) -> kube::Result<Written> {
    let metadata = &read.metadata;
    let namespace = metadata.namespace.clone().unwrap_or_default();
    let name = metadata.name.clone().unwrap_or_default();
    read.data = Some(data);
    read.binary_data = None;
    // What the API server adds for itself.
    read.metadata.managed_fields = None;
    let parameters = PostParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PostParams::default()
    };
    let replaced = api(client, &namespace)
        .replace(&name, &parameters, &read)
        .await;
    match replaced {
        Ok(_) => Ok(Written::Done),
        Err(kube::Error::Api(status)) if [404, 409].contains(&status.code) => Ok(Written::Conflict),
        Err(error) => Err(error),
    }
}

fn api(client: &Client, namespace: &str) -> Api<ConfigMap> {
    Api::namespaced(client.clone(), namespace)
}
