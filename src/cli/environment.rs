//! The output format of the environment, which is for all commands that have one.

use std::ffi::OsStr;

use clap::builder::Resettable;
use clap::{Arg, Command};

const VARIABLE: &str = "BINDGUARD_OUTPUT";

/// The command as it is to be parsed: a command that does not have the format that the environment
/// asks for keeps its own, if another command has it. A format that none has is a mistake, and is
/// told as one.
pub(super) fn with_fitting_output(command: Command) -> Command {
    match std::env::var(VARIABLE) {
        Ok(format) if knows(&command, &format) => without_unfit(command, &format),
        _ => command,
    }
}

fn knows(command: &Command, format: &str) -> bool {
    let has = |argument: &Arg| takes_variable(argument) && allows(argument, format);
    command.get_arguments().any(has) || command.get_subcommands().any(|one| knows(one, format))
}

fn without_unfit(command: Command, format: &str) -> Command {
    command
        .mut_args(|argument| {
            if takes_variable(&argument) && !allows(&argument, format) {
                argument.env(Resettable::Reset)
            } else {
                argument
            }
        })
        .mut_subcommands(|one| without_unfit(one, format))
}

fn takes_variable(argument: &Arg) -> bool {
    argument.get_env() == Some(OsStr::new(VARIABLE))
}

fn allows(argument: &Arg, format: &str) -> bool {
    let values = argument.get_possible_values();
    values.iter().any(|value| value.matches(format, false))
}
