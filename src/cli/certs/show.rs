//! `bindguard certs show`.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde::Serialize;

use super::look::Look;
use super::problems;
use crate::certificates::authority::{Authority, CaCertificate};
use crate::certificates::facts::Facts;
use crate::domain::text::Escaped;

/// An installation's certificates, as they are printed.
#[derive(Debug, Serialize)]
pub(super) struct Shown {
    certificates: Vec<Certificate>,
    webhooks: Vec<Webhook>,
    problems: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Certificate {
    /// ca, nextCA, previousCA or serving.
    role: &'static str,
    secret: String,
    #[serde(flatten)]
    facts: ShownFacts,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownFacts {
    subject: String,
    issuer: String,
    names: Vec<String>,
    not_before: String,
    not_after: String,
    sha256: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Webhook {
    configuration: &'static str,
    name: String,
    host: String,
    ca_bundle: Vec<ShownFacts>,
    /// Whether it trusts what is served.
    fits: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

impl Shown {
    pub(super) fn of(look: &Look, now: Timestamp) -> Self {
        let authorities = &look.authorities.authorities;
        let authority = |role, certificate: &CaCertificate| Certificate {
            role,
            secret: look.ca_secret.clone(),
            facts: (&certificate.facts).into(),
        };
        let signing = authorities.signing.as_ref().map(Authority::certificate);
        let next = authorities.next.as_ref().map(Authority::certificate);
        let mut certificates = Vec::new();
        certificates.extend(signing.map(|ca| authority("ca", ca)));
        certificates.extend(next.map(|ca| authority("nextCA", ca)));
        certificates.extend(
            authorities
                .previous
                .iter()
                .map(|ca| authority("previousCA", ca)),
        );
        certificates.extend(look.serving.serving.iter().map(|serving| Certificate {
            role: "serving",
            secret: look.tls_secret.clone(),
            facts: (&serving.facts).into(),
        }));
        let webhooks = look.webhooks.iter().map(|webhook| {
            let problem = problems::of_webhook(look, webhook, now);
            let bundle = CaCertificate::in_bundle(&webhook.webhook.bundle);
            Webhook {
                configuration: webhook.kind,
                name: webhook.webhook.name.clone(),
                host: webhook.webhook.host.clone(),
                ca_bundle: bundle.iter().map(|ca| (&ca.facts).into()).collect(),
                fits: problem.is_none() && look.serving.serving.is_some(),
                problem,
            }
        });
        let unread = look.unread.iter().cloned();
        Self {
            certificates,
            webhooks: webhooks.collect(),
            problems: unread.chain(problems::all(look, now)).collect(),
        }
    }

    /// As a table, with what is wrong below it.
    pub(super) fn table(&self) -> String {
        let header = [
            "CERTIFICATE",
            "SUBJECT",
            "NOT BEFORE",
            "NOT AFTER",
            "SHA-256",
        ];
        let mut rows = vec![header.map(str::to_owned).to_vec()];
        for certificate in &self.certificates {
            rows.push(certificate.facts.row(certificate.role));
        }
        let mut text = table(&rows);
        for certificate in &self.certificates {
            if !certificate.facts.names.is_empty() {
                let names = plain(&certificate.facts.names.join(", "));
                // Writing to a string does not fail.
                let _ = writeln!(
                    text,
                    "\nnames of the {} certificate: {names}",
                    certificate.role
                );
            }
        }
        let header = ["WEBHOOK", "HOST", "CABUNDLE SHA-256", "FITS"];
        let mut rows = vec![header.map(str::to_owned).to_vec()];
        for webhook in &self.webhooks {
            let bundle: Vec<&str> = webhook.ca_bundle.iter().map(ShownFacts::short).collect();
            let bundle = if bundle.is_empty() {
                "-".to_owned()
            } else {
                bundle.join(",")
            };
            let fits = if webhook.fits { "yes" } else { "no" };
            rows.push(vec![
                webhook.name.clone(),
                webhook.host.clone(),
                bundle,
                fits.to_owned(),
            ]);
        }
        text.push('\n');
        text.push_str(&table(&rows));
        for problem in &self.problems {
            let _ = write!(text, "\nproblem: {}", plain(problem));
        }
        if !self.problems.is_empty() {
            text.push('\n');
        }
        text
    }
}

impl ShownFacts {
    fn row(&self, what: &str) -> Vec<String> {
        vec![
            what.to_owned(),
            self.subject.clone(),
            self.not_before.clone(),
            self.not_after.clone(),
            self.short().to_owned(),
        ]
    }

    /// Enough of the fingerprint to tell two apart.
    fn short(&self) -> &str {
        self.sha256.get(..16).unwrap_or(&self.sha256)
    }
}

impl From<&Facts> for ShownFacts {
    fn from(facts: &Facts) -> Self {
        Self {
            subject: facts.subject.clone(),
            issuer: facts.issuer.clone(),
            names: facts.names.clone(),
            not_before: facts.validity.not_before.to_string(),
            not_after: facts.validity.not_after.to_string(),
            sha256: facts.fingerprint.clone(),
        }
    }
}

/// Rows in columns, with three spaces between, as kubectl has them. What comes from the cluster is
/// shown without control characters.
fn table(rows: &[Vec<String>]) -> String {
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(|cell| plain(cell)).collect())
        .collect();
    let columns = rows.first().map(Vec::len).unwrap_or_default();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or_default()
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            // Writing to a string does not fail.
            let _ = write!(line, "{cell:width$}   ");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Without control characters.
pub(super) fn plain(text: &str) -> String {
    Escaped(text).to_string()
}
