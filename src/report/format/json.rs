//! One JSON object.

use std::fmt::Write as _;
use std::io::{self, Write};

use serde::Serialize;

use super::{Context, Shown};
use crate::domain::text::needs_escape;
use crate::report::judge::Report;

/// Writes the report finding by finding: there may be very many.
pub(super) fn write(
    report: &Report,
    context: Context<'_>,
    writer: &mut impl Write,
) -> io::Result<()> {
    writer.write_all(b"{\n  \"findings\": [")?;
    for (position, finding) in report.findings.iter().enumerate() {
        let separator = if position == 0 { "\n" } else { ",\n" };
        let shown = pretty(&Shown::of(finding, report, context), 4)?;
        write!(writer, "{separator}    {shown}")?;
    }
    let end = if report.findings.is_empty() {
        "]"
    } else {
        "\n  ]"
    };
    let summary = pretty(&report.summary, 2)?;
    let exempt = pretty(&report.exempt, 2)?;
    let errors = pretty(&report.errors, 2)?;
    writeln!(
        writer,
        "{end},\n  \"summary\": {summary},\n  \"exempt\": {exempt},\n  \"errors\": {errors}\n}}"
    )
}

/// A value in many lines, of which all but the first are indented by so much.
pub(in crate::report) fn pretty(value: &impl Serialize, indent: usize) -> io::Result<String> {
    let text = serde_json::to_string_pretty(value)?;
    // No line feed is inside a string: there it is escaped.
    Ok(visible(&text.replace('\n', &format!("\n{:indent$}", ""))))
}

/// A value in one line.
pub(super) fn compact(value: &impl Serialize) -> io::Result<String> {
    Ok(visible(&serde_json::to_string(value)?))
}

/// JSON with everything escaped that could fool a terminal. All of that is inside strings, but for
/// the line feeds between values.
fn visible(json: &str) -> String {
    if !json.contains(|character| character != '\n' && needs_escape(character)) {
        return json.to_owned();
    }
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        if character != '\n' && needs_escape(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                let _ = write!(text, "\\u{unit:04x}");
            }
        } else {
            text.push(character);
        }
    }
    text
}
