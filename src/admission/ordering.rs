//! What the order on a binding means for its judgement, and what is said of it.

use std::sync::Arc;

use jiff::Timestamp;

use super::message::Ordering;
use super::mutate::{provision_of, wanted};
use super::review::{Object, Review};
use super::webhook::Webhook;
use crate::domain::binding::Binding;
use crate::domain::conclude::Fault;
use crate::domain::identity::Identity;
use crate::domain::policy::{Policy, ProvisioningMode};
use crate::provisioning::intake::EpochNow;
use crate::provisioning::order::{Conditions, NoOrder, Placed, asks, judge, may_order, place};
use crate::state::snapshot::Snapshot;

/// Everything by which the order of one call is judged, but for the policy.
#[derive(Clone, Debug)]
pub(super) struct Ordered {
    epoch: Arc<EpochNow>,
    now: Timestamp,
}

/// Why nothing came of what a binding asks for.
#[derive(Debug, thiserror::Error)]
enum Futile {
    #[error("{0}")]
    NothingPlaced(NoOrder),
    #[error("its order does not count: {0}")]
    NotCounted(NoOrder),
    #[error("no order was placed; a warning says why, if it was the rights of the requester")]
    NotStamped,
}

impl Ordered {
    pub(super) fn of(webhook: &Webhook) -> Self {
        Self {
            epoch: webhook.orders.epoch(),
            now: (webhook.now)(),
        }
    }

    /// For whom an order counts that the binding carries; nobody, if there is none that does.
    pub(super) fn counted<'b>(
        &self,
        review: &Review<'_>,
        binding: &Binding<'b>,
        snapshot: &Snapshot,
    ) -> Vec<Identity<'b>> {
        let Some(placed) = review.object().and_then(placed) else {
            return Vec::new();
        };
        let conditions = self.conditions(snapshot.policy(), snapshot.bindings());
        judge(conditions, placed, binding).unwrap_or_default()
    }

    /// What is to be said about having the companions made that a binding lacks.
    pub(super) fn told(
        &self,
        review: &Review<'_>,
        binding: &Binding<'_>,
        policy: &Policy,
        companions: usize,
        fault: &Fault<'_, '_>,
    ) -> Told {
        let conditions = self.conditions(policy, companions);
        let Some(object) = review.object() else {
            return Told::Silent;
        };
        let annotated = asks(provision_of(object.metadata().annotations()));
        let always = policy.provisioning.mode == ProvisioningMode::Always;
        if !annotated && !always {
            let requester = &review.requester;
            let could = policy.provisioning.mode == ProvisioningMode::OnRequest
                && self.epoch.is_ok()
                && may_order(policy, &requester.username, &requester.groups).is_ok();
            return if could { Told::Possible } else { Told::Silent };
        }
        let futile = match placed(object).map(|placed| judge(conditions, placed, binding)) {
            Some(Err(reason)) => Futile::NotCounted(reason),
            // It counts, for others than those who lack something.
            Some(Ok(_)) => Futile::NotCounted(NoOrder::ForOthers),
            None => match place(conditions, &wanted(review, object, &fault.missing)) {
                Err(reason) => Futile::NothingPlaced(reason),
                Ok(_) => Futile::NotStamped,
            },
        };
        Told::Futile(if annotated {
            format!("The annotation bindguard.dev/provision has no effect: {futile}.")
        } else {
            format!("Its companions are not made: {futile}.")
        })
    }

    fn conditions<'c>(&'c self, policy: &'c Policy, companions: usize) -> Conditions<'c> {
        Conditions {
            policy,
            epoch: self.epoch.as_ref().as_ref().map_err(String::as_str),
            now: self.now,
            companions,
        }
    }
}

/// See [`Ordering`].
#[derive(Clone, Debug)]
pub(super) enum Told {
    Silent,
    Possible,
    Futile(String),
}

impl Told {
    pub(super) fn as_ordering(&self) -> Ordering<'_> {
        match self {
            Self::Silent => Ordering::Silent,
            Self::Possible => Ordering::Possible,
            Self::Futile(sentence) => Ordering::Futile(sentence),
        }
    }
}

/// The order that an object carries, if it carries one.
fn placed<'a>(object: &'a Object<'_>) -> Option<Placed<'a>> {
    let annotations = object.metadata().annotations()?;
    Some(Placed {
        order: annotations.order.as_deref()?,
        ordered_by: annotations.ordered_by.as_deref().unwrap_or_default(),
        provision: annotations.provision.as_deref(),
    })
}
