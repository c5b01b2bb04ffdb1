//! `bindguard check`.

use clap::{ArgAction, ArgGroup, Args};

use super::cluster::ClusterArguments;
use super::findings::Format;
use super::input::InputArguments;
use super::policy::PolicyArgument;
use super::{Outcome, findings};
use crate::domain::text::ShellWord;
use crate::report::check::{Companions, check};

const EXAMPLES: &str = "\
Examples:
  bindguard check -f manifests/
  helm template my-chart | bindguard check -f -
  bindguard check -f manifests/ --cluster --kubeconfig admin.conf -o json

Exit codes: 0 nothing is missing, 1 something is, 2 something could not be read.";

/// Find what persona bindings in manifests lack, before a cluster sees them
///
/// Reads RoleBindings and ClusterRoleBindings in YAML and JSON, in lists too, and passes over
/// everything else. What counts as a companion is every ClusterRoleBinding in the same manifests,
/// wherever it stands, and with --cluster those of the cluster too; a manifest replaces the binding
/// of its name. Of a directory the files *.yaml, *.yml and *.json are read, but no templates of
/// Helm charts. What cannot be read is an error, and hides no finding elsewhere.
///
/// With --cluster it needs the right to list ClusterRoleBindings.
#[derive(Debug, Args)]
#[command(
    after_long_help = EXAMPLES,
    group = ArgGroup::new("input").args(["filename"]).required(true)
)]
pub(super) struct Arguments {
    #[command(flatten)]
    input: InputArguments,

    #[command(flatten)]
    policy: PolicyArgument,

    /// How to print the findings
    #[arg(
        short,
        long,
        env = "BINDGUARD_OUTPUT",
        value_name = "FORMAT",
        default_value = "table"
    )]
    output: Format,

    /// Count the companions that the cluster has already
    #[arg(long = "cluster", env = "BINDGUARD_CLUSTER", action = ArgAction::SetTrue)]
    with_cluster: bool,

    #[command(flatten)]
    cluster: ClusterArguments,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let (policy, _) = arguments.policy.load()?;
    let sources = arguments.input.read(false)?;
    let cluster = arguments.with_cluster.then_some(&arguments.cluster);
    let beside = arguments.input.beside(&policy, cluster)?;
    let report = check(&policy, &sources, beside, Companions::Together);
    findings::print(arguments.output, &report, &policy, &remedy(arguments))
}

/// The same arguments for `fix`.
fn remedy(arguments: &Arguments) -> String {
    let mut remedy = "bindguard fix".to_owned();
    for path in &arguments.input.filename {
        let path = path.to_string_lossy();
        remedy.push_str(" -f ");
        remedy.push_str(&ShellWord(&path).to_string());
    }
    if arguments.with_cluster {
        remedy.push_str(" --cluster");
    }
    remedy
}
