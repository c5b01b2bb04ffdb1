//! The program as a plugin of kubectl.
//!
//! Source: <https://kubernetes.io/docs/tasks/extend-kubectl/kubectl-plugins/>

use std::path::Path;

use clap::Command;

/// What kubectl looks for on the path when it is asked for `bindguard`.
const FILE: &str = "kubectl-bindguard";
/// What people type.
const NAME: &str = "kubectl bindguard";

/// The command under the name by which it was called, so that what help and errors say can be
/// typed.
pub(super) fn named(command: Command) -> Command {
    let called = std::env::args_os().next();
    let is_plugin = called.is_some_and(|program| {
        let stem = Path::new(&program).file_stem();
        stem.is_some_and(|stem| stem == FILE)
    });
    if is_plugin {
        with_examples(command).bin_name(NAME)
    } else {
        command
    }
}

/// Calls in examples get the name too.
fn with_examples(mut command: Command) -> Command {
    if let Some(examples) = command.get_after_long_help() {
        let examples = renamed(&examples.to_string());
        command = command.after_long_help(examples);
    }
    command.mut_subcommands(with_examples)
}

/// A text in which calls of the program, at the beginning of a command, have the plugin's name.
fn renamed(text: &str) -> String {
    ["  ", "| ", "(", "`"]
        .into_iter()
        .fold(text.to_owned(), |text, before| {
            let call = format!("{before}bindguard ");
            text.replace(&call, &format!("{before}{NAME} "))
        })
}
