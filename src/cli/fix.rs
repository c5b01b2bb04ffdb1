//! `bindguard fix`.

use std::io::Write;

use anyhow::anyhow;
use clap::{ArgAction, ArgGroup, Args, ValueEnum};

use super::ask::confirm;
use super::cluster::{ClusterArguments, block_on, told};
use super::input::InputArguments;
use super::policy::PolicyArgument;
use super::progress::Progress;
use super::{Outcome, output};
use crate::domain::policy::Policy;
use crate::kubernetes::server_side_apply;
use crate::manifest::Sources;
use crate::report::check::{Companions, check};
use crate::report::scan::{Filter, Scan, scan};
use crate::report::{self, Plan, Report, Stream, plan};
use crate::telemetry::clock;

const EXAMPLES: &str = "\
Examples:
  bindguard fix -f manifests/ > manifests/companions.yaml
  helm template my-chart | bindguard fix -f - --with-input | kubectl apply -f -
  bindguard fix --cluster --apply

Exit codes: 0 it is done, 2 something could not be read or written.";

/// Print the companions that are missing: in manifests, or in a cluster
///
/// What is printed are ClusterRoleBindings, as few as mend everything, always the same for the
/// same input, and nothing if nothing is missing. Their names end in a digest of their subjects,
/// and are never those of bindings that exist in the manifests or the cluster.
///
/// With --with-input they come before the manifests, which are printed as they are, so that one
/// `kubectl apply -f -` creates every companion before the binding that needs it: those too that
/// stand behind it in the manifests. Nothing is printed then if something could not be read.
///
/// With --cluster and no -f it is about everything in the cluster. That needs the right to list
/// RoleBindings and ClusterRoleBindings, and --apply that to create ClusterRoleBindings and to bind
/// the companions: everything is done with the rights of whoever calls.
#[derive(Debug, Args)]
#[command(
    after_long_help = EXAMPLES,
    group = ArgGroup::new("of").args(["filename", "with_cluster"]).required(true).multiple(true)
)]
pub(super) struct Arguments {
    #[command(flatten)]
    input: InputArguments,

    /// Print the manifests as well, behind what is missing
    #[arg(
        long,
        env = "BINDGUARD_WITH_INPUT",
        action = ArgAction::SetTrue,
        requires = "filename",
        conflicts_with = "apply"
    )]
    with_input: bool,

    #[command(flatten)]
    style: StyleArgument,

    #[command(flatten)]
    policy: PolicyArgument,

    /// What the cluster lacks; with -f, what the manifests lack beside what the cluster has
    #[arg(long = "cluster", env = "BINDGUARD_CLUSTER", action = ArgAction::SetTrue)]
    with_cluster: bool,

    #[command(flatten)]
    apply: ApplyArguments,

    #[command(flatten)]
    cluster: ClusterArguments,
}

/// Whether what is printed is applied.
#[derive(Debug, Args)]
struct ApplyArguments {
    /// Apply what is printed, after asking, by server-side apply
    #[arg(
        long,
        env = "BINDGUARD_APPLY",
        action = ArgAction::SetTrue,
        requires = "with_cluster"
    )]
    apply: bool,

    /// Apply without asking
    #[arg(long, env = "BINDGUARD_YES", action = ArgAction::SetTrue, requires = "apply")]
    yes: bool,
}

/// How what is missing is put into bindings.
#[derive(Debug, Args)]
pub(super) struct StyleArgument {
    /// How subjects share bindings
    #[arg(
        long,
        env = "BINDGUARD_STYLE",
        value_name = "STYLE",
        default_value = "per-companion"
    )]
    pub(super) style: Style,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Style {
    /// One binding for each companion
    PerCompanion,
    /// One binding for each companion and subject
    PerSubject,
}

impl From<Style> for report::Style {
    fn from(style: Style) -> Self {
        match style {
            Style::PerCompanion => Self::PerCompanion,
            Style::PerSubject => Self::PerSubject,
        }
    }
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let (policy, _) = arguments.policy.load()?;
    let (report, sources) = look(arguments, &policy)?;
    let planned = plan(
        &policy,
        &report.findings,
        &report.taken,
        arguments.style.style.into(),
    );
    if !arguments.with_input {
        output::stream(|writer| write!(writer, "{planned}"))?;
    } else if report.errors.is_empty() {
        let stream = Stream::of(&planned, &sources.files)?;
        output::stream(|writer| stream.write(writer))?;
    }
    if !report.errors.is_empty() {
        return Err(anyhow!(report.errors.join("\n")));
    }
    if arguments.apply.apply && !planned.bindings.is_empty() {
        let what = match planned.bindings.len() {
            1 => "this ClusterRoleBinding".to_owned(),
            many => format!("these {many} ClusterRoleBindings"),
        };
        let question = format!("Apply {what}?");
        confirm(arguments.apply.yes, &question, "nothing was applied")?;
        block_on(apply(&arguments.cluster, &planned))?;
    }
    Ok(Outcome::Done)
}

/// What is missing, and the manifests in which it is.
fn look(arguments: &Arguments, policy: &Policy) -> anyhow::Result<(Report, Sources)> {
    if arguments.input.filename.is_empty() {
        let report = block_on(async {
            let client = arguments.cluster.connect().await?;
            let progress = Progress::begin("reading the cluster's bindings");
            let count = |seen| progress.count(seen);
            let filter = Filter {
                only_missing: true,
                ..Filter::default()
            };
            let what = Scan {
                client: &client,
                policy,
                filter: &filter,
                // Nothing but bindings is looked at.
                namespace: "",
                now: clock::now(),
            };
            Ok(scan(what, &count).await?)
        })?;
        return Ok((report, Sources::default()));
    }
    let sources = arguments.input.read(arguments.with_input)?;
    let cluster = arguments.with_cluster.then_some(&arguments.cluster);
    let beside = arguments.input.beside(policy, cluster)?;
    let companions = if arguments.with_input {
        Companions::InOrder
    } else {
        Companions::Together
    };
    Ok((check(policy, &sources, beside, companions), sources))
}

/// Applies all of them, whatever becomes of some.
async fn apply(cluster: &ClusterArguments, plan: &Plan) -> anyhow::Result<()> {
    let client = cluster.connect().await?;
    let mut failures = Vec::new();
    for binding in &plan.bindings {
        let (name, object) = (&binding.name, binding.to_json());
        match server_side_apply::cluster_role_binding(&client, name, &object).await {
            Ok(()) => output::tell(&format!("ClusterRoleBinding {name} applied\n")),
            Err(error) => failures.push(format!(
                "cannot apply ClusterRoleBinding {name}: {}",
                told(error)
            )),
        }
    }
    if failures.is_empty() {
        return Ok(());
    }
    Err(anyhow!(failures.join("\n")))
}
