//! The list of findings, and what filters it.

use std::collections::BTreeSet;
use std::io::{self, Write};

use super::text::Escaped;
use crate::domain::shown::ShownIdentity;
use crate::domain::text::ShownName;
use crate::report::finding::{Finding, Severity};
use crate::report::format::{Context, fix, path_of};
use crate::report::judge::Report;

/// Stands for no namespace: none is called so.
const CLUSTER: &str = "/";

pub(super) fn write_findings(
    report: &Report,
    context: Context<'_>,
    writer: &mut impl Write,
) -> io::Result<()> {
    writer.write_all(
        b"<section aria-labelledby=\"findings-title\">\n<h2 id=\"findings-title\">Findings</h2>\n",
    )?;
    if report.findings.is_empty() {
        return writer.write_all(b"<p>There are none.</p>\n</section>\n");
    }
    write_remedy(report, context, writer)?;
    write_filters(&report.findings, writer)?;
    writer.write_all(b"<ol id=\"findings\">\n")?;
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

/// The command that mends all of them, where there is one.
fn write_remedy(report: &Report, context: Context<'_>, writer: &mut impl Write) -> io::Result<()> {
    let mut findings = report.findings.iter();
    if findings.all(|finding| finding.lacks().is_empty()) {
        return Ok(());
    }
    writeln!(
        writer,
        "<div class=\"remedy\"><p>What adds all that is missing:</p><pre>{}</pre><button \
         type=\"button\" class=\"copy\" aria-label=\"Copy the command\">Copy</button></div>",
        Escaped(context.remedy)
    )
}

fn write_filters(findings: &[Finding], writer: &mut impl Write) -> io::Result<()> {
    writer.write_all(
        b"<form role=\"search\">\n<label class=\"wide\">Text<input id=\"filter\" name=\"filter\" type=\"search\" \
          autocomplete=\"off\" spellcheck=\"false\" /></label>\n",
    )?;
    let severities: BTreeSet<Severity> = findings.iter().map(|one| one.severity).collect();
    let levels = severities
        .iter()
        .map(|one| (one.as_str(), one.as_str().to_owned()));
    let kinds: BTreeSet<&str> = findings.iter().map(Finding::title).collect();
    let kinds = kinds.into_iter().map(|kind| (kind, kind.to_owned()));
    let personas: BTreeSet<&str> = findings.iter().filter_map(Finding::persona).collect();
    let personas = personas
        .into_iter()
        .map(|name| (name, ShownName(name).to_string()));
    let namespaces: BTreeSet<&str> = findings.iter().map(namespace_of).collect();
    let namespaces = namespaces.into_iter().map(|name| match name {
        CLUSTER => (name, "(the whole cluster)".to_owned()),
        name => (name, ShownName(name).to_string()),
    });
    write_choice("Level", "level", levels, writer)?;
    write_choice("Kind", "kind", kinds, writer)?;
    write_choice("Persona", "persona", personas, writer)?;
    write_choice("Namespace", "namespace", namespaces, writer)?;
    writer.write_all(b"<p id=\"shown\" role=\"status\"></p>\n</form>\n")
}

/// What one may choose among, if there is a choice.
fn write_choice<'a>(
    label: &str,
    name: &str,
    choices: impl ExactSizeIterator<Item = (&'a str, String)>,
    writer: &mut impl Write,
) -> io::Result<()> {
    if choices.len() < 2 {
        return Ok(());
    }
    write!(
        writer,
        "<label>{label}<select name=\"{name}\"><option value=\"\">all</option>"
    )?;
    for (value, shown) in choices {
        write!(
            writer,
            "<option value=\"{}\">{}</option>",
            Escaped(value),
            Escaped(&shown)
        )?;
    }
    writer.write_all(b"</select></label>\n")
}

fn namespace_of(finding: &Finding) -> &str {
    let binding = finding.binding.as_ref();
    let namespace = binding.and_then(|binding| binding.namespace.as_deref());
    namespace.unwrap_or(CLUSTER)
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
        "<li class=\"{level}\" data-level=\"{level}\" data-kind=\"{}\" data-persona=\"{}\" \
         data-namespace=\"{}\">\n<span class=\"level\">{level}</span>\n<div class=\"about\">\
         <h3>{}</h3><p>{}</p>",
        Escaped(finding.title()),
        Escaped(finding.persona().unwrap_or_default()),
        Escaped(namespace_of(finding)),
        Escaped(&title),
        Escaped(&what)
    )?;
    if let Some(binding) = &finding.binding {
        let shown = format!("{} ({})", binding.shown(), ShownName(&binding.role));
        write!(writer, "<p class=\"where\">{}</p>", Escaped(&shown))?;
    }
    if let Some(cluster) = &finding.cluster {
        let shown = ShownName(cluster).to_string();
        write!(writer, "<p class=\"where\">cluster {}</p>", Escaped(&shown))?;
    }
    if let Some(path) = path_of(finding) {
        let place = finding
            .place
            .map(|place| format!(":{}:{}", place.line, place.column));
        let place = place.unwrap_or_default();
        write!(writer, "<p class=\"where\">{}{place}</p>", Escaped(&path))?;
    }
    writer.write_all(b"</div>\n")?;
    let fix = fix(finding, report, context.policy);
    if !fix.is_empty() {
        let name = Escaped(&title);
        writeln!(
            writer,
            "<button type=\"button\" class=\"copy\" aria-label=\"Copy fix for {name}\">Copy fix\
             </button><details><summary aria-label=\"Show fix for {name}\">Show fix</summary>\
             <pre>{}</pre></details>",
            Escaped(&fix)
        )?;
    }
    writer.write_all(b"</li>\n")
}
