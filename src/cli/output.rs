//! The one gate to standard output and standard error.

use std::collections::BTreeSet;
use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use anyhow::Context;
use clap::Command;
use clap::error::{ContextKind, ContextValue};

use super::Outcome;

/// The exit code of everything that could not be done.
const ERROR: u8 = 2;
/// The exit code of a check that found something wrong.
const WRONG: u8 = 1;

/// How a check ends that found something wrong.
pub(super) fn wrong() -> ExitCode {
    ExitCode::from(WRONG)
}

/// Writes a result to standard output. That nobody reads it to its end is no error.
pub(super) fn print(text: &str) -> anyhow::Result<Outcome> {
    print_on(text).map(|_| Outcome::Done)
}

/// Writes a part of a result to standard output. Whether anybody still reads it.
pub(super) fn print_on(text: &str) -> anyhow::Result<bool> {
    let mut stdout = io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error).context("cannot write to standard output"),
    }
}

/// Writes a result to standard output part by part, for one that may be very long. That nobody
/// reads it to its end is no error.
pub(super) fn stream(
    write: impl FnOnce(&mut BufWriter<io::StdoutLock<'static>>) -> io::Result<()>,
) -> anyhow::Result<Outcome> {
    let mut stdout = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    match write(&mut stdout).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(error).context("cannot write to standard output")
        }
        Ok(()) | Err(_) => Ok(Outcome::Done),
    }
}

/// How many columns standard output has: what `COLUMNS` says, or the terminal, if it is one.
pub(super) fn columns() -> Option<usize> {
    let given = std::env::var("COLUMNS").ok();
    let given = given.and_then(|columns| columns.parse().ok());
    given.or_else(|| {
        let (width, _) = terminal_size::terminal_size_of(io::stdout())?;
        Some(usize::from(width.0))
    })
}

/// Tells why a command failed, one cause a line.
pub(super) fn error(error: &anyhow::Error) -> ExitCode {
    eprint(&with_causes(error));
    ExitCode::from(ERROR)
}

/// An error and its causes. One of several lines is several errors. Many libraries put a cause
/// into the text of what it caused; it is not told again.
fn with_causes(error: &anyhow::Error) -> String {
    let mut told = error.to_string();
    let mut text = String::new();
    for line in told.lines() {
        text.extend(["error: ", line, "\n"]);
    }
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !told.contains(&cause) {
            for line in cause.lines() {
                text.extend(["  because: ", line, "\n"]);
            }
            told = cause;
        }
    }
    text
}

/// Prints help, the version, or what is wrong with the arguments.
pub(super) fn usage(error: &clap::Error, command: &Command) -> ExitCode {
    // Help that nobody reads is no error either.
    let _ = error.print();
    if !error.use_stderr() {
        return ExitCode::SUCCESS;
    }
    let given: Vec<String> = std::env::args_os()
        .skip(1)
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    let set: Vec<String> = variables_at_fault(error, command)
        .into_iter()
        .filter(|variable| !variable.is_overridden(&given))
        .filter(|variable| std::env::var_os(&variable.name).is_some())
        .map(|variable| format!("note: {} is set\n", variable.name))
        .collect();
    if !set.is_empty() {
        eprint(&format!("\n{}", set.concat()));
    }
    ExitCode::from(ERROR)
}

/// Tells on standard error what goes on meanwhile.
pub(super) fn tell(text: &str) {
    eprint(text);
}

fn eprint(text: &str) {
    // There is nowhere left to tell that standard error is gone.
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// An environment variable that stands for a flag.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Variable {
    name: String,
    flags: Vec<String>,
}

impl Variable {
    fn is_overridden(&self, given: &[String]) -> bool {
        given
            .iter()
            .any(|argument| self.flags.iter().any(|flag| argument.starts_with(flag)))
    }
}

/// The variables of the flags that an error is about. Its text names only the flag, which somebody
/// who wrote none would look for in vain.
fn variables_at_fault(error: &clap::Error, command: &Command) -> BTreeSet<Variable> {
    let mut about = Vec::new();
    for kind in [ContextKind::InvalidArg, ContextKind::PriorArg] {
        match error.get(kind) {
            Some(ContextValue::String(one)) => about.push(one.clone()),
            Some(ContextValue::Strings(more)) => about.extend(more.iter().cloned()),
            _ => {}
        }
    }
    let mut variables = BTreeSet::new();
    collect_variables(command, &about, &mut variables);
    variables
}

fn collect_variables(command: &Command, about: &[String], variables: &mut BTreeSet<Variable>) {
    for argument in command.get_arguments() {
        let (Some(name), Some(long)) = (argument.get_env(), argument.get_long()) else {
            continue;
        };
        let long = format!("--{long}");
        // In errors a flag stands with its value, like `--listen <[HOST]:PORT>`.
        if about
            .iter()
            .any(|text| text.split(' ').next() == Some(&long))
        {
            let short = argument.get_short().map(|short| format!("-{short}"));
            variables.insert(Variable {
                name: name.to_string_lossy().into_owned(),
                flags: short.into_iter().chain([long]).collect(),
            });
        }
    }
    for subcommand in command.get_subcommands() {
        collect_variables(subcommand, about, variables);
    }
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::with_causes;

    #[test]
    fn each_cause_has_a_line_unless_the_one_before_told_it() {
        let error = anyhow!("no such file")
            .context("cannot read x: no such file")
            .context("cannot start");
        assert_eq!(
            with_causes(&error),
            "error: cannot start\n  because: cannot read x: no such file\n"
        );
    }
}
