//! A table that fits the terminal.

use std::io::{self, Write};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::{Context, count, of_severity};
use crate::domain::shown::ShownIdentity;
use crate::domain::text::{Escaped, ShownName};
use crate::report::finding::{Finding, Severity};
use crate::report::judge::Report;

/// Between two columns.
const GAP: usize = 2;
/// No column gets narrower than this.
const NARROWEST: usize = 8;

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
    let cells = |finding| shown(cells(finding, context));
    let header = ["CLUSTER", "LEVEL", "SUBJECT", "FINDING", "BINDING", "WHERE"];
    let header = shown(header.map(str::to_owned).into());
    let mut widths: Vec<usize> = header.iter().map(|cell| cell.width()).collect();
    let mut words = widths.clone();
    for finding in &report.findings {
        for ((width, word), cell) in widths.iter_mut().zip(&mut words).zip(cells(finding)) {
            *width = (*width).max(cell.width());
            *word = (*word).max(longest_word(&cell));
        }
    }
    if let Some(columns) = context.columns {
        // Words are broken only where that is not enough.
        shrink(&mut widths, &words, columns);
        let narrowest: Vec<usize> = widths.iter().map(|_| NARROWEST).collect();
        shrink(&mut widths, &narrowest, columns);
    }
    write_row(&header, &widths, writer)?;
    for finding in &report.findings {
        write_row(&cells(finding), &widths, writer)?;
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

fn longest_word(cell: &str) -> usize {
    let words = cell.split(' ').map(UnicodeWidthStr::width);
    words.max().unwrap_or_default()
}

/// Takes from the widest columns until all fit, or none can give any more.
fn shrink(widths: &mut [usize], least: &[usize], columns: usize) {
    let gaps = GAP * widths.len().saturating_sub(1);
    while widths.iter().sum::<usize>() + gaps > columns {
        let giving = widths
            .iter_mut()
            .zip(least)
            .filter(|(width, least)| **width > **least);
        let Some((width, _)) = giving.max_by_key(|(width, _)| **width) else {
            return;
        };
        *width -= 1;
    }
}

/// Writes a row in as many lines as its longest cell needs.
fn write_row(cells: &[String], widths: &[usize], writer: &mut impl Write) -> io::Result<()> {
    let cells: Vec<Vec<&str>> = cells
        .iter()
        .zip(widths)
        .map(|(cell, width)| wrapped(cell, *width))
        .collect();
    let lines = cells.iter().map(Vec::len).max().unwrap_or_default();
    for line in 0..lines {
        let mut text = String::new();
        for (cell, width) in cells.iter().zip(widths) {
            let part = cell.get(line).copied().unwrap_or_default();
            text.push_str(part);
            let padding = width.saturating_sub(part.width()) + GAP;
            text.extend(std::iter::repeat_n(' ', padding));
        }
        writeln!(writer, "{}", text.trim_end())?;
    }
    Ok(())
}

/// The lines of a cell: broken at the last space that fits, or else in the middle of a word.
fn wrapped(cell: &str, width: usize) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut rest = cell;
    while rest.width() > width {
        let mut used = 0;
        let end = rest
            .char_indices()
            .find(|(_, character)| {
                used += character.width().unwrap_or_default();
                used > width
            })
            .map_or(rest.len(), |(end, _)| end);
        // At least one character, however wide it is.
        let end = end.max(rest.chars().next().map_or(0, char::len_utf8));
        let (line, after) = rest.split_at(end);
        let broken = match line.rfind(' ') {
            Some(space) if !after.starts_with(' ') => rest.split_at(space),
            _ => (line, after),
        };
        lines.push(broken.0);
        rest = broken.1.trim_start_matches(' ');
    }
    lines.push(rest);
    lines
}

#[cfg(test)]
mod tests {
    use super::{shrink, wrapped};

    #[test]
    fn the_widest_columns_give_way_first_and_equally() {
        let shrunk = |widths: &[usize], least: usize, columns| {
            let mut widths = widths.to_vec();
            shrink(&mut widths, &[least; 4], columns);
            widths
        };
        assert_eq!(shrunk(&[5, 60, 20, 60], 0, 100), [5, 35, 20, 34]);
        assert_eq!(shrunk(&[5, 30, 30], 0, 100), [5, 30, 30]);
        assert_eq!(shrunk(&[5, 30, 30], 12, 10), [5, 12, 12]);
    }

    #[test]
    fn a_cell_is_broken_between_words_or_else_within_one() {
        assert_eq!(wrapped("User alice", 20), ["User alice"]);
        assert_eq!(
            wrapped("User alice@example.com", 12),
            ["User", "alice@exampl", "e.com"]
        );
        assert_eq!(wrapped("lacks one, two", 10), ["lacks one,", "two"]);
        assert_eq!(wrapped("漢漢漢", 3), ["漢", "漢", "漢"]);
        assert_eq!(wrapped("", 5), [""]);
    }
}
