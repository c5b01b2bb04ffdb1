//! Workflow commands of GitHub Actions.
//!
//! Source: <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>,
//! and for what is escaped `packages/core/src/command.ts` of <https://github.com/actions/toolkit>.

use std::io::{self, Write};

use super::{Context, path_of};
use crate::report::finding::Severity;
use crate::report::judge::Report;

pub(super) fn write(
    report: &Report,
    context: Context<'_>,
    writer: &mut impl Write,
) -> io::Result<()> {
    for finding in &report.findings {
        let command = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "notice",
        };
        write!(writer, "::{command} ")?;
        if let Some(path) = path_of(finding).filter(|path| path != "-") {
            write!(writer, "file={},", property(&path))?;
        }
        if let Some(place) = finding.place {
            write!(writer, "line={},col={},", place.line, place.column)?;
        }
        let message = data(&finding.message(context.policy));
        writeln!(writer, "title={}::{message}", property(finding.title()))?;
    }
    for error in &report.errors {
        writeln!(writer, "::error title=Not read::{}", data(error))?;
    }
    Ok(())
}

/// The text of a command.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// The value of a command's property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
