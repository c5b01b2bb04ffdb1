//! Reports, printed.

use anyhow::anyhow;
use clap::ValueEnum;

use super::{Outcome, output};
use crate::domain::policy::Policy;
use crate::report::{self, Context, Report};
use crate::telemetry::clock;

/// How a report is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people
    Table,
    /// One object with everything
    Json,
    /// The same in YAML
    Yaml,
    /// SARIF 2.1.0, for code scanners
    Sarif,
    /// JUnit's XML, for CI systems
    Junit,
    /// Annotations of GitHub Actions
    Github,
    /// A page that needs nothing else, for a browser
    Html,
}

impl From<Format> for report::Format {
    fn from(format: Format) -> Self {
        match format {
            Format::Table => Self::Table,
            Format::Json => Self::Json,
            Format::Yaml => Self::Yaml,
            Format::Sarif => Self::Sarif,
            Format::Junit => Self::Junit,
            Format::Github => Self::Github,
            Format::Html => Self::Html,
        }
    }
}

/// Prints a report, and says how the command ends: what could not be read outweighs what was
/// found, since it may hide more.
pub(super) fn print(
    format: Format,
    report: &Report,
    policy: &Policy,
    remedy: &str,
) -> anyhow::Result<Outcome> {
    let made = clock::now().strftime("%F %T UTC").to_string();
    let context = Context {
        policy,
        columns: output::columns(),
        remedy,
        made: &made,
        is_live: false,
    };
    output::stream(|writer| report::write(format.into(), report, context, writer))?;
    if !report.errors.is_empty() {
        return Err(anyhow!(report.errors.join("\n")));
    }
    Ok(if report.is_clean() {
        Outcome::Done
    } else {
        Outcome::Wrong
    })
}
