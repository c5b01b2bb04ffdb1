//! Reads and writes Secrets, each by its name.

use k8s_openapi::api::core::v1::Secret;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::json;

use super::object_watch::ObjectWatch;

/// The field manager of what the controller writes.
pub const FIELD_MANAGER: &str = "bindguard-controller";

/// What came of a write that must not overwrite another's.
#[derive(Debug)]
pub enum Written {
    /// It is stored so.
    Done(Box<Secret>),
    /// Somebody else has created, changed or deleted it since it was read.
    Conflict,
}

/// A watch on the Secret of this name.
#[must_use]
pub fn watch(client: &Client, namespace: &str, name: &str) -> ObjectWatch<Secret> {
    ObjectWatch::new(Api::namespaced(client.clone(), namespace), "Secret", name)
}

/// The Secret of this name, if there is one.
///
/// # Errors
///
/// If the API server cannot be asked, or refuses.
pub async fn get(client: &Client, namespace: &str, name: &str) -> kube::Result<Option<Secret>> {
    api(client, namespace).get_opt(name).await
}

/// Writes a Secret: creates it if it has no resourceVersion, and else replaces the one that has
/// this.
///
/// # Errors
///
/// If the API server cannot be asked, or refuses for another reason than that somebody was faster.
pub async fn write(client: &Client, namespace: &str, secret: &Secret) -> kube::Result<Written> {
    let api = api(client, namespace);
    let parameters = PostParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PostParams::default()
    };
    let written = match (&secret.metadata.resource_version, &secret.metadata.name) {
        (Some(_), Some(name)) => api.replace(name, &parameters, secret).await,
        _ => api.create(&parameters, secret).await,
    };
    let is_replaced = secret.metadata.resource_version.is_some();
    match written {
        Ok(secret) => Ok(Written::Done(Box::new(secret))),
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(Written::Conflict),
        // Deleted since it was read. Without a namespace, a create is answered so as well.
        Err(kube::Error::Api(status)) if status.code == 404 && is_replaced => Ok(Written::Conflict),
        Err(error) => Err(error),
    }
}

/// Sets one annotation of the Secret of this name. Takes the right to `patch` it.
///
/// # Errors
///
/// If there is none, or the API server cannot be asked, or refuses.
pub async fn annotate(
    client: &Client,
    namespace: &str,
    name: &str,
    annotation: &str,
    value: &str,
) -> kube::Result<Secret> {
    let patch = json!({"metadata": {"annotations": {annotation: value}}});
    let parameters = PatchParams::apply("bindguard-certs");
    api(client, namespace)
        .patch(name, &parameters, &Patch::Merge(patch))
        .await
}

fn api(client: &Client, namespace: &str) -> Api<Secret> {
    Api::namespaced(client.clone(), namespace)
}
