//! `bindguard prune`.

use std::fmt::Write as _;

use anyhow::anyhow;
use clap::{ArgAction, Args, ValueEnum};
use serde_json::{Value, json};

use super::ask::confirm;
use super::cluster::{ClusterArguments, block_on, told};
use super::policy::PolicyArgument;
use super::{Outcome, output};
use crate::domain::text::ShownName;
use crate::provisioning::prune::{Unneeded, remove, unneeded};

const EXAMPLES: &str = "\
Examples:
  bindguard prune
  bindguard prune --apply

Exit codes: 0 it is done, 2 something could not be read or deleted.";

/// Find the companions that bindguard made and nobody needs any more, and delete them
///
/// Companions stay when the persona binding goes for which they were made. This finds those that
/// no persona binding needs, by the policy, and with --apply deletes them, after asking. What
/// somebody made by hand is left alone.
///
/// It needs the right to list RoleBindings and ClusterRoleBindings, and --apply that to delete
/// ClusterRoleBindings: everything is done with the rights of whoever calls. What has changed since
/// it was read is not deleted.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Delete them, after asking
    #[arg(long, env = "BINDGUARD_APPLY", action = ArgAction::SetTrue)]
    apply: bool,

    /// Delete without asking
    #[arg(long, env = "BINDGUARD_YES", action = ArgAction::SetTrue, requires = "apply")]
    yes: bool,

    #[command(flatten)]
    policy: PolicyArgument,

    /// How to print them
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

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A line for each
    Table,
    /// One JSON document
    Json,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let (policy, _) = arguments.policy.load()?;
    let found = block_on(async {
        let client = arguments.cluster.connect().await?;
        Ok(unneeded(&client, &policy).await?)
    })?;
    output::print(&match arguments.output {
        Format::Table => table(&found),
        Format::Json => format!("{:#}\n", document(&found)),
    })?;
    if arguments.apply && !found.is_empty() {
        let what = match found.len() {
            1 => "this ClusterRoleBinding".to_owned(),
            many => format!("these {many} ClusterRoleBindings"),
        };
        confirm(
            arguments.yes,
            &format!("Delete {what}?"),
            "nothing was deleted",
        )?;
        block_on(delete(&arguments.cluster, &found))?;
    }
    Ok(Outcome::Done)
}

/// Deletes all of them, whatever becomes of some.
async fn delete(cluster: &ClusterArguments, found: &[Unneeded]) -> anyhow::Result<()> {
    let client = cluster.connect().await?;
    let mut failures = Vec::new();
    for binding in found {
        let name = ShownName(name_of(binding));
        match remove(&client, binding).await {
            Ok(true) => output::tell(&format!("ClusterRoleBinding {name} deleted\n")),
            Ok(false) => output::tell(&format!("ClusterRoleBinding {name} is gone already\n")),
            Err(error) => failures.push(format!(
                "cannot delete ClusterRoleBinding {name}: {}",
                told(error)
            )),
        }
    }
    if failures.is_empty() {
        return Ok(());
    }
    Err(anyhow!(failures.join("\n")))
}

fn table(found: &[Unneeded]) -> String {
    if found.is_empty() {
        return "Every companion that bindguard made is needed.\n".to_owned();
    }
    let mut text = String::new();
    for binding in found {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{}\n    gives {} to {} {}; made for {}, by the order of {}",
            ShownName(name_of(binding)),
            ShownName(&binding.companion),
            binding.kind,
            shown_subject(binding),
            ShownName(binding.ordered_for()),
            ShownName(binding.ordered_by()),
        );
    }
    text
}

fn shown_subject(binding: &Unneeded) -> String {
    let name = ShownName(&binding.name);
    match &binding.namespace {
        Some(namespace) => format!("{}/{name}", ShownName(namespace)),
        None => name.to_string(),
    }
}

fn document(found: &[Unneeded]) -> Value {
    let companions = found.iter().map(|binding| {
        let (kind, name) = (&binding.kind, &binding.name);
        let subject = match &binding.namespace {
            Some(namespace) => json!({"kind": kind, "namespace": namespace, "name": name}),
            None => json!({"kind": kind, "name": name}),
        };
        json!({
            "name": name_of(binding),
            "companion": binding.companion,
            "subject": subject,
            "ordered_by": binding.ordered_by(),
            "ordered_for": binding.ordered_for(),
        })
    });
    json!({"companions": companions.collect::<Vec<_>>()})
}

fn name_of(binding: &Unneeded) -> &str {
    binding.metadata.name.as_deref().unwrap_or_default()
}
