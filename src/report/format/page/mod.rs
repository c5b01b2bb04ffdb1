//! One HTML page that needs nothing else: no network, no server, no other file.
//!
//! Everything is in the page as text, escaped; the script only filters and copies. Whatever is in
//! names, the page's own policy lets nothing but these two run, by their digests.

use std::fmt::{self, Display, Formatter};
use std::io::{self, Write};

use sha2::{Digest, Sha256};

use super::table::in_short;
use super::{Context, fix, path_of};
use crate::domain::shown::ShownIdentity;
use crate::domain::text::needs_escape;
use crate::report::finding::Finding;
use crate::report::judge::{Coverage, Report};

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
         <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\" />\n\
         <title>bindguard: {summary}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <header>\n<h1>bindguard</h1>\n<p>{summary}</p>\n<p>Policy {}, {}</p>\n{live}</header>\n<main>\n",
        Escaped(&context.policy.name),
        Escaped(context.made)
    )?;
    write_coverage(report, writer)?;
    write_findings(report, context, writer)?;
    write_exempt(report, writer)?;
    write_errors(report, writer)?;
    write!(
        writer,
        "</main>\n<script>{SCRIPT}</script>\n</body>\n</html>\n"
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

/// A bar for each namespace, the worst first.
fn write_coverage(report: &Report, writer: &mut impl Write) -> io::Result<()> {
    let mut namespaces: Vec<(&String, &Coverage)> = report
        .namespaces
        .iter()
        .filter(|(_, coverage)| coverage.subjects > 0)
        .collect();
    if namespaces.is_empty() {
        return Ok(());
    }
    namespaces.sort_by_key(|(_, coverage)| std::cmp::Reverse(coverage.lacking));
    write!(
        writer,
        "<section aria-labelledby=\"coverage-title\">\n<h2 id=\"coverage-title\">Subjects that \
         lack nothing</h2>\n<ul id=\"coverage\">\n"
    )?;
    for (namespace, coverage) in namespaces {
        let name = match namespace.as_str() {
            "" => "by ClusterRoleBindings".to_owned(),
            name => Escaped(name).to_string(),
        };
        let (all, covered) = (
            coverage.subjects,
            coverage.subjects.saturating_sub(coverage.lacking),
        );
        writeln!(
            writer,
            "<li><span>{name}</span><meter min=\"0\" max=\"{all}\" value=\"{covered}\" low=\"{all}\" \
             optimum=\"{all}\" aria-label=\"{name}\">{covered} of {all}</meter>\
             <span>{covered} of {all}</span></li>"
        )?;
    }
    writer.write_all(b"</ul>\n</section>\n")
}

fn write_findings(
    report: &Report,
    context: Context<'_>,
    writer: &mut impl Write,
) -> io::Result<()> {
    write!(
        writer,
        "<section aria-labelledby=\"findings-title\">\n<h2 id=\"findings-title\">Findings</h2>\n\
         <form role=\"search\">\n<label>Filter by any text<input id=\"filter\" type=\"search\" \
         autocomplete=\"off\" /></label>\n<label>Level<select id=\"level\"><option value=\"\">all\
         </option><option>error</option><option>warning</option><option>note</option></select>\
         </label>\n<output id=\"shown\" for=\"filter level\"></output>\n</form>\n\
         <ol id=\"findings\">\n"
    )?;
    for finding in &report.findings {
        write_finding(finding, report, context, writer)?;
    }
    writer.write_all(b"</ol>\n")?;
    let more = report
        .summary
        .findings
        .saturating_sub(report.findings.len());
    if more > 0 {
        writeln!(
            writer,
            "<p>And {more} more, which are no worse: bindguard scan has them all.</p>"
        )?;
    }
    writer.write_all(b"</section>\n")
}

fn write_finding(
    finding: &Finding,
    report: &Report,
    context: Context<'_>,
    writer: &mut impl Write,
) -> io::Result<()> {
    let level = finding.severity.as_str();
    let who = finding.who.as_ref();
    let title = who.map_or_else(
        || finding.title().to_owned(),
        |who| ShownIdentity(who.identity()).to_string(),
    );
    let what = finding.what(context.policy);
    write!(
        writer,
        "<li class=\"{level}\">\n<h3>{}</h3>\n<p><span class=\"level\">{level}</span>: {}</p>\n",
        Escaped(&title),
        Escaped(&what)
    )?;
    if let Some(binding) = &finding.binding {
        let shown = format!("{} ({})", binding.shown(), binding.role);
        writeln!(writer, "<p>{}</p>", Escaped(&shown))?;
    }
    if let Some(cluster) = &finding.cluster {
        writeln!(writer, "<p>cluster {}</p>", Escaped(cluster))?;
    }
    if let Some(path) = path_of(finding) {
        let place = finding
            .place
            .map(|place| format!(":{}:{}", place.line, place.column));
        let place = place.unwrap_or_default();
        writeln!(writer, "<p>{}{place}</p>", Escaped(&path))?;
    }
    let fix = fix(finding, report, context.policy);
    if !fix.is_empty() {
        writeln!(
            writer,
            "<details><summary>What adds them</summary><pre>{}</pre>\
             <button type=\"button\" class=\"copy\">Copy</button></details>",
            Escaped(&fix)
        )?;
    }
    writer.write_all(b"</li>\n")
}

fn write_exempt(report: &Report, writer: &mut impl Write) -> io::Result<()> {
    if report.exempt.is_empty() {
        return Ok(());
    }
    write!(
        writer,
        "<section aria-labelledby=\"exempt-title\">\n<h2 id=\"exempt-title\">Not judged</h2>\n<ul>\n"
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
            exempt.binding.role
        );
        writeln!(writer, "<li>{}, by {}</li>", Escaped(&shown), exempt.by)?;
    }
    writer.write_all(b"</ul>\n</section>\n")
}

