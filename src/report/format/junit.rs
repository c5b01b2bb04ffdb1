//! The XML of `JUnit`: one test suite, in which each finding is a failed test.
//!
//! Source: <https://github.com/testmoapp/junitxml>

use std::fmt;
use std::io::{self, Write};

use super::{Context, fix, path_of};
use crate::domain::shown::ShownIdentity;
use crate::domain::text::{ShownName, needs_escape};
use crate::report::finding::Finding;
use crate::report::judge::Report;

pub(super) fn write(
    report: &Report,
    context: Context<'_>,
    writer: &mut impl Write,
) -> io::Result<()> {
    let (failures, errors) = (report.findings.len(), report.errors.len());
    // Some systems take a suite without tests for one that did not run.
    let passed = usize::from(failures + errors == 0);
    let tests = failures + errors + passed;
    writeln!(writer, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    let numbers = format!("tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\"");
    writeln!(writer, "<testsuites name=\"bindguard\" {numbers}>")?;
    writeln!(writer, "  <testsuite name=\"bindguard\" {numbers}>")?;
    for finding in &report.findings {
        write_failure(finding, report, context, writer)?;
    }
    for error in &report.errors {
        let error = escaped(error);
        writeln!(
            writer,
            "    <testcase classname=\"bindguard\" name=\"read\">\n      \
             <error message=\"{error}\"/>\n    </testcase>"
        )?;
    }
    if passed > 0 {
        let name = "every subject of a persona binding holds its companions";
        writeln!(
            writer,
            "    <testcase classname=\"bindguard\" name=\"{name}\"/>"
        )?;
    }
    writeln!(writer, "  </testsuite>\n</testsuites>")
}

fn write_failure(
    finding: &Finding,
    report: &Report,
    context: Context<'_>,
    writer: &mut impl Write,
) -> io::Result<()> {
    let binding = finding.binding.as_ref();
    let mut class = binding.map_or_else(|| "cluster".to_owned(), |one| one.shown().to_string());
    if let Some(cluster) = &finding.cluster {
        class = format!("{}: {class}", ShownName(cluster));
    }
    let who = finding.who.as_ref();
    let name = who.map_or_else(
        || finding.title().to_owned(),
        |who| ShownIdentity(who.identity()).to_string(),
    );
    let (class, name) = (escaped(&class), escaped(&name));
    write!(
        writer,
        "    <testcase classname=\"{class}\" name=\"{name}\""
    )?;
    let mut place = String::new();
    if let Some(path) = path_of(finding) {
        let path = escaped(&path);
        write!(writer, " file=\"{path}\"")?;
        place.push_str(&path);
    }
    if let Some(at) = finding.place {
        write!(writer, " line=\"{}\"", at.line)?;
        // Writing to a String cannot fail.
        let _ = fmt::Write::write_fmt(&mut place, format_args!(":{}:{}", at.line, at.column));
    }
    if !place.is_empty() {
        place.push('\n');
    }
    let message = escaped(&finding.message(context.policy));
    let fix = escaped(&fix(finding, report, context.policy));
    writeln!(
        writer,
        ">\n      <failure type=\"{}\" message=\"{message}\">{place}{fix}</failure>\n    </testcase>",
        finding.reason()
    )
}

/// A text as XML has it, in an attribute or between tags. What XML 1.0 cannot hold, or nobody
/// would see, is told as `\u{…}`.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push('\n'),
            hidden if needs_escape(hidden) || matches!(hidden, '\u{fffe}' | '\u{ffff}') => {
                let code = u32::from(hidden);
                // Writing to a String cannot fail.
                let _ = fmt::Write::write_fmt(&mut escaped, format_args!("\\u{{{code:x}}}"));
            }
            other => escaped.push(other),
        }
    }
    escaped
}
