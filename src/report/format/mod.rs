//! A report in the formats that people and their tools read.

mod github;
pub(super) mod json;
mod junit;
mod page;
mod sarif;
mod table;
mod yaml;

use std::io::{self, Write};

use serde::Serialize;

use super::finding::{BindingName, Finding, Severity, Who};
use super::judge::Report;
use super::plan::{Style, plan};
use crate::domain::policy::Policy;
pub use page::content_security_policy;

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A table for people.
    Table,
    /// One JSON object.
    Json,
    /// The same in YAML.
    Yaml,
    /// SARIF 2.1.0, which code scanners exchange.
    Sarif,
    /// The XML of `JUnit`, which CI systems show as tests.
    Junit,
    /// One HTML page that needs nothing else.
    Html,
    /// Workflow commands, which GitHub shows beside the lines of a change.
    Github,
}

/// What the formats need to know beside the report.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The policy by which the report was made.
    pub policy: &'a Policy,
    /// How many columns the terminal has; nothing if there is none.
    pub columns: Option<usize>,
    /// The command that mends what was found, for people.
    pub remedy: &'a str,
    /// When the report was made, for people.
    pub made: &'a str,
    /// Whether a page is served, and follows what changes.
    pub is_live: bool,
}

/// Writes a report.
///
/// # Errors
///
/// Those of the writer.
pub fn write(
    format: Format,
    report: &Report,
    context: Context<'_>,
    writer: &mut impl Write,
) -> io::Result<()> {
    match format {
        Format::Table => table::write(report, context, writer),
        Format::Json => json::write(report, context, writer),
        Format::Yaml => yaml::write(report, context, writer),
        Format::Sarif => sarif::write(report, context, writer),
        Format::Junit => junit::write(report, context, writer),
        Format::Html => page::write(report, context, writer),
        Format::Github => github::write(report, context, writer),
    }
}

/// A finding as JSON and YAML have it.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster: Option<&'a str>,
    severity: &'static str,
    reason: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a Who>,
    #[serde(skip_serializing_if = "Option::is_none")]
    binding: Option<&'a BindingName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    persona: Option<&'a str>,
    missing: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<u32>,
    #[serde(skip_serializing_if = "String::is_empty")]
    fix: String,
}

impl<'a> Shown<'a> {
    fn of(finding: &'a Finding, report: &Report, context: Context<'a>) -> Self {
        let Context { policy, .. } = context;
        Self {
            cluster: finding.cluster.as_deref(),
            severity: finding.severity.as_str(),
            reason: finding.reason(),
            message: finding.message(policy),
            subject: finding.who.as_ref(),
            binding: finding.binding.as_deref(),
            persona: finding.persona(),
            missing: policy.companion_names(finding.lacks()).collect(),
            file: path_of(finding),
            document: finding.place.map(|place| place.document),
            line: finding.place.map(|place| place.line),
            column: finding.place.map(|place| place.column),
            fix: fix(finding, report, policy),
        }
    }
}

/// The bindings that mend one finding, as YAML.
fn fix(finding: &Finding, report: &Report, policy: &Policy) -> String {
    plan(policy, [finding], &report.taken, Style::PerSubject).to_string()
}

/// The path of a finding's file, as it was given.
fn path_of(finding: &Finding) -> Option<String> {
    Some(finding.file()?.to_string_lossy().into_owned())
}

/// A number with its noun.
fn count(number: usize, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        many => format!("{many} {noun}s"),
    }
}

/// How many findings of the report are as bad as this.
fn of_severity(report: &Report, severity: Severity) -> usize {
    let findings = report.findings.iter();
    findings
        .filter(|finding| finding.severity == severity)
        .count()
}
