//! The flags of `bindguard serve`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use clap::{Args, ValueHint};

use crate::admission::misses::MAX_SETTLE;
use crate::cli::cluster::KubeconfigArguments;
use crate::cli::installation::NamespaceArgument;
use crate::cli::log::LogArguments;
use crate::cli::names::subdomain;
use crate::cli::policy::PolicyArgument;
use crate::kubernetes::client::ClientOptions;
use crate::server::listen::ListenAddress;
use crate::server::shutdown::MAX_LINGER;

const EXAMPLES: &str = "\
Examples:
  bindguard serve --manifests examples --write-ca ca.pem --log-format text
  bindguard serve --kubeconfig admin.conf --policy policy.yaml \\
      --tls-cert tls.crt --tls-key tls.key
  bindguard serve --tls-secret bindguard-tls --verify-ca-bundle

What it needs in the cluster: to list and watch rolebindings and
clusterrolebindings; with --tls-secret, to list and watch that Secret by name;
with --verify-ca-bundle, to list and watch the validating- and
mutatingwebhookconfigurations by name. With the right to get the latter, it
tells when they do not fit the policy. It writes nothing but Events about
denials, with the right to create and patch them in all namespaces, and the
history of denials, with that to get and update the ConfigMap of --history.";

/// Where help lists what stands for the cluster.
const STATE: &str = "State";

/// Answer the API server's admission calls
///
/// The state to judge by comes from a cluster (the one it runs in, else that of the kubeconfig)
/// or, with --manifests, from a folder of YAML that stands in for one.
///
/// Standard output carries audit lines, one JSON object for each call that was denied, warned of
/// or audited; the log goes to standard error. GET /readyz on the admin port says when it is
/// ready, GET /metrics has Prometheus metrics.
///
/// SIGTERM makes it unready and ends it when --linger is over and the calls in flight are
/// answered; SIGINT ends it without the linger, a second signal at once.
#[derive(Debug, Args)]
#[command(
    after_long_help = EXAMPLES,
    mut_arg("kubeconfig", |argument| argument.help_heading(STATE)),
    mut_arg("context", |argument| argument.help_heading(STATE)),
    mut_arg("bindguard_namespace", |argument| argument.help_heading(STATE).help(
        "The namespace that bindguard itself is in, where the controller publishes whether orders \
         for companions are taken, and keeps Secrets. It need not exist"
    ))
)]
pub(in crate::cli) struct Arguments {
    /// Take a folder of YAML and JSON files as the cluster. It is read again when files change
    #[arg(
        long,
        env = "BINDGUARD_MANIFESTS",
        value_name = "DIR",
        value_hint = ValueHint::DirPath,
        conflicts_with_all = ["kubeconfig", "context"],
        help_heading = "State"
    )]
    manifests: Option<PathBuf>,

    #[command(flatten)]
    kubeconfig: KubeconfigArguments,

    #[command(flatten)]
    pub(super) installation: NamespaceArgument,

    /// How long to wait for companions that seem to be missing before that is confirmed: tools
    /// create both at once. 0s is not at all, as with --manifests
    #[arg(
        long,
        env = "BINDGUARD_SETTLE",
        value_name = "DURATION",
        default_value = "500ms",
        value_parser = parse_settle,
        help_heading = "State"
    )]
    settle: Duration,

    #[command(flatten)]
    pub(super) policy: PolicyArgument,

    /// Where the API server calls, over TLS. Without a host: all addresses
    #[arg(
        long,
        env = "BINDGUARD_LISTEN",
        value_name = "[HOST]:PORT",
        default_value = ":8443",
        help_heading = "Ports"
    )]
    pub(super) listen: ListenAddress,

    /// Where probes and metrics are, over plain HTTP
    #[arg(
        long,
        env = "BINDGUARD_ADMIN_LISTEN",
        value_name = "[HOST]:PORT",
        default_value = ":8080",
        help_heading = "Ports"
    )]
    pub(super) admin_listen: ListenAddress,

    /// How long to serve on after SIGTERM before new connections are refused
    #[arg(
        long,
        env = "BINDGUARD_LINGER",
        value_name = "DURATION",
        default_value = "5s",
        value_parser = parse_linger,
        help_heading = "Ports"
    )]
    pub(super) linger: Duration,

    /// The server's certificate and its intermediates, PEM. --tls-key goes with it
    #[arg(
        long,
        env = "BINDGUARD_TLS_CERT",
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        requires = "tls_key",
        help_heading = "Certificate"
    )]
    pub(super) tls_cert: Option<PathBuf>,

    /// The private key of the certificate, PEM
    #[arg(
        long,
        env = "BINDGUARD_TLS_KEY",
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        requires = "tls_cert",
        help_heading = "Certificate"
    )]
    pub(super) tls_key: Option<PathBuf>,

    /// Serve the certificate of this Secret in --bindguard-namespace, as `bindguard controller`
    /// keeps it: a change is taken over without a restart. Until there is one, bindguard is not
    /// ready
    #[arg(
        long,
        env = "BINDGUARD_TLS_SECRET",
        value_parser = subdomain,
        value_name = "NAME",
        conflicts_with_all = ["tls_cert", "tls_key", "manifests"],
        help_heading = "Certificate"
    )]
    pub(super) tls_secret: Option<String>,

    /// Be ready only when the caBundle of every webhook of bindguard trusts the certificate that
    /// is served. Once it was so, bindguard stays ready for another 30 s when it is not: what is
    /// put right by then should not cost the calls in between
    #[arg(
        long,
        env = "BINDGUARD_VERIFY_CA_BUNDLE",
        conflicts_with = "manifests",
        help_heading = "Certificate"
    )]
    pub(super) verify_ca_bundle: bool,

    /// The name of the webhook configurations that are looked at, the validating and the mutating
    /// one
    #[arg(
        long,
        env = "BINDGUARD_WEBHOOK_CONFIGURATION",
        value_parser = subdomain,
        value_name = "NAME",
        default_value = "bindguard",
        help_heading = "Certificate"
    )]
    pub(super) webhook_configuration: String,

    /// Without --tls-cert and --tls-secret a certificate is made in memory at each start; write
    /// the authority that signed it to this file, before being ready
    #[arg(
        long,
        env = "BINDGUARD_WRITE_CA",
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        conflicts_with_all = ["tls_cert", "tls_secret"],
        help_heading = "Certificate"
    )]
    pub(super) write_ca: Option<PathBuf>,

    /// Take calls only from clients with a certificate that one of these authorities (PEM) has
    /// signed. The API server must be told to show one; certs/README.md says how
    #[arg(
        long,
        env = "BINDGUARD_CLIENT_CA",
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        help_heading = "Certificate"
    )]
    pub(super) client_ca: Option<PathBuf>,

    /// The ConfigMap in --bindguard-namespace that keeps the history of denials, for `bindguard
    /// denials`. It must exist; without it, or without the rights, all but the history works. With
    /// --manifests there is none
    #[arg(
        long,
        env = "BINDGUARD_HISTORY",
        value_parser = subdomain,
        value_name = "NAME",
        default_value = "bindguard-history",
        help_heading = "History"
    )]
    pub(super) history: String,

    #[command(flatten)]
    pub(super) log: LogArguments,
}

