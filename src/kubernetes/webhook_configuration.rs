//! Reads the webhook configurations that the API server has.

use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhookConfiguration, ValidatingWebhookConfiguration,
};
use kube::{Api, Client};

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

/// Whether the API server refused because the right is missing.
#[must_use]
pub fn is_forbidden(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 403)
}
