//! Orders for companions that stand on bindings whose subjects lack them.

use std::sync::Arc;

use kube::Client;

use super::{Beside, in_time};
use crate::domain::binding::Binding;
use crate::domain::policy::{Policy, ProvisioningMode};
use crate::domain::text::Escaped;
use crate::kubernetes::config_map::{self, Data};
use crate::kubernetes::lean::OrderAnnotations;
use crate::provisioning::controller::{CONFIG_MAP, CarriedOut, OrderKey};
use crate::provisioning::guard::epoch::{self, EpochValue, Published};
use crate::provisioning::order::{Conditions, Outlook, Placed, outlook};
use crate::report::fault::Fault;
use crate::report::finding::{BindingName, Finding, Severity, Who};
use crate::state::personas::PersonaBinding;

/// What an order is held against, as it is published in the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::report) struct Orders {
    epoch: Result<EpochValue, String>,
    carried_out: CarriedOut,
    errors: Vec<String>,
}

/// An order on a binding of whose subjects some lack companions.
#[derive(Debug)]
pub(super) struct Ordered {
    name: Arc<BindingName>,
    binding: PersonaBinding,
    annotations: OrderAnnotations,
    lacking: Vec<Who>,
}

impl Orders {
    /// Nobody looked.
    #[must_use]
    pub(in crate::report) fn unknown() -> Self {
        Self {
            epoch: Err("whether orders are taken was not looked at".to_owned()),
            carried_out: CarriedOut::default(),
            errors: Vec::new(),
        }
    }

    /// Reads what is published in bindguard's own namespace. What cannot be read is known as that.
    pub(in crate::report) async fn read(client: &Client, namespace: &str, policy: &Policy) -> Self {
        // By what an order is judged then, and nobody need have the right to read it.
        if policy.provisioning.mode == ProvisioningMode::Disabled {
            return Self::unknown();
        }
        let mut errors = Vec::new();
        let mut read = async |name: &str| -> Option<Data> {
            let read = config_map::read(client, namespace, name);
            match in_time(read).await {
                Ok(data) => data,
                Err(error) => {
                    errors.push(format!("cannot see whether orders wait: {error}"));
                    None
                }
            }
        };
        let published = read(epoch::CONFIG_MAP)
            .await
            .as_ref()
            .map(Published::of_data);
        let carried_out = read(CONFIG_MAP).await.as_ref().map(CarriedOut::of_data);
        Self {
            epoch: match published {
                Some(Published {
                    epoch: Some(epoch),
                    paused: None,
                }) => Ok(epoch.value),
                Some(Published {
                    paused: Some(reason),
                    ..
                }) => Err(reason),
                Some(_) => Err("the guard of orders is not in place".to_owned()),
                None => Err("no controller has said that orders are taken".to_owned()),
            },
            carried_out: carried_out.unwrap_or_default(),
            errors,
        }
    }

    /// What could not be read.
    pub(super) fn errors(&self) -> &[String] {
        &self.errors
    }
}

impl Ordered {
    /// The order on a binding about which these findings are, if there are any.
    pub(super) fn of(
        binding: &Binding<'_>,
        annotations: &OrderAnnotations,
        findings: &[Finding],
    ) -> Option<Self> {
        let name = findings.first()?.binding.as_ref()?;
        Some(Self {
            name: Arc::clone(name),
            binding: PersonaBinding::of(binding),
            annotations: annotations.clone(),
            lacking: findings.iter().filter_map(|one| one.who.clone()).collect(),
        })
    }

    fn finding(&self, policy: &Policy, beside: Beside<'_>, companions: usize) -> Option<Finding> {
        let Beside { orders, now, .. } = beside;
        let text = self.annotations.order.as_deref().unwrap_or_default();
        let placed = Placed {
            order: text,
            ordered_by: self.annotations.ordered_by.as_deref().unwrap_or_default(),
            provision: self.annotations.provision.as_deref(),
        };
        let conditions = Conditions {
            policy,
            epoch: orders.epoch.as_ref().map_err(String::as_str),
            now,
            companions,
        };
        let uid = self.name.uid.as_deref().unwrap_or_default();
        let lacking: Vec<_> = self.lacking.iter().map(Who::identity).collect();
        let is_carried_out = orders.carried_out.contains(OrderKey::of(uid, text));
        let binding = self.binding.as_binding();
        let shown = |reason: String| Escaped(&reason).to_string().into();
        let (severity, fault) =
            match outlook(conditions, placed, &binding, &lacking, is_carried_out)? {
                Outlook::Waits => {
                    let reason = "the controller has not carried it out yet";
                    (Severity::Note, Fault::OrderWaits(reason.into()))
                }
                Outlook::Suspended(reason) => {
                    (Severity::Note, Fault::OrderWaits(shown(reason.to_string())))
                }
                Outlook::Expired => (Severity::Warning, Fault::OrderExpired),
                Outlook::DoesNotCount(reason) => (
                    Severity::Warning,
                    Fault::OrderDoesNotCount(shown(reason.to_string())),
                ),
            };
        Some(Finding::new(severity, Some(Arc::clone(&self.name)), fault))
    }
}

/// What there is to say of these orders, where there are so many companion bindings.
pub(super) fn findings(
    policy: &Policy,
    ordered: &[Ordered],
    beside: Beside<'_>,
    companions: usize,
) -> Vec<Finding> {
    let finding = |ordered: &Ordered| ordered.finding(policy, beside, companions);
    ordered.iter().filter_map(finding).collect()
}
