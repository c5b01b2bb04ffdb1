//! One HTML page that needs nothing else: no network, no server, no other file.
//!
//! Everything is in the page as text, escaped; the script only filters, copies and shows long lists
//! bit by bit, and without it all is shown. Whatever is in names, the page's own policy lets nothing
//! but these two run, by their digests.

mod findings;
mod pictures;
mod text;

use std::io::{self, Write};

use self::text::{Escaped, digest};
use super::table::in_short;
use super::{Context, of_severity};
use crate::domain::shown::ShownIdentity;
use crate::domain::text::ShownName;
use crate::report::finding::Severity;
use crate::report::judge::Report;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

pub(super) fn write(
    report: &Report,
    context: Context<'_>,
    writer: &mut impl Write,
) -> io::Result<()> {
    let policy = content_security_policy(context.is_live);
    let live = if context.is_live {
        "<p id=\"live\" role=\"status\"></p>\n"
    } else {
        ""
    };
    let summary = in_short(report);
    write!(
        writer,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\" />\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\" />\n\
         <meta name=\"color-scheme\" content=\"light dark\" />\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\" />\n\
         <title>bindguard: {summary}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <header>\n<h1>bindguard</h1>\n<p>{summary}</p>\n<p class=\"where\">Policy {}, {}</p>\n{live}",
        Escaped(&ShownName(&context.policy.name).to_string()),
        Escaped(context.made)
    )?;
    write_figures(report, writer)?;
    writer.write_all(b"</header>\n<main>\n")?;
    write_errors(report, writer)?;
    pictures::write_coverage(report, writer)?;
    findings::write_findings(report, context, writer)?;
    if let Some(denials) = &report.denials {
        pictures::write_denials(denials, writer)?;
    }
    write_exempt(report, writer)?;
    write!(
        writer,
        "</main>\n<p id=\"said\" role=\"status\"></p>\n<script>{SCRIPT}</script>\n</body>\n</html>\n"
    )
}

/// What a page lets run and load: its own style and script and nothing else, and one that is
/// served may ask for itself again.
#[must_use]
pub fn content_security_policy(is_live: bool) -> String {
    let connect = if is_live { "; connect-src 'self'" } else { "" };
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; \
         form-action 'none'{connect}",
        digest(STYLE),
        digest(SCRIPT)
    )
}

/// What one wants to know first, in large figures.
fn write_figures(report: &Report, writer: &mut impl Write) -> io::Result<()> {
    writer.write_all(b"<dl>\n")?;
    for (severity, name) in [
        (Severity::Error, "Errors"),
        (Severity::Warning, "Warnings"),
        (Severity::Note, "Notes"),
    ] {
        let number = of_severity(report, severity);
        let class = if number == 0 {
            "none"
        } else {
            severity.as_str()
        };
        writeln!(
            writer,
            "<div class=\"{class}\"><dt>{name}</dt><dd>{number}</dd></div>"
        )?;
    }
    let all: usize = report.namespaces.values().map(|one| one.subjects).sum();
    let lacking: usize = report.namespaces.values().map(|one| one.lacking).sum();
    if all > 0 {
        let covered = all.saturating_sub(lacking);
        writeln!(
            writer,
            "<div><dt>Subjects that lack nothing</dt><dd>{covered}<small> of {all}</small></dd></div>"
        )?;
    }
    writer.write_all(b"</dl>\n")
}

fn write_exempt(report: &Report, writer: &mut impl Write) -> io::Result<()> {
    if report.exempt.is_empty() {
        return Ok(());
    }
    write!(
        writer,
        "<section aria-labelledby=\"exempt-title\">\n<h2 id=\"exempt-title\">Not judged</h2>\n\
         <p>The policy exempts these.</p>\n<ul id=\"exempt\">\n"
    )?;
    for exempt in &report.exempt {
        let subject = exempt.subject.as_ref();
        let subject = subject.map(|who| format!("{} in ", ShownIdentity(who.identity())));
        let cluster = exempt.cluster.as_deref();
        let cluster = cluster.map(|cluster| format!("cluster {cluster}: "));
        let shown = format!(
            "{}{}{} ({})",
            cluster.unwrap_or_default(),
            subject.unwrap_or_default(),
            exempt.binding.shown(),
            ShownName(&exempt.binding.role)
        );
        writeln!(
            writer,
            "<li>{}<small>by {}</small></li>",
            Escaped(&shown),
            exempt.by
        )?;
    }
    writer.write_all(b"</ul>\n</section>\n")
}

/// Above all else, since what could not be read may hide more.
fn write_errors(report: &Report, writer: &mut impl Write) -> io::Result<()> {
    if report.errors.is_empty() {
        return Ok(());
    }
    write!(
        writer,
        "<section class=\"unread\" aria-labelledby=\"errors-title\">\n<h2 id=\"errors-title\">What \
         could not be read</h2>\n<ul id=\"errors\">\n"
    )?;
    for error in &report.errors {
        writeln!(writer, "<li>{}</li>", Escaped(error))?;
    }
    writer.write_all(b"</ul>\n</section>\n")
}

#[cfg(test)]
mod tests {
    use super::{SCRIPT, STYLE};

    #[test]
    fn style_and_script_stay_inside_their_elements() {
        for text in [STYLE, SCRIPT] {
            assert!(!text.contains(['<', '&']), "{text}");
        }
    }
}
