//! What the controller watches.

use std::convert::Infallible;

use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhookConfiguration, ValidatingWebhookConfiguration,
};
use k8s_openapi::api::core::v1::Secret;
use kube::Client;
use tokio::sync::watch;

use crate::certificates::ca_bundle;
use crate::certificates::secret::FoundAuthorities;
use crate::kubernetes::object_watch::{Known, ObjectWatch};
use crate::kubernetes::{secret, webhook_configuration};

/// Where everything is.
#[derive(Clone, Debug)]
pub struct Names {
    /// The namespace of the Secrets and of the Service.
    pub namespace: String,
    /// The Secret of the authorities.
    pub ca_secret: String,
    /// The Secret of the serving certificate.
    pub tls_secret: String,
    /// The Service in front of those who serve.
    pub service: String,
    /// The name of both webhook configurations.
    pub configuration: String,
}

/// What the controller watches, whether it leads or not.
pub struct Watches {
    /// The Secret of the authorities.
    pub authorities: ObjectWatch<Secret>,
    /// The Secret of the serving certificate.
    pub serving: ObjectWatch<Secret>,
    /// The validating configuration.
    pub validating: ObjectWatch<ValidatingWebhookConfiguration>,
    /// The mutating configuration.
    pub mutating: ObjectWatch<MutatingWebhookConfiguration>,
}

impl Watches {
    /// Of the objects of these names.
    #[must_use]
    pub fn new(client: &Client, names: &Names) -> Self {
        Self {
            authorities: secret::watch(client, &names.namespace, &names.ca_secret),
            serving: secret::watch(client, &names.namespace, &names.tls_secret),
            validating: webhook_configuration::watch(client, &names.configuration),
            mutating: webhook_configuration::watch(client, &names.configuration),
        }
    }

    /// Keeps up with all of them. Never ends.
    pub async fn run(&self) -> Infallible {
        tokio::select! {
            never = self.authorities.run() => never,
            never = self.serving.run() => never,
            never = self.validating.run() => never,
            never = self.mutating.run() => never,
        }
    }

    /// Whether each was looked at and can be watched.
    #[must_use]
    pub fn are_fresh(&self) -> bool {
        self.authorities.current().is_fresh()
            && self.serving.current().is_fresh()
            && self.validating.current().is_fresh()
            && self.mutating.current().is_fresh()
    }

    /// Whether each was looked at, as far as that is allowed: what is done about what is lost
    /// depends on all of it.
    pub(super) fn are_known(&self) -> bool {
        fn is_known<K>(known: &Known<K>) -> bool {
            let fault = known.fault.as_ref();
            known.is_known() || fault.is_some_and(|fault| fault.is_forbidden)
        }
        self.authorities.current().is_known()
            && self.serving.current().is_known()
            && is_known(&self.validating.current())
            && is_known(&self.mutating.current())
    }

    /// Hears when one of them changes.
    #[must_use]
    pub fn changes(&self) -> Changes {
        Changes {
            authorities: self.authorities.subscribe(),
            serving: self.serving.subscribe(),
            validating: self.validating.subscribe(),
            mutating: self.mutating.subscribe(),
        }
    }

    /// Whether all existing configurations trust exactly these.
    pub(super) fn are_published(&self, found: &FoundAuthorities) -> bool {
        if !found.faults.is_empty() {
            return false;
        }
        let wanted = found.authorities.trusted();
        let (validating, mutating) = (self.validating.current(), self.mutating.current());
        let validating_holds = validating.object().is_none_or(|object| {
            ca_bundle::wrong(&ca_bundle::webhooks(object), &wanted).is_empty()
        });
        let mutating_holds = mutating.object().is_none_or(|object| {
            ca_bundle::wrong(&ca_bundle::webhooks(object), &wanted).is_empty()
        });
        validating.is_fresh() && mutating.is_fresh() && validating_holds && mutating_holds
    }
}

/// Hears when something that is watched changes.
pub struct Changes {
    authorities: watch::Receiver<Known<Secret>>,
    serving: watch::Receiver<Known<Secret>>,
    validating: watch::Receiver<Known<ValidatingWebhookConfiguration>>,
    mutating: watch::Receiver<Known<MutatingWebhookConfiguration>>,
}

impl Changes {
    /// Returns with the next change since the last.
    pub async fn next(&mut self) {
        // The senders outlive this.
        let _ = tokio::select! {
            changed = self.authorities.changed() => changed,
            changed = self.serving.changed() => changed,
            changed = self.validating.changed() => changed,
            changed = self.mutating.changed() => changed,
        };
    }
}
