//! What there is to see of an installation's certificates.

use anyhow::Context;

use super::{Certificates, Place};
use crate::certificates::ca_bundle::{self, TrustingWebhook};
use crate::certificates::secret::{FoundAuthorities, FoundServing, read_authorities, read_serving};
use crate::kubernetes::webhook_configuration::{self, WebhookConfiguration};
use crate::kubernetes::words::in_words;
use crate::kubernetes::{secret, webhook_configuration as configurations};

/// A webhook of ours.
pub(super) struct Webhook {
    /// The kind of its configuration.
    pub(super) kind: &'static str,
    pub(super) webhook: TrustingWebhook,
}

/// What was seen.
pub(super) struct Look {
    pub(super) certificates: Certificates,
    /// The names of both Secrets, with their namespace.
    pub(super) ca_secret: String,
    pub(super) tls_secret: String,
    pub(super) configuration: String,
    /// Whether there is a Secret of the authorities.
    pub(super) has_authorities: bool,
    pub(super) authorities: FoundAuthorities,
    /// Whether there is a Secret of the serving certificate.
    pub(super) has_serving: bool,
    pub(super) serving: FoundServing,
    pub(super) webhooks: Vec<Webhook>,
    /// What could not be read, and why.
    pub(super) unread: Vec<String>,
}

impl Look {
    /// Looks at everything. What may not be read is left out and named.
    ///
    /// # Errors
    ///
    /// If there is no cluster to ask.
    pub(super) async fn at(place: &Place, certificates: Certificates) -> anyhow::Result<Self> {
        let client = place.cluster.connect().await?;
        let namespace = &place.namespace.bindguard_namespace;
        let shown = |name: &str| format!("{namespace}/{name}");
        let mut look = Self {
            certificates,
            ca_secret: shown(&place.ca_secret),
            tls_secret: shown(&place.tls_secret),
            configuration: place.configuration.webhook_configuration.clone(),
            has_authorities: false,
            authorities: FoundAuthorities::default(),
            has_serving: false,
            serving: FoundServing::default(),
            webhooks: Vec::new(),
            unread: Vec::new(),
        };
        if certificates == Certificates::SelfManaged {
            let secret = secret::get(&client, namespace, &place.ca_secret).await;
            let name = format!("Secret {}", look.ca_secret);
            let secret = look.read(&name, secret).flatten();
            look.has_authorities = secret.is_some();
            look.authorities = read_authorities(secret.as_ref());
        }
        let secret = secret::get(&client, namespace, &place.tls_secret).await;
        let name = format!("Secret {}", look.tls_secret);
        let secret = look.read(&name, secret).flatten();
        look.has_serving = secret.is_some();
        look.serving = read_serving(secret.as_ref());

        let name = &place.configuration.webhook_configuration;
        let validating = configurations::validating(&client, name).await;
        look.take(validating);
        let mutating = webhook_configuration::mutating(&client, name).await;
        look.take(mutating);
        Ok(look)
    }

    /// Whether everything could be read.
    ///
    /// # Errors
    ///
    /// If not: what, and why.
    pub(super) fn is_complete(&self) -> anyhow::Result<()> {
        if self.unread.is_empty() {
            return Ok(());
        }
        Err(anyhow::anyhow!(self.unread.join("\n"))).context("cannot tell")
    }

    fn take<K: WebhookConfiguration>(&mut self, read: kube::Result<Option<K>>) {
        let name = format!("{} {}", K::KIND, self.configuration);
        let configuration = self.read(&name, read).flatten();
        let webhooks = configuration.as_ref().map(ca_bundle::webhooks);
        let webhooks = webhooks.into_iter().flatten();
        self.webhooks.extend(webhooks.map(|webhook| Webhook {
            kind: K::KIND,
            webhook,
        }));
    }

    fn read<T>(&mut self, what: &str, read: kube::Result<T>) -> Option<T> {
        match read {
            Ok(read) => Some(read),
            Err(error) => {
                let error = in_words(&error);
                self.unread.push(format!("cannot read {what}: {error}"));
                None
            }
        }
    }
}
