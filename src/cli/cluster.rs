//! Which cluster a command works on, and as whom: kubectl's flags.

use std::collections::HashSet;
use std::path::PathBuf;

use anyhow::{Context, anyhow};
use clap::{Args, ValueHint};
use kube::Client;

use crate::kubernetes::client::{ClientOptions, connect};
use crate::kubernetes::words::in_words;

/// Which cluster.
#[derive(Debug, Args)]
pub(super) struct KubeconfigArguments {
    /// The kubeconfig of the cluster. Without it: the cluster of this pod, else $KUBECONFIG, else
    /// ~/.kube/config
    #[arg(
        long,
        env = "BINDGUARD_KUBECONFIG",
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        help_heading = "Cluster"
    )]
    kubeconfig: Option<PathBuf>,

    /// The context of the kubeconfig, if not its current one
    #[arg(
        long,
        env = "BINDGUARD_CONTEXT",
        value_name = "NAME",
        help_heading = "Cluster"
    )]
    context: Option<String>,
}

impl KubeconfigArguments {
    /// What a client for it is made by, as nobody else.
    pub(super) fn options(&self) -> ClientOptions {
        ClientOptions {
            kubeconfig: self.kubeconfig.clone(),
            context: self.context.clone(),
            ..ClientOptions::default()
        }
    }
}

/// The cluster that a command works on, and as whom.
#[derive(Debug, Args)]
pub(super) struct ClusterArguments {
    #[command(flatten)]
    kubeconfig: KubeconfigArguments,

    #[command(flatten)]
    caller: CallerArguments,
}

/// As whom a command works on a cluster.
#[derive(Debug, Args)]
struct CallerArguments {
    /// The user to impersonate
    #[arg(
        long = "as",
        env = "BINDGUARD_AS",
        value_name = "USER",
        help_heading = "Cluster"
    )]
    impersonate: Option<String>,

    /// A group to impersonate beside the user; may be given several times
    #[arg(
        long = "as-group",
        env = "BINDGUARD_AS_GROUP",
        value_name = "GROUP",
        requires = "impersonate",
        help_heading = "Cluster"
    )]
    impersonate_groups: Vec<String>,
}

impl CallerArguments {
    /// These options, as the caller.
    fn options(&self, options: ClientOptions) -> ClientOptions {
        ClientOptions {
            impersonate: self.impersonate.clone(),
            impersonate_groups: self.impersonate_groups.clone(),
            ..options
        }
    }
}

impl ClusterArguments {
    /// A client for it. Nothing is sent yet.
    pub(super) async fn connect(&self) -> anyhow::Result<Client> {
        connect_to(&self.caller.options(self.kubeconfig.options())).await
    }
}

/// The clusters that a command works on, one or several, and as whom.
#[derive(Debug, Args)]
pub(super) struct ClustersArguments {
    /// The kubeconfig of the clusters. Without it: the cluster of this pod, else $KUBECONFIG, else
    /// ~/.kube/config
    #[arg(
        long,
        env = "BINDGUARD_KUBECONFIG",
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        help_heading = "Cluster"
    )]
    kubeconfig: Option<PathBuf>,

    /// The context of the kubeconfig, if not its current one; may be given several times
    #[arg(
        long,
        env = "BINDGUARD_CONTEXT",
        value_name = "NAME",
        help_heading = "Cluster"
    )]
    context: Vec<String>,

    #[command(flatten)]
    caller: CallerArguments,
}

impl ClustersArguments {
    /// Each cluster, by the name of its context where there is one, in the order in which they were
    /// given. None is given twice.
    pub(super) fn each(&self) -> Vec<(Option<&str>, ClientOptions)> {
        if self.context.is_empty() {
            return vec![(None, self.options(None))];
        }
        let mut seen = HashSet::new();
        let contexts = self.context.iter().map(String::as_str);
        contexts
            .filter(|context| seen.insert(*context))
            .map(|context| (Some(context), self.options(Some(context))))
            .collect()
    }

    fn options(&self, context: Option<&str>) -> ClientOptions {
        self.caller.options(ClientOptions {
            kubeconfig: self.kubeconfig.clone(),
            context: context.map(str::to_owned),
            ..ClientOptions::default()
        })
    }
}

/// A client by these options. Nothing is sent yet.
pub(super) async fn connect_to(options: &ClientOptions) -> anyhow::Result<Client> {
    connect(options)
        .await
        .context("there is no cluster to talk to")
}

/// What went wrong, in the API server's own words where it spoke.
#[allow(clippy::needless_pass_by_value, reason = "it is what `map_err` calls")]
pub(super) fn told(error: kube::Error) -> anyhow::Error {
    anyhow!(in_words(&error))
}

/// Runs what a command has to wait for.
pub(super) fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the asynchronous runtime")?
        .block_on(work)
}
