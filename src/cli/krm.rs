//! `bindguard krm`.

use std::io::Read;

use anyhow::{Context, anyhow};
use clap::Args;

use super::fix::StyleArgument;
use super::names::label;
use super::policy::PolicyArgument;
use super::{Outcome, output};
use crate::report::check::{Beside, Companions, check};
use crate::report::{ResourceList, plan};

const EXAMPLES: &str = "\
Examples:
  kustomize build --enable-alpha-plugins --enable-exec examples/kustomize
  bindguard krm < resource-list.yaml

Exit codes: 0 it is done, 2 something could not be read.";

/// Add the companions that are missing, as a KRM function for Kustomize
///
/// Reads a ResourceList from standard input and prints it with the missing ClusterRoleBindings
/// before its items, which stay as they are, and a result for each that says what it is for. They
/// are those of `bindguard fix --with-input`. If something in it cannot be read, nothing is
/// printed.
///
/// A functionConfig of kind BindingPolicy is the policy. Without one it is that of --policy, and
/// without that the built-in one.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Arguments {
    #[command(flatten)]
    policy: PolicyArgument,

    #[command(flatten)]
    style: StyleArgument,

    /// The namespace of RoleBindings that name none
    #[arg(
        short,
        long,
        env = "BINDGUARD_NAMESPACE",
        value_name = "NAMESPACE",
        value_parser = label,
        default_value = "default"
    )]
    namespace: String,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let mut text = String::new();
    std::io::stdin()
        .lock()
        .read_to_string(&mut text)
        .context("cannot read standard input")?;
    let list = ResourceList::read(&text)?;
    let policy = match list.policy()? {
        Some(policy) => policy,
        None => arguments.policy.load()?.0,
    };
    let beside = Beside {
        namespace: arguments.namespace.clone(),
        ..Beside::default()
    };
    let report = check(&policy, &list.manifests(), beside, Companions::InOrder);
    if !report.errors.is_empty() {
        return Err(anyhow!(report.errors.join("\n")));
    }
    let style = arguments.style.style.into();
    let planned = plan(&policy, &report.findings, &report.taken, style);
    output::print(&list.with(&planned))
}
