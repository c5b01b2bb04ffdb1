//! Findings as a table.

use std::io::{self, Write};

use super::{Context, count, of_severity};
use crate::domain::shown::ShownIdentity;
use crate::domain::text::{Escaped, ShownName};
use crate::report::finding::{Finding, Severity};
use crate::report::judge::Report;
use crate::report::terminal::{Overflow, Table};

/// Places come last, since only files have them.
const HEADER: [&str; 6] = ["CLUSTER", "LEVEL", "SUBJECT", "FINDING", "BINDING", "WHERE"];

pub(super) fn write(
    report: &Report,
    context: Context<'_>,
    writer: &mut impl Write,
) -> io::Result<()> {
    if !report.findings.is_empty() {
        write_rows(report, context, writer)?;
        writeln!(writer)?;
    }
    writeln!(writer, "{}", in_short(report))?;
    let mendable = report
        .findings
        .iter()
        .any(|finding| !finding.lacks().is_empty());
    if mendable {
        writeln!(writer, "What adds them: {}", context.remedy)?;
    }
    if !report.exempt.is_empty() {
        let many = report.exempt.len();
        writeln!(
            writer,
            "Not judged, since the policy exempts them: {many} (-o yaml has which)"
        )?;
    }
    Ok(())
}

/// The report in a sentence.
pub(super) fn in_short(report: &Report) -> String {
    let summary = report.summary;
    let files = summary
        .files
        .map(|files| format!(" in {}", count(files, "file")))
        .unwrap_or_default();
    let of = format!(
        "{} of {}{files}",
        count(summary.subjects, "subject"),
        count(summary.persona_bindings, "persona binding"),
    );
    if report.is_clean() {
        return format!("no findings: {of}");
    }
    let more = summary.findings.saturating_sub(report.findings.len());
    let mut by_severity: Vec<String> = [
        (Severity::Error, "error"),
        (Severity::Warning, "warning"),
        (Severity::Note, "note"),
    ]
    .into_iter()
    .map(|(severity, noun)| (of_severity(report, severity), noun))
    .filter(|(number, _)| *number > 0)
    .map(|(number, noun)| count(number, noun))
    .collect();
    if more > 0 {
        by_severity.push(format!("{more} more"));
    }
    format!("{} in {of}", by_severity.join(", "))
}

fn write_rows(report: &Report, context: Context<'_>, writer: &mut impl Write) -> io::Result<()> {
    let has_places = report
        .findings
        .iter()
        .any(|finding| finding.file().is_some());
    let has_clusters = report.findings.iter().any(|one| one.cluster.is_some());
    let shown = |mut cells: Vec<String>| {
        if !has_places {
            cells.pop();
        }
        if !has_clusters {
            cells.remove(0);
        }
        cells
    };
    let header = shown(HEADER.map(str::to_owned).into());
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let cells = |finding| shown(cells(finding, context));
    let rows = report.findings.iter().map(cells);
    let table = Table::fitting(&header, rows, context.columns, Overflow::Wrap);
    table.write_row(&header, writer)?;
    for finding in &report.findings {
        table.write_row(&cells(finding), writer)?;
    }
    Ok(())
}

fn cells(finding: &Finding, context: Context<'_>) -> Vec<String> {
    let place = finding
        .place
        .map(|place| format!(":{}:{}", place.line, place.column));
    let file = finding
        .file()
        .map(|file| Escaped(&file.to_string_lossy()).to_string());
    let who = finding.who.as_ref();
    let binding = finding.binding.as_ref();
    let cluster = finding.cluster.as_deref();
    vec![
        cluster.map_or_else(|| "-".to_owned(), |cluster| ShownName(cluster).to_string()),
        finding.severity.as_str().to_owned(),
        who.map_or_else(
            || "-".to_owned(),
            |who| ShownIdentity(who.identity()).to_string(),
        ),
        finding.what(context.policy),
        binding.map_or_else(
            || "-".to_owned(),
            |binding| format!("{} ({})", binding.shown(), Escaped(&binding.role)),
        ),
        format!("{}{}", file.unwrap_or_default(), place.unwrap_or_default()),
    ]
}
