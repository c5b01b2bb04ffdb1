//! `bindguard denials`.

mod filter;
mod show;
mod source;
mod table;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum, ValueHint};
use tokio::time::sleep;

use self::filter::Filter;
use self::show::Printer;
use self::source::Source;
use super::cluster::{ClusterArguments, block_on};
use super::history::HistoryArgument;
use super::installation::NamespaceArgument;
use super::names::label;
use super::{Outcome, duration, output};
use crate::audit::denial::Denial;
use crate::audit::history::Tally;
use crate::telemetry::clock;

const EXAMPLES: &str = "\
Examples:
  bindguard denials --since 24h
  bindguard denials -n red --requester alice@example.com -o yaml
  bindguard denials --subject ci:deployer --watch
  kubectl -n bindguard logs -l app.kubernetes.io/component=serve --tail=-1 |
      bindguard denials -f -

What it needs: to get the ConfigMap of --history, or to list Events.
charts/bindguard has a ClusterRole bindguard-reader with the former.";

/// How often the cluster is asked by --watch.
const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// The longest --since: a hundred years.
const LONGEST_SINCE: Duration = duration::LONGEST;

/// Tell who was refused what, how often, and when first and last
///
/// From the history in the cluster. Who may not read it gets the Events of the namespaces that
/// they may read, which Kubernetes keeps for an hour. With --filename, from audit lines in logs,
/// which have every call. Dry runs are left out. The latest come first.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Only bindings in this namespace
    #[arg(
        short,
        long,
        env = "BINDGUARD_NAMESPACE",
        value_parser = label,
        value_name = "NAMESPACE",
        help_heading = "Which"
    )]
    namespace: Option<String>,

    /// Bindings of all namespaces, and ClusterRoleBindings, as without --namespace
    #[arg(
        short = 'A',
        long,
        env = "BINDGUARD_ALL_NAMESPACES",
        conflicts_with = "namespace",
        help_heading = "Which"
    )]
    all_namespaces: bool,

    /// Only what this user asked for
    #[arg(
        long,
        env = "BINDGUARD_REQUESTER",
        value_name = "USER",
        help_heading = "Which"
    )]
    requester: Option<String>,

    /// Only what this subject lacked: the name of a user or group, or NAMESPACE:NAME of a
    /// ServiceAccount
    #[arg(
        long,
        env = "BINDGUARD_SUBJECT",
        value_name = "SUBJECT",
        help_heading = "Which"
    )]
    subject: Option<String>,

    /// Only what was refused within such a time from now: 90s, 1h, 720h
    #[arg(
        long,
        env = "BINDGUARD_SINCE",
        value_name = "DURATION",
        value_parser = parse_since,
        help_heading = "Which"
    )]
    since: Option<Duration>,

    /// Read audit lines from this file, or from standard input if it is -; may be given several
    /// times. What else is in it is skipped, and its lines are counted on standard error
    #[arg(
        short,
        long = "filename",
        env = "BINDGUARD_FILENAME",
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        conflicts_with = "watch"
    )]
    filenames: Vec<PathBuf>,

    /// Go on, and print what is new or has grown
    #[arg(short, long, env = "BINDGUARD_WATCH")]
    watch: bool,

    /// How to print it. With --watch, json is one object a line and yaml one document each
    #[arg(
        short,
        long,
        env = "BINDGUARD_OUTPUT",
        value_name = "FORMAT",
        default_value = "table"
    )]
    output: Format,

    #[command(flatten)]
    history: HistoryArgument,

    #[command(flatten)]
    installation: NamespaceArgument,

    #[command(flatten)]
    cluster: ClusterArguments,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    Json,
    Yaml,
}

fn parse_since(text: &str) -> Result<Duration, String> {
    duration::parse(text, Duration::from_secs(1), LONGEST_SINCE)
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let filter = Filter::of(arguments);
    let mut printer = Printer::new(arguments.output);
    if !arguments.filenames.is_empty() {
        let denials = filter.of_interest(&source::from_files(&arguments.filenames)?, clock::now());
        return printer.whole(&denials, clock::now());
    }
    block_on(async {
        let source = Source::connect(arguments).await?;
        let denials = filter.of_interest(&source.read().await?, clock::now());
        if arguments.watch {
            return watch(&source, &filter, &mut printer, denials).await;
        }
        printer.whole(&denials, clock::now())
    })
}

/// Prints what there is and then what comes, until nobody reads it any more.
async fn watch(
    source: &Source,
    filter: &Filter,
    printer: &mut Printer,
    mut denials: Tally,
) -> anyhow::Result<Outcome> {
    let mut known: BTreeMap<Arc<Denial>, u64> = BTreeMap::new();
    let mut is_failing = false;
    loop {
        let mut news = Tally::default();
        for (denial, seen) in denials.iter() {
            if known.get(denial).is_none_or(|count| *count != seen.count) {
                news.add(Arc::clone(denial), seen);
            }
        }
        known = denials
            .iter()
            .map(|(denial, seen)| (Arc::clone(denial), seen.count))
            .collect();
        if !printer.more(&news, clock::now())? {
            return Ok(Outcome::Done);
        }
        sleep(LOOK_AGAIN).await;
        match source.read().await {
            Ok(read) => {
                denials = filter.of_interest(&read, clock::now());
                is_failing = false;
            }
            Err(error) if !is_failing => {
                output::tell(&format!("{error:#}; tried again until it works\n"));
                is_failing = true;
            }
            Err(_) => {}
        }
    }
}
