//! The command line: one file a command. The only place that prints or decides how the process
//! ends.

#![allow(
    clippy::doc_markdown,
    reason = "the documentation of arguments is printed as help"
)]

mod ask;
mod certs;
mod check;
mod cluster;
mod completion;
mod configurations;
mod controller;
mod denials;
mod duration;
mod environment;
mod explain;
mod findings;
mod fix;
mod history;
mod input;
mod installation;
mod krm;
mod log;
mod manifests;
mod names;
mod output;
mod plugin;
mod policy;
mod progress;
mod prune;
mod scan;
mod serve;
mod state_observer;
mod unregister;
mod verify;
mod version;

use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

const EXAMPLES: &str = "\
Try it without a cluster:
  bindguard serve --manifests examples --write-ca ca.pem

`bindguard COMMAND --help` has more examples.";

/// Refuse role bindings that would leave VM users without what the VM console needs.
///
/// A person becomes a VM user by a binding to a persona: a role of spectro-vm-admin,
/// spectro-vm-power-user, spectro-vm-user, spectro-vm-viewer, cluster-admin, admin, edit and view.
/// The console works only if they also hold two companions, each by a ClusterRoleBinding:
/// spectro-list-namespaces and spectro-list-vmtemplates. bindguard is the admission webhook that
/// makes them impossible to forget.
///
/// Every flag can also be given by environment: --log-level is `BINDGUARD_LOG_LEVEL`. The flag
/// wins. The exit code is 0 when the command did what it was asked, 1 when it was asked to check
/// and found something wrong, and 2 when it could not.
#[derive(Debug, Parser)]
#[command(
    name = "bindguard",
    version,
    arg_required_else_help = true,
    after_long_help = EXAMPLES
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    // Boxed for its many flags.
    Serve(Box<serve::Arguments>),
    Controller(Box<controller::Arguments>),
    Check(Box<check::Arguments>),
    Certs(Box<certs::Arguments>),
    Denials(Box<denials::Arguments>),
    Explain(Box<explain::Arguments>),
    Fix(Box<fix::Arguments>),
    Krm(krm::Arguments),
    Scan(Box<scan::Arguments>),
    Prune(Box<prune::Arguments>),
    Manifests(manifests::Arguments),
    Policy(policy::Arguments),
    Verify(verify::Arguments),
    Unregister(unregister::Arguments),
    Version(version::Arguments),
    Completion(completion::Arguments),
}

/// How a command ended, as its exit code says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// It did what it was asked.
    Done,
    /// It did, and found something wrong.
    Wrong,
}

/// Runs the program with the arguments and the environment of the process.
#[must_use]
pub fn main() -> ExitCode {
    let parsed = environment::with_fitting_output(command())
        .try_get_matches()
        // Help is the same whatever the environment says.
        .or_else(|error| match error.kind() {
            ErrorKind::DisplayHelp => command().try_get_matches(),
            _ => Err(error),
        })
        .and_then(|matches| Arguments::from_arg_matches(&matches));
    let arguments = match parsed {
        Ok(arguments) => arguments,
        Err(error) => return output::usage(&error, &command()),
    };
    let result = match arguments.command {
        Command::Serve(arguments) => serve::run(*arguments),
        Command::Controller(arguments) => controller::run(&arguments),
        Command::Certs(arguments) => certs::run(*arguments),
        Command::Denials(arguments) => denials::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Fix(arguments) => fix::run(&arguments),
        Command::Krm(arguments) => krm::run(&arguments),
        Command::Scan(arguments) => scan::run(&arguments),
        Command::Prune(arguments) => prune::run(&arguments),
        Command::Manifests(arguments) => manifests::run(arguments),
        Command::Policy(arguments) => policy::run(arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Unregister(arguments) => unregister::run(&arguments),
        Command::Version(arguments) => version::run(&arguments),
        Command::Completion(arguments) => completion::run(&arguments),
    };
    match result {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Wrong) => output::wrong(),
        Err(error) => output::error(&error),
    }
}

/// The whole command.
fn command() -> clap::Command {
    plugin::named(without_environment_values(Arguments::command()))
}

/// Help names the variables and not what they hold, so that it is the same everywhere.
fn without_environment_values(command: clap::Command) -> clap::Command {
    command
        .mut_args(|argument| argument.hide_env_values(true))
        .mut_subcommands(without_environment_values)
}