/// What stands for the cluster.
pub(super) enum SourceOptions {
    Manifests(PathBuf),
    Cluster(ClientOptions),
}

impl Arguments {
    pub(super) fn source(&self) -> anyhow::Result<SourceOptions> {
        Ok(match &self.manifests {
            Some(folder) => {
                let shown = folder.display().to_string();
                check_readable(folder)
                    .with_context(|| format!("cannot read --manifests {shown:?}"))?;
                SourceOptions::Manifests(folder.clone())
            }
            None => SourceOptions::Cluster(self.kubeconfig.options()),
        })
    }

    /// How long a miss waits for the watch. A folder is not about to be applied to anything: what
    /// is missing in it now will not come by itself.
    pub(super) fn settle(&self) -> Duration {
        match self.manifests {
            Some(_) => Duration::ZERO,
            None => self.settle,
        }
    }
}

/// Refuses a folder that cannot be read at all, which is a mistake at the start and nothing that a
/// later change mends. What is wrong inside of it is logged, and the rest counts.
fn check_readable(path: &Path) -> io::Result<()> {
    let kind = fs::metadata(path)?.file_type();
    if kind.is_dir() {
        return fs::read_dir(path).map(drop);
    }
    // Opening a pipe would wait for somebody to write.
    if kind.is_file() {
        return fs::File::open(path).map(drop);
    }
    Err(io::Error::other("this is no folder"))
}

fn parse_linger(text: &str) -> Result<Duration, String> {
    parse_duration(text, MAX_LINGER)
}

fn parse_settle(text: &str) -> Result<Duration, String> {
    parse_duration(text, MAX_SETTLE)
}

fn parse_duration(text: &str, longest: Duration) -> Result<Duration, String> {
    let span: jiff::SignedDuration = text
        .parse()
        .map_err(|_| "write a duration like 5s or 500ms".to_owned())?;
    Duration::try_from(span)
        .ok()
        .filter(|duration| *duration <= longest)
        .ok_or_else(|| format!("it must be from 0s to {}s", longest.as_secs()))
}
