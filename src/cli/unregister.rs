//! `bindguard unregister`.

use anyhow::Context;
use clap::{Args, ValueEnum};
use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhookConfiguration, ValidatingWebhookConfiguration,
};
use kube::Client;
use serde_json::json;

use super::cluster::{ClusterArguments, block_on, told};
use super::installation::ConfigurationArgument;
use super::{Outcome, output};
use crate::kubernetes::webhook_configuration::{WebhookConfiguration, delete};

const EXAMPLES: &str = "\
Examples:
  bindguard unregister
  bindguard unregister --kubeconfig admin.conf --webhook-configuration guard";

/// Delete the webhook configurations, so that the API server asks bindguard no more
///
/// Do this before bindguard itself is taken away: persona bindings are refused while the API
/// server is told to ask a bindguard that is not there. It is also the way out when bindguard
/// is down. Configurations that are gone already are no error.
///
/// It needs the right to delete the validating and the mutating webhook configuration of that
/// name, and no other.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Arguments {
    #[command(flatten)]
    configuration: ConfigurationArgument,

    /// How to print what was removed
    #[arg(
        short,
        long,
        env = "BINDGUARD_OUTPUT",
        value_name = "FORMAT",
        default_value = "table"
    )]
    output: Format,

    #[command(flatten)]
    cluster: ClusterArguments,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Table,
    Json,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    block_on(unregister(arguments))
}

async fn unregister(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let client = arguments.cluster.connect().await?;
    let name = &arguments.configuration.webhook_configuration;
    // Both are tried, whatever comes of the first: what is left behind refuses writes.
    let removed = [
        attempt::<ValidatingWebhookConfiguration>(&client, name).await,
        attempt::<MutatingWebhookConfiguration>(&client, name).await,
    ];
    let mut configurations = Vec::new();
    let mut failures = Vec::new();
    for one in removed {
        match one {
            Ok(one) => configurations.push(one),
            Err(error) => failures.push(error),
        }
    }
    show(arguments.output, name, &configurations)?;
    // Both would fail for the same cause, so the first says it all.
    failures.into_iter().next().map_or(Ok(Outcome::Done), Err)
}

/// What became of one configuration.
struct Removal {
    kind: &'static str,
    was_there: bool,
}

async fn attempt<K: WebhookConfiguration>(client: &Client, name: &str) -> anyhow::Result<Removal> {
    let kind = K::KIND;
    let was_there = delete::<K>(client, name)
        .await
        .map_err(told)
        .with_context(|| format!("cannot delete {kind} {name:?}"))?;
    Ok(Removal { kind, was_there })
}

fn show(format: Format, name: &str, removals: &[Removal]) -> anyhow::Result<Outcome> {
    let text = match format {
        Format::Table => removals
            .iter()
            .map(|Removal { kind, was_there }| match was_there {
                true => format!("{kind} {name:?} deleted\n"),
                false => format!("{kind} {name:?} was not there\n"),
            })
            .collect(),
        Format::Json => {
            let list = |was_there| {
                removals
                    .iter()
                    .filter(|removal| removal.was_there == was_there)
                    .map(|removal| json!({"kind": removal.kind, "name": name}))
                    .collect::<Vec<_>>()
            };
            format!(
                "{}\n",
                json!({"deleted": list(true), "absent": list(false)})
            )
        }
    };
    output::print(&text)
}
