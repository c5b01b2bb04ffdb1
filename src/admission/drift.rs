//! How the webhook configurations in force differ from those that the policy wants.
//!
//! The API server asks only about what its configurations match. After an edit of the policy, or of
//! a configuration, it may no longer ask about what the policy forbids, and nobody would notice.
//! Only the meaning counts: the defaults that the API server fills in, the order of lists and how
//! rules are divided make no difference, and where the webhook is (`clientConfig`) is up to whoever
//! installs it.

mod form;

use std::fmt;

use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhookConfiguration, ValidatingWebhookConfiguration,
};

use self::form::Form;
use super::configuration::{self, Endpoint};
use crate::domain::policy::Policy;

/// Seconds below which a webhook has too little time: a confirming read may start only half a
/// second after another, and one attempt gets a third of the time.
const LEAST_TIMEOUT: i32 = 3;

/// One way in which a configuration is not as the policy wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// There is no configuration.
    NoConfiguration,
    /// A webhook is not in it.
    NoWebhook {
        /// Which.
        webhook: String,
    },
    /// A webhook is in it that the policy does not want.
    OtherWebhook {
        /// Which.
        webhook: String,
    },
    /// A field means something else.
    Field {
        /// The webhook.
        webhook: String,
        /// The field, as Kubernetes spells it.
        field: &'static str,
        /// What the policy wants, in a form without defaults and order.
        wanted: String,
        /// What there is, in the same form.
        found: String,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoConfiguration => write!(formatter, "the configuration does not exist"),
            Self::NoWebhook { webhook } => write!(formatter, "webhook {webhook} is missing"),
            Self::OtherWebhook { webhook } => {
                write!(formatter, "webhook {webhook:?} does not belong there")
            }
            Self::Field {
                webhook,
                field,
                wanted,
                found,
            } => write!(
                formatter,
                "{field} of webhook {webhook} is {found:?}, and the policy wants {wanted:?}"
            ),
        }
    }
}

/// How the validating configuration differs.
#[must_use]
pub fn validating(
    policy: &Policy,
    live: Option<&ValidatingWebhookConfiguration>,
) -> Vec<Difference> {
    let wanted = configuration::validating(policy, &anywhere(), None);
    let forms = |configuration: &ValidatingWebhookConfiguration| -> Vec<Form> {
        let webhooks = configuration.webhooks.iter().flatten();
        webhooks.map(Form::of_validating).collect()
    };
    compare(&forms(&wanted), live.map(forms).as_deref())
}

/// How the mutating configuration differs. Where nobody may order anything, none is wanted.
#[must_use]
pub fn mutating(policy: &Policy, live: Option<&MutatingWebhookConfiguration>) -> Vec<Difference> {
    let forms = |configuration: &MutatingWebhookConfiguration| -> Vec<Form> {
        let webhooks = configuration.webhooks.iter().flatten();
        webhooks.map(Form::of_mutating).collect()
    };
    let live = live.map(forms);
    match configuration::mutating(policy, &anywhere(), None) {
        Some(wanted) => compare(&forms(&wanted), live.as_deref()),
        None => compare(&[], Some(live.as_deref().unwrap_or_default())),
    }
}

/// Where the webhook is makes no difference.
fn anywhere() -> Endpoint {
    Endpoint::Url(String::new())
}

fn compare(wanted: &[Form], live: Option<&[Form]>) -> Vec<Difference> {
    let Some(live) = live else {
        return vec![Difference::NoConfiguration];
    };
    let mut differences = Vec::new();
    for form in wanted {
        match live.iter().find(|found| found.name == form.name) {
            Some(found) => compare_webhook(form, found, &mut differences),
            None => differences.push(Difference::NoWebhook {
                webhook: form.name.clone(),
            }),
        }
    }
    let others = live
        .iter()
        .filter(|found| wanted.iter().all(|form| form.name != found.name));
    differences.extend(others.map(|found| Difference::OtherWebhook {
        webhook: found.name.clone(),
    }));
    differences
}

fn compare_webhook(wanted: &Form, found: &Form, differences: &mut Vec<Difference>) {
    // Both have the same fields in the same order.
    for ((field, wanted_value), (_, found_value)) in wanted.fields.iter().zip(&found.fields) {
        if wanted_value != found_value {
            differences.push(Difference::Field {
                webhook: wanted.name.clone(),
                field,
                wanted: wanted_value.clone(),
                found: found_value.clone(),
            });
        }
    }
    if let Some(seconds) = found.timeout.filter(|seconds| *seconds < LEAST_TIMEOUT) {
        differences.push(Difference::Field {
            webhook: wanted.name.clone(),
            field: "timeoutSeconds",
            wanted: format!("at least {LEAST_TIMEOUT}"),
            found: seconds.to_string(),
        });
    }
}

#[cfg(test)]
mod tests;
