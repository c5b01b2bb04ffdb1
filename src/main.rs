//! The `bindguard` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    bindguard::cli::main()
}
