//! The command line: one file a command. The only place that prints or decides how the process
//! ends.

#![allow(
    clippy::doc_markdown,
    reason = "the documentation of arguments is printed as help"
)]

mod completion;
mod manifests;
mod output;
mod policy;
mod serve;
mod version;

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

/// Refuse role bindings that would leave VM users without what the VM console needs.
///
/// A person becomes a VM user by a binding to a persona (spectro-vm-user, admin, view ...). The
/// console works only if they also hold two companions: ClusterRoleBindings to
/// spectro-list-namespaces and spectro-list-vmtemplates. bindguard is the admission webhook that
/// makes them impossible to forget.
///
/// Try it without a cluster:
///   bindguard serve --manifests examples --write-ca ca.pem
///
/// Every flag can also be given by environment: --log-level is BINDGUARD_LOG_LEVEL.
#[derive(Debug, Parser)]
#[command(
    name = "bindguard",
    version,
    verbatim_doc_comment,
    arg_required_else_help = true
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    // Boxed for its many flags.
    Serve(Box<serve::Arguments>),
    Manifests(manifests::Arguments),
    Policy(policy::Arguments),
    Version(version::Arguments),
    Completion(completion::Arguments),
}

/// How a command ended, as its exit code says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// It did what it was asked.
    Done,
}

/// Runs the program with the arguments and the environment of the process.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return output::usage(&error),
    };
    let result = match arguments.command {
        Command::Serve(arguments) => serve::run(*arguments),
        Command::Manifests(arguments) => manifests::run(arguments),
        Command::Policy(arguments) => policy::run(arguments),
        Command::Version(arguments) => version::run(&arguments),
        Command::Completion(arguments) => completion::run(&arguments),
    };
    match result {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Err(error) => output::error(&error),
    }
}

/// The whole command, for its completions.
fn command() -> clap::Command {
    Arguments::command()
}
