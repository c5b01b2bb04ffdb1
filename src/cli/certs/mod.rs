//! `bindguard certs`.

mod look;
mod problems;
mod rotate;
mod show;

use anyhow::Context;
use clap::{Args, Subcommand, ValueEnum};

use self::look::Look;
use super::cluster::{ClusterArguments, block_on};
use super::controller::Certificates;
use super::installation::{ConfigurationArgument, NamespaceArgument};
use super::names::subdomain;
use super::{Outcome, output};
use crate::telemetry::clock;

const EXAMPLES: &str = "\
Examples:
  bindguard certs show
  bindguard certs check --kubeconfig admin.conf
  bindguard certs rotate --ca";

/// Show, check and rotate the certificates of an installation
///
/// Looked at are the two Secrets that `bindguard controller` keeps, and the caBundle of every
/// webhook of bindguard. Everything is done with the rights of whoever calls; the Secret with the
/// CA holds its key, so that few should be able to read it.
#[derive(Debug, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print the CA, the certificate that is served and every caBundle, and what is wrong
    Show(Show),
    /// Say what is wrong: exit code 0 if nothing is, 1 if something is, 2 if that cannot be told
    Check(Check),
    /// Ask the controller for a new certificate, and wait until it is in force
    ///
    /// The request is an annotation on the Secret, bindguard.dev/rotate, and takes the right to
    /// get and patch it. With --ca a new CA is made as well, which takes some ten seconds more:
    /// the old one is trusted until every endpoint serves a certificate of the new one.
    Rotate(rotate::Arguments),
}

#[derive(Debug, Args)]
struct Show {
    /// How to print it
    #[arg(
        short,
        long,
        env = "BINDGUARD_OUTPUT",
        value_name = "FORMAT",
        default_value = "table"
    )]
    output: Format,

    #[command(flatten)]
    who: Who,

    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
struct Check {
    #[command(flatten)]
    who: Who,

    #[command(flatten)]
    place: Place,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Table,
    Json,
    Yaml,
}

/// Who looks after the certificates.
#[derive(Debug, Args)]
struct Who {
    /// Who looks after the certificates: if it is not the controller, there is no CA to look at
    #[arg(
        long,
        env = "BINDGUARD_CERTIFICATES",
        value_name = "WHO",
        default_value = "self-managed"
    )]
    certificates: Certificates,
}

/// Where the installation is.
#[derive(Debug, Args)]
struct Place {
    /// The Secret with the CA
    #[arg(
        long,
        env = "BINDGUARD_CA_SECRET",
        value_parser = subdomain,
        value_name = "NAME",
        default_value = "bindguard-ca",
        help_heading = "Installation"
    )]
    ca_secret: String,

    /// The Secret with the certificate that is served
    #[arg(
        long,
        env = "BINDGUARD_TLS_SECRET",
        value_parser = subdomain,
        value_name = "NAME",
        default_value = "bindguard-tls",
        help_heading = "Installation"
    )]
    tls_secret: String,

    #[command(flatten)]
    configuration: ConfigurationArgument,

    #[command(flatten)]
    namespace: NamespaceArgument,

    #[command(flatten)]
    cluster: ClusterArguments,
}

pub(super) fn run(arguments: Arguments) -> anyhow::Result<Outcome> {
    block_on(async {
        match arguments.command {
            Command::Show(arguments) => show(&arguments).await,
            Command::Check(arguments) => check(&arguments).await,
            Command::Rotate(arguments) => rotate::run(&arguments).await,
        }
    })
}

async fn show(arguments: &Show) -> anyhow::Result<Outcome> {
    let look = Look::at(&arguments.place, arguments.who.certificates).await?;
    let shown = show::Shown::of(&look, clock::now());
    output::print(&match arguments.output {
        Format::Table => shown.table(),
        Format::Json => {
            let text = serde_json::to_string_pretty(&shown).context("cannot write JSON")?;
            text + "\n"
        }
        Format::Yaml => serde_saphyr::to_string(&shown).context("cannot write YAML")?,
    })
}

async fn check(arguments: &Check) -> anyhow::Result<Outcome> {
    let look = Look::at(&arguments.place, arguments.who.certificates).await?;
    look.is_complete()?;
    let problems = problems::all(&look, clock::now());
    if problems.is_empty() {
        return output::print("the certificates are as they should be\n");
    }
    let lines: String = problems
        .iter()
        .map(|problem| show::plain(problem) + "\n")
        .collect();
    output::print(&lines)?;
    Ok(Outcome::Wrong)
}
