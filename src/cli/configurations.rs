//! Whether the API server asks about what the policy is about, as findings.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhookConfiguration, ValidatingWebhookConfiguration,
};
use kube::Client;
use tokio::time::timeout;

use crate::admission::drift::{self, Difference};
use crate::domain::policy::Policy;
use crate::domain::text::{Escaped, ShownName};
use crate::kubernetes::webhook_configuration::{self, WebhookConfiguration};
use crate::report::{Elsewhere, Fault, Finding, Severity};

/// How long a configuration may take to be read.
const PATIENCE: Duration = Duration::from_secs(10);
/// Characters of a difference that are told: conditions may be as long as the policy.
const LONGEST: usize = 500;

/// In what both webhook configurations of this name differ from what the policy wants: a finding
/// for each that does.
pub(super) async fn look(client: &Client, name: &str, policy: &Policy) -> Elsewhere {
    let mut seen = Elsewhere::default();
    let live = in_time(webhook_configuration::validating(client, name)).await;
    let live = live.map(|live| drift::validating(policy, live.as_ref()));
    tell::<ValidatingWebhookConfiguration>(&mut seen, name, live);
    let live = in_time(webhook_configuration::mutating(client, name)).await;
    let live = live.map(|live| drift::mutating(policy, live.as_ref()));
    tell::<MutatingWebhookConfiguration>(&mut seen, name, live);
    seen
}

async fn in_time<T>(read: impl Future<Output = kube::Result<T>>) -> Result<T, String> {
    match timeout(PATIENCE, read).await {
        Ok(read) => read.map_err(|error| super::cluster::told(error).to_string()),
        Err(_elapsed) => Err(format!("no answer within {PATIENCE:?}")),
    }
}

fn tell<K: WebhookConfiguration>(
    seen: &mut Elsewhere,
    name: &str,
    differences: Result<Vec<Difference>, String>,
) {
    let configuration = format!("{} {}", K::KIND, ShownName(name));
    match differences {
        Ok(differences) => {
            let Some(first) = differences.first() else {
                return;
            };
            let more = match differences.len() {
                1 => String::new(),
                2 => ", and 1 more difference".to_owned(),
                many => format!(", and {} more differences", many - 1),
            };
            let fault = Fault::Drift {
                configuration: configuration.into(),
                difference: format!("{}{more}", shown(first)).into(),
            };
            let finding = Finding::new(Severity::Warning, None, fault);
            seen.findings.push(finding);
        }
        Err(error) => seen.errors.push(format!(
            "cannot see whether {configuration} is as the policy wants it: {error}"
        )),
    }
}

fn shown(difference: &impl Display) -> Arc<str> {
    let text: String = difference.to_string().chars().take(LONGEST).collect();
    Escaped(&text).to_string().into()
}
