//! The one gate to standard output and standard error.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Context;

use super::Outcome;

/// The exit code of everything that could not be done.
const ERROR: u8 = 2;

/// Writes a result to standard output. That nobody reads it to its end is no error.
pub(super) fn print(text: &str) -> anyhow::Result<Outcome> {
    let mut stdout = io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(error).context("cannot write to standard output")
        }
        Ok(()) | Err(_) => Ok(Outcome::Done),
    }
}

/// Tells why a command failed, one cause a line.
pub(super) fn error(error: &anyhow::Error) -> ExitCode {
    let causes = error.chain().skip(1);
    let text: Vec<String> = std::iter::once(format!("error: {error}"))
        .chain(causes.map(|cause| format!("  because: {cause}")))
        .collect();
    // There is nowhere left to tell that standard error is gone.
    let _ = writeln!(io::stderr().lock(), "{}", text.join("\n"));
    ExitCode::from(ERROR)
}

/// Prints help, the version, or what is wrong with the arguments.
pub(super) fn usage(error: &clap::Error) -> ExitCode {
    // As above, and help that nobody reads is no error either.
    let _ = error.print();
    if error.use_stderr() {
        ExitCode::from(ERROR)
    } else {
        ExitCode::SUCCESS
    }
}
