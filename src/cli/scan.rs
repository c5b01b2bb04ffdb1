//! `bindguard scan`.

use std::cell::Cell;
use std::sync::Arc;

use anyhow::{Context as _, anyhow, ensure};
use clap::{ArgAction, Args};
use futures::future::join_all;
use kube::Client;

use super::cluster::{ClustersArguments, block_on, connect_to, told};
use super::findings::Format;
use super::history::HistoryArgument;
use super::installation::{ConfigurationArgument, NamespaceArgument};
use super::names::label;
use super::policy::PolicyArgument;
use super::progress::Progress;
use super::{Outcome, configurations, findings, output};
use crate::audit::history::{Stored, Tally};
use crate::domain::policy::Policy;
use crate::domain::text::Escaped;
use crate::kubernetes::client::ClientOptions;
use crate::kubernetes::config_map;
use crate::report::Report;
use crate::report::scan::{Filter, Scan, scan};
use crate::telemetry::clock;

const EXAMPLES: &str = "\
Examples:
  bindguard scan
  bindguard scan -n team-a -o json
  bindguard scan --persona vm --subject alice@example.com
  bindguard scan --context prod-eu --context prod-us

Exit codes: 0 nothing was found, 1 something was, 2 something could not be read.";

/// Find what is wrong in a cluster now
///
/// Judges every RoleBinding and ClusterRoleBinding that exists, by the rule that the webhook judges
/// new ones by: which subjects of personas lack companions. Found as well: orders for companions
/// that are not carried out, and, unless -n or --persona narrows it down, companions bound to groups
/// that Kubernetes itself hands out or to those who need none, roles of companions and personas that
/// are not there or give nothing, and webhook configurations that do not fit the policy.
///
/// It needs the right to list ClusterRoleBindings, and to list RoleBindings in the namespace or in
/// all; without -n to get the ClusterRoles of companions and of personas that are bound, and without
/// any filter to get the webhook configurations; and where orders stand on bindings that lack
/// something, to get the ConfigMaps bindguard-epoch and bindguard-orders. What it may not read is an
/// error, and hides no finding. With -o html of one cluster the page shows denials as well, if the
/// history can be read, which takes the right to get its ConfigMap. It writes nothing.
#[derive(Debug, Args)]
#[command(
    after_long_help = EXAMPLES,
    mut_arg("bindguard_namespace", |argument| argument.help(
        "The namespace that bindguard itself is in, where its history is, and its controller says \
         whether orders are taken"
    ))
)]
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
    installation: NamespaceArgument,

    #[command(flatten)]
    configuration: ConfigurationArgument,

    #[command(flatten)]
    history: HistoryArgument,

    #[command(flatten)]
    clusters: ClustersArguments,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let (policy, _) = arguments.policy.load()?;
    are_known(&policy, &arguments.persona)?;
    let clusters = arguments.clusters.each();
    let report = block_on(async {
        let progress = Counting {
            bar: Progress::begin("reading the clusters' bindings"),
            seen: Cell::new(0),
        };
        if let [(_, options)] = clusters.as_slice() {
            return look(arguments, &policy, options, &progress).await;
        }
        // Those that answer are not kept waiting by one that does not.
        let each = clusters.iter().map(async |(context, options)| {
            let report = look(arguments, &policy, options, &progress).await;
            let context: Arc<str> = context.unwrap_or_default().into();
            (context, report.map_err(|error| in_one_line(&error)))
        });
        Ok(Report::of_clusters(join_all(each).await))
    })?;
    let remedy = match clusters.len() {
        1 => "bindguard fix --cluster",
        _ => "bindguard fix --cluster --context CLUSTER",
    };
    findings::print(arguments.output, &report, &policy, remedy)
}

/// What is wrong in one cluster.
async fn look(
    arguments: &Arguments,
    policy: &Policy,
    options: &ClientOptions,
    progress: &Counting,
) -> anyhow::Result<Report> {
    let client = connect_to(options).await?;
    let filter = Filter {
        namespace: arguments.namespace.clone(),
        personas: arguments.persona.clone(),
        subject: arguments.subject.clone(),
        only_missing: false,
    };
    let of_this = Cell::new(0);
    let count = |seen| progress.add(seen, &of_this);
    let what = Scan {
        client: &client,
        policy,
        filter: &filter,
        namespace: &arguments.installation.bindguard_namespace,
        now: clock::now(),
    };
    let mut report = scan(what, &count).await?;
    if arguments.output == Format::Html {
        let denials = denials(&client, arguments).await;
        report.denials = denials.map(|all| filter.denials(policy, &all));
    }
    if filter != Filter::default() {
        return Ok(report);
    }
    let name = &arguments.configuration.webhook_configuration;
    Ok(report.and(configurations::look(&client, name, policy).await))
}

/// How much has been read of all clusters together.
struct Counting {
    bar: Progress,
    seen: Cell<usize>,
}

impl Counting {
    /// So much has been read of one of them, and so much before.
    fn add(&self, seen: usize, before: &Cell<usize>) {
        let others = self.seen.get().saturating_sub(before.replace(seen));
        self.seen.set(others + seen);
        self.bar.count(others + seen);
    }
}

fn in_one_line(error: &anyhow::Error) -> String {
    let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
    Escaped(&causes.join(": ")).to_string()
}

/// The history. The page goes without if it cannot be read, and somebody is told.
async fn denials(client: &Client, arguments: &Arguments) -> Option<Tally> {
    let namespace = &arguments.installation.bindguard_namespace;
    let name = &arguments.history.history;
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
