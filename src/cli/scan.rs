//! `bindguard scan`.

use anyhow::{Context as _, anyhow, ensure};
use clap::{ArgAction, Args};
use kube::Client;

use super::cluster::{ClusterArguments, block_on, told};
use super::findings::Format;
use super::history::HistoryArguments;
use super::names::label;
use super::policy::PolicyArgument;
use super::progress::Progress;
use super::{Outcome, findings, output};
use crate::audit::history::{Stored, Tally};
use crate::domain::policy::Policy;
use crate::domain::text::Escaped;
use crate::kubernetes::config_map;
use crate::report::scan::{Filter, scan};

const EXAMPLES: &str = "\
Examples:
  bindguard scan
  bindguard scan -n team-a -o json
  bindguard scan --persona vm --subject alice@example.com

Exit codes: 0 nothing was found, 1 something was, 2 something could not be read.";

/// Find what is wrong in a cluster now
///
/// Judges every RoleBinding and ClusterRoleBinding that exists, by the rule that the webhook judges
/// new ones by: which subjects of personas lack companions. Found as well, unless -n or --persona
/// narrows it down: companions bound to groups that Kubernetes itself hands out, so that nobody in
/// them is found to lack them, and companions whose ClusterRole does not exist.
///
/// It needs the right to list ClusterRoleBindings, and to list RoleBindings in the namespace or
/// in all, and to get the ClusterRoles of the companions. With -o html the page shows denials as well,
/// if the history can be read, which takes the right to get its ConfigMap. It writes nothing.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Only the RoleBindings of this namespace
    #[arg(
        short,
        long,
        env = "BINDGUARD_NAMESPACE",
        value_name = "NAMESPACE",
        value_parser = label
    )]
    namespace: Option<String>,

    /// All namespaces, and ClusterRoleBindings: what is done without -n
    #[arg(
        short = 'A',
        long,
        env = "BINDGUARD_ALL_NAMESPACES",
        action = ArgAction::SetTrue,
        conflicts_with = "namespace"
    )]
    all_namespaces: bool,

    /// Only this persona: a role, or the name that the policy gives to several; may be given
    /// several times
    #[arg(long, env = "BINDGUARD_PERSONA", value_name = "NAME")]
    persona: Vec<String>,

    /// Only this subject: the name of a User or Group, or NAMESPACE/NAME of a ServiceAccount
    #[arg(long, env = "BINDGUARD_SUBJECT", value_name = "NAME")]
    subject: Option<String>,

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

    #[command(flatten)]
    history: HistoryArguments,

    #[command(flatten)]
    cluster: ClusterArguments,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let (policy, _) = arguments.policy.load()?;
    are_known(&policy, &arguments.persona)?;
    let filter = Filter {
        namespace: arguments.namespace.clone(),
        personas: arguments.persona.clone(),
        subject: arguments.subject.clone(),
        only_missing: false,
    };
    let report = block_on(async {
        let client = arguments.cluster.connect().await?;
        let progress = Progress::begin("reading the cluster's bindings");
        let count = |seen| progress.count(seen);
        let mut report = scan(&client, &policy, &filter, &count).await?;
        if arguments.output == Format::Html {
            let denials = denials(&client, &arguments.history).await;
            report.denials = denials.map(|all| filter.denials(&policy, &all));
        }
        Ok(report)
    })?;
    findings::print(
        arguments.output,
        &report,
        &policy,
        "bindguard fix --cluster",
    )
}

/// The history. The page goes without if it cannot be read, and somebody is told.
async fn denials(client: &Client, arguments: &HistoryArguments) -> Option<Tally> {
    let (namespace, name) = (&arguments.bindguard_namespace, &arguments.history);
    let place = format!("ConfigMap {namespace}/{name}");
    let read = match config_map::get(client, namespace, name).await {
        Ok(Some(map)) => return Some(Stored::read(map.data.iter().flatten()).denials),
        Ok(None) => Err(anyhow!("there is no {place}")),
        Err(error) => Err(told(error)).with_context(|| format!("cannot read {place}")),
    };
    read.unwrap_or_else(|error| {
        let why = format!("{error:#}");
        output::tell(&format!("the page has no denials: {}\n", Escaped(&why)));
        None
    })
}

/// A persona with a slip in its name would have no findings.
fn are_known(policy: &Policy, names: &[String]) -> anyhow::Result<()> {
    for name in names {
        let mut personas = policy.personas.iter();
        let known = personas.any(|one| one.name == *name || one.cluster_roles.contains(name));
        let all: Vec<&str> = policy
            .personas
            .iter()
            .flat_map(|one| std::iter::once(&one.name).chain(&one.cluster_roles))
            .map(String::as_str)
            .collect();
        ensure!(
            known,
            "--persona {name:?} is none of the policy's: {}",
            all.join(", ")
        );
    }
    Ok(())
}
