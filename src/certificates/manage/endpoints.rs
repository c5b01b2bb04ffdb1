//! What those who serve show to their clients.

use futures::future::join_all;
use kube::Client;
use rustls_pki_types::CertificateDer;
use tokio::time::timeout;

use super::{PATIENCE, Watches};
use crate::certificates::authority::CaCertificate;
use crate::certificates::ca_bundle;
use crate::certificates::probe::shown_by;
use crate::certificates::secret::FoundServing;
use crate::kubernetes::endpoints;
use crate::kubernetes::webhook_configuration::is_forbidden;

/// Why nobody can tell what is served.
#[derive(Debug, thiserror::Error)]
pub(super) enum EndpointsError {
    #[error("the Service's endpoints cannot be listed")]
    List(#[from] kube::Error),
    #[error("the Service's endpoints are not listed in time")]
    Slow,
}

pub(super) struct Endpoints<'c> {
    pub(super) client: &'c Client,
    pub(super) namespace: &'c str,
    pub(super) service: &'c str,
}

impl Endpoints<'_> {
    /// Whether everyone who may get calls serves what this authority has signed, and so does
    /// whoever starts now. Nobody at all does not count: whoever calls by an address of another
    /// kind cannot be seen.
    pub(super) async fn all_serve(
        &self,
        authority: &CaCertificate,
        stored: &FoundServing,
    ) -> Result<bool, EndpointsError> {
        let is_stored = stored
            .serving
            .as_ref()
            .and_then(|serving| serving.chain.first())
            .is_some_and(|own| authority.has_signed(own));
        if !is_stored {
            return Ok(false);
        }
        let shown = self.shown().await?;
        let serves = |shown: &Option<CertificateDer<'static>>| {
            shown.as_ref().is_some_and(|own| authority.has_signed(own))
        };
        Ok(!shown.is_empty() && shown.iter().all(serves))
    }

    /// Authorities that the cluster knows, and that have signed what is served now or is about to
    /// be: with the Secret of the authorities lost, these must stay trusted. Others in a `caBundle`
    /// are foreign.
    pub(super) async fn witnesses(
        &self,
        watches: &Watches,
        stored: &FoundServing,
    ) -> Result<Vec<CaCertificate>, EndpointsError> {
        let served = match self.shown().await {
            Ok(shown) => shown.into_iter().flatten().collect(),
            // Without the right there will never be more to see.
            Err(EndpointsError::List(error)) if is_forbidden(&error) => {
                tracing::warn!(%error, "the Service's endpoints may not be listed");
                Vec::new()
            }
            Err(error) => return Err(error),
        };
        let stored_own = stored
            .serving
            .iter()
            .filter_map(|serving| serving.chain.first());
        let served: Vec<CertificateDer<'static>> =
            served.into_iter().chain(stored_own.cloned()).collect();
        let (validating, mutating) = (watches.validating.current(), watches.mutating.current());
        let mut webhooks = Vec::new();
        webhooks.extend(validating.object().map(ca_bundle::webhooks));
        webhooks.extend(mutating.object().map(ca_bundle::webhooks));
        let trusted = webhooks
            .iter()
            .flatten()
            .flat_map(|webhook| CaCertificate::in_bundle(&webhook.bundle));
        let mut witnesses: Vec<CaCertificate> = Vec::new();
        for authority in stored.authorities.iter().cloned().chain(trusted) {
            let has_signed = served.iter().any(|own| authority.has_signed(own));
            if has_signed && !witnesses.contains(&authority) {
                witnesses.push(authority);
            }
        }
        Ok(witnesses)
    }

    /// What each shows; `None` for one that cannot be asked.
    async fn shown(&self) -> Result<Vec<Option<CertificateDer<'static>>>, EndpointsError> {
        let listing = endpoints::serving(self.client, self.namespace, self.service);
        let addresses = timeout(PATIENCE, listing)
            .await
            .map_err(|_| EndpointsError::Slow)??;
        Ok(join_all(addresses.into_iter().map(shown_by)).await)
    }
}