fn write_errors(report: &Report, writer: &mut impl Write) -> io::Result<()> {
    if report.errors.is_empty() {
        return Ok(());
    }
    write!(
        writer,
        "<section aria-labelledby=\"errors-title\">\n<h2 id=\"errors-title\">What could not be read\
         </h2>\n<ul>\n"
    )?;
    for error in &report.errors {
        writeln!(writer, "<li>{}</li>", Escaped(error))?;
    }
    writer.write_all(b"</ul>\n</section>\n")
}

/// A text in HTML, between tags or in an attribute. What nobody would see is told as `\u{…}`.
struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => formatter.write_str("&amp;")?,
                '<' => formatter.write_str("&lt;")?,
                '>' => formatter.write_str("&gt;")?,
                '"' => formatter.write_str("&quot;")?,
                '\'' => formatter.write_str("&#39;")?,
                '\n' => formatter.write_str("\n")?,
                hidden if needs_escape(hidden) || matches!(hidden, '\u{fffe}' | '\u{ffff}') => {
                    write!(formatter, "\\u{{{:x}}}", u32::from(hidden))?;
                }
                other => write!(formatter, "{other}")?,
            }
        }
        Ok(())
    }
}

/// The SHA-256 of a text in base64, as a content security policy has it.
fn digest(text: &str) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bytes = <[u8; 32]>::from(Sha256::digest(text));
    let mut encoded = String::with_capacity(44);
    for three in bytes.chunks(3) {
        let byte = |at: usize| u32::from(three.get(at).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..=three.len() {
            let index = bits >> (18 - 6 * digit) & 63;
            let letter = usize::try_from(index)
                .ok()
                .and_then(|index| ALPHABET.get(index));
            encoded.extend(letter.copied().map(char::from));
        }
    }
    encoded.extend(std::iter::repeat_n('=', (4 - encoded.len() % 4) % 4));
    encoded
}

#[cfg(test)]
mod tests {
    use super::{SCRIPT, STYLE, digest};

    #[test]
    fn a_digest_is_in_base64() {
        // printf abc | openssl dgst -sha256 -binary | base64
        assert_eq!(
            digest("abc"),
            "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="
        );
    }

    #[test]
    fn style_and_script_stay_inside_their_elements() {
        for text in [STYLE, SCRIPT] {
            assert!(!text.contains(['<', '&']), "{text}");
        }
    }
}
