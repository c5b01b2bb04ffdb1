//! Reads and deletes the webhook configurations that the API server has, and sets their `caBundle`.

use std::fmt::Debug;

use k8s_openapi::ByteString;
use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhookConfiguration, ValidatingWebhookConfiguration, WebhookClientConfig,
};
use kube::api::{DeleteParams, Patch, PatchParams};
use kube::core::ClusterResourceScope;
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::object_watch::ObjectWatch;
use super::secret::FIELD_MANAGER;

/// Either kind of webhook configuration.
pub trait WebhookConfiguration:
    Resource<DynamicType = (), Scope = ClusterResourceScope>
    + Clone
    + Debug
    + DeserializeOwned
    + Send
    + Sync
    + 'static
{
    /// How the kind is called.
    const KIND: &'static str;

    /// The name of each webhook and where it is, in their order.
    fn webhooks(&self) -> Vec<(&str, &WebhookClientConfig)>;
}

impl WebhookConfiguration for ValidatingWebhookConfiguration {
    const KIND: &'static str = "ValidatingWebhookConfiguration";

    fn webhooks(&self) -> Vec<(&str, &WebhookClientConfig)> {
        let webhooks = self.webhooks.iter().flatten();
        webhooks
            .map(|webhook| (webhook.name.as_str(), &webhook.client_config))
            .collect()
    }
}

impl WebhookConfiguration for MutatingWebhookConfiguration {
    const KIND: &'static str = "MutatingWebhookConfiguration";

    fn webhooks(&self) -> Vec<(&str, &WebhookClientConfig)> {
        let webhooks = self.webhooks.iter().flatten();
        webhooks
            .map(|webhook| (webhook.name.as_str(), &webhook.client_config))
            .collect()
    }
}

/// The validating configuration of this name, if there is one. Takes the right to `get` it.
///
/// # Errors
///
/// If the API server cannot be asked, or refuses.
pub async fn validating(
    client: &Client,
    name: &str,
) -> kube::Result<Option<ValidatingWebhookConfiguration>> {
    Api::all(client.clone()).get_opt(name).await
}

/// The mutating configuration of this name, if there is one. Takes the right to `get` it.
///
/// # Errors
///
/// If the API server cannot be asked, or refuses.
pub async fn mutating(
    client: &Client,
    name: &str,
) -> kube::Result<Option<MutatingWebhookConfiguration>> {
    Api::all(client.clone()).get_opt(name).await
}

/// A watch on the configuration of this name. Takes the right to `list` and `watch` it.
#[must_use]
pub fn watch<K: WebhookConfiguration>(client: &Client, name: &str) -> ObjectWatch<K> {
    ObjectWatch::new(Api::all(client.clone()), K::KIND, name)
}

/// Sets the `caBundle` (PEM) of these webhooks, each by its place and name in the configuration,
/// and touches nothing else. Takes the right to `patch` it. `None` when the configuration is gone,
/// or was changed at the same time.
///
/// # Errors
///
/// If the API server cannot be asked, or refuses: so it does, with a 422, when the webhooks are not
/// at these places any more.
pub async fn set_ca_bundle<K: WebhookConfiguration>(
    client: &Client,
    configuration: &str,
    webhooks: &[(usize, String)],
    bundle: &str,
) -> kube::Result<Option<K>> {
    let patch = serde_json::from_value(ca_bundle_patch(webhooks, bundle))
        .map_err(kube::Error::SerdeError)?;
    let parameters = PatchParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PatchParams::default()
    };
    let api: Api<K> = Api::all(client.clone());
    let patched = api
        .patch(configuration, &parameters, &Patch::<()>::Json(patch))
        .await;
    match patched {
        Ok(configuration) => Ok(Some(configuration)),
        Err(kube::Error::Api(status)) if [404, 409].contains(&status.code) => Ok(None),
        Err(error) => Err(error),
    }
}

fn ca_bundle_patch(webhooks: &[(usize, String)], bundle: &str) -> Value {
    let bundle = json!(ByteString(bundle.as_bytes().to_vec()));
    let operations = webhooks.iter().flat_map(|(place, name)| {
        [
            json!({"op": "test", "path": format!("/webhooks/{place}/name"), "value": name}),
            json!({
                "op": "add",
                "path": format!("/webhooks/{place}/clientConfig/caBundle"),
                "value": bundle,
            }),
        ]
    });
    operations.collect()
}

/// Deletes the configuration of this name, and says whether it was there. Takes the right to
/// `delete` it.
///
/// # Errors
///
/// If the API server cannot be asked, or refuses.
pub async fn delete<K: WebhookConfiguration>(client: &Client, name: &str) -> kube::Result<bool> {
    let api: Api<K> = Api::all(client.clone());
    match api.delete(name, &DeleteParams::default()).await {
        Ok(_) => Ok(true),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether the API server refused because the right is missing.
#[must_use]
pub fn is_forbidden(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 403)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::ca_bundle_patch;

    #[test]
    fn the_patch_tests_each_name_and_sets_only_bundles() {
        let webhooks = [(0, "a".to_owned()), (2, "b".to_owned())];
        let expected = json!([
            {"op": "test", "path": "/webhooks/0/name", "value": "a"},
            {"op": "add", "path": "/webhooks/0/clientConfig/caBundle", "value": "UEVN"},
            {"op": "test", "path": "/webhooks/2/name", "value": "b"},
            {"op": "add", "path": "/webhooks/2/clientConfig/caBundle", "value": "UEVN"},
        ]);
        assert_eq!(ca_bundle_patch(&webhooks, "PEM"), expected);
    }
}
