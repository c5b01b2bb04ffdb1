//! `bindguard version`.

use clap::{Args, ValueEnum};

use super::{Outcome, output};

/// Print the version
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// How to print it
    #[arg(
        short,
        long,
        env = "BINDGUARD_OUTPUT",
        value_name = "FORMAT",
        default_value = "table"
    )]
    output: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Table,
    Json,
    Yaml,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let version = env!("CARGO_PKG_VERSION");
    output::print(&match arguments.output {
        Format::Table => format!("bindguard {version}\n"),
        Format::Json => format!("{{\"version\":\"{version}\"}}\n"),
        Format::Yaml => format!("version: \"{version}\"\n"),
    })
}
