//! SARIF 2.1.0.
//!
//! Source: <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>

use std::fmt;
use std::io::{self, Write};

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::json::compact;
use super::{Context, fix, path_of};
use crate::domain::text::ShownName;
use crate::report::fault::FaultKind;
use crate::report::finding::Finding;
use crate::report::judge::Report;

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

pub(super) fn write(
    report: &Report,
    context: Context<'_>,
    writer: &mut impl Write,
) -> io::Result<()> {
    let driver = json!({
        "name": "bindguard",
        "version": env!("CARGO_PKG_VERSION"),
        "rules": FaultKind::ALL.map(rule),
    });
    let notifications: Vec<Value> = report
        .errors
        .iter()
        .map(|error| json!({"level": "error", "message": {"text": error}}))
        .collect();
    let invocation = json!({
        "executionSuccessful": report.errors.is_empty(),
        "toolExecutionNotifications": notifications,
    });
    write!(
        writer,
        "{{\n\"$schema\": \"{SCHEMA}\",\n\"version\": \"2.1.0\",\n\"runs\": [{{\n\
         \"tool\": {{\"driver\": {}}},\n\"columnKind\": \"unicodeCodePoints\",\n\
         \"invocations\": [{}],\n\"results\": [",
        compact(&driver)?,
        compact(&invocation)?
    )?;
    for (position, finding) in report.findings.iter().enumerate() {
        let separator = if position == 0 { "\n" } else { ",\n" };
        let result = compact(&result(finding, report, context))?;
        write!(writer, "{separator}{result}")?;
    }
    writer.write_all(b"\n]\n}]\n}\n")
}

fn rule(kind: FaultKind) -> Value {
    json!({
        "id": kind.reason,
        "shortDescription": {"text": kind.title},
        "fullDescription": {"text": kind.meaning},
    })
}

fn result(finding: &Finding, report: &Report, context: Context<'_>) -> Value {
    let mut location = Map::new();
    if let Some(binding) = &finding.binding {
        let mut name = binding.shown().to_string();
        if let Some(cluster) = &finding.cluster {
            name = format!("cluster {}: {name}", ShownName(cluster));
        }
        location.insert(
            "logicalLocations".to_owned(),
            json!([{"fullyQualifiedName": name, "kind": "resource"}]),
        );
    }
    if let Some(physical) = physical(finding) {
        location.insert("physicalLocation".to_owned(), physical);
    }
    json!({
        "ruleId": finding.reason(),
        "level": finding.severity.as_str(),
        "message": {"text": finding.message(context.policy)},
        "locations": if location.is_empty() { json!([]) } else { json!([location]) },
        "partialFingerprints": {"finding/v1": fingerprint(finding, context)},
        "properties": {"fix": fix(finding, report, context.policy)},
    })
}

fn physical(finding: &Finding) -> Option<Value> {
    let path = path_of(finding).filter(|path| path != "-")?;
    let artifact = json!({"uri": uri(&path)});
    Some(match finding.place {
        None => json!({"artifactLocation": artifact}),
        Some(place) => json!({
            "artifactLocation": artifact,
            "region": {"startLine": place.line, "startColumn": place.column},
        }),
    })
}

/// The same for the same finding after lines have moved.
fn fingerprint(finding: &Finding, context: Context<'_>) -> String {
    let mut digest = Sha256::new();
    digest.update(finding.reason());
    digest.update(finding.message(context.policy));
    digest.update(path_of(finding).unwrap_or_default());
    let bytes = <[u8; 32]>::from(digest.finalize());
    let half = bytes.first_chunk().copied().unwrap_or_default();
    format!("{:032x}", u128::from_be_bytes(half))
}

/// A path as a URI: relative ones stay relative.
fn uri(path: &str) -> String {
    let relative = path.strip_prefix("./").unwrap_or(path);
    let mut uri = String::with_capacity(relative.len());
    if relative.starts_with('/') {
        uri.push_str("file://");
    }
    for byte in relative.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(char::from(byte));
            }
            // Writing to a String cannot fail.
            other => {
                let _ = fmt::Write::write_fmt(&mut uri, format_args!("%{other:02X}"));
            }
        }
    }
    uri
}
