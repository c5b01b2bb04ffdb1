//! What webhook configurations trust, and what they should.

use k8s_openapi::api::admissionregistration::v1::WebhookClientConfig;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use super::authority::CaCertificate;
use crate::kubernetes::webhook_configuration::WebhookConfiguration;

/// How the names of our webhooks end. Others in the same configuration are left alone.
const OURS: &str = ".bindguard.dev";

/// A webhook of ours, as far as its certificates go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustingWebhook {
    /// Its place in its configuration.
    pub place: usize,
    /// Its name.
    pub name: String,
    /// The host that the API server expects the certificate to be for.
    pub host: String,
    /// What it trusts, PEM.
    pub bundle: Vec<u8>,
}

/// Our webhooks in a configuration.
#[must_use]
pub fn webhooks<K: WebhookConfiguration>(configuration: &K) -> Vec<TrustingWebhook> {
    let all = configuration.webhooks().into_iter().enumerate();
    let ours = all.filter(|(_, (name, _))| name.ends_with(OURS));
    ours.map(|(place, (name, client_config))| TrustingWebhook {
        place,
        name: name.to_owned(),
        host: host(client_config),
        bundle: bundle(client_config),
    })
    .collect()
}

/// Those of our webhooks that do not trust exactly these authorities, by place and name.
#[must_use]
pub fn wrong(webhooks: &[TrustingWebhook], wanted: &[&CaCertificate]) -> Vec<(usize, String)> {
    webhooks
        .iter()
        .filter(|webhook| !holds(&webhook.bundle, wanted))
        .map(|webhook| (webhook.place, webhook.name.clone()))
        .collect()
}

/// Whether a bundle holds these certificates, in whatever order, and nothing else.
fn holds(bundle: &[u8], wanted: &[&CaCertificate]) -> bool {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(bundle).collect();
    let Ok(found) = found else { return false };
    let is_wanted = |der: &CertificateDer<'_>| wanted.iter().any(|ca| ca.der() == der);
    found.iter().all(is_wanted) && wanted.iter().all(|ca| found.contains(ca.der()))
}

fn bundle(client_config: &WebhookClientConfig) -> Vec<u8> {
    let bundle = client_config.ca_bundle.as_ref();
    bundle.map(|bundle| bundle.0.clone()).unwrap_or_default()
}

/// By Service the API server asks for `NAME.NAMESPACE.svc`, by URL for the URL's host.
fn host(client_config: &WebhookClientConfig) -> String {
    if let Some(service) = &client_config.service {
        return format!("{}.{}.svc", service.name, service.namespace);
    }
    let url = client_config.url.as_deref().unwrap_or_default();
    let uri = url.parse::<http::Uri>().ok();
    let host = uri.as_ref().and_then(http::Uri::host).unwrap_or_default();
    host.trim_matches(['[', ']']).to_owned()
}

#[cfg(test)]
#[path = "ca_bundle_tests.rs"]
mod tests;
