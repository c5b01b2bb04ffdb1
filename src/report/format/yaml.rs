//! The JSON object, in YAML.

use std::io::{self, Write};

use serde_json::Value;

use super::{Context, Shown};
use crate::report::judge::Report;
use crate::report::yaml::write_value;

pub(super) fn write(
    report: &Report,
    context: Context<'_>,
    writer: &mut impl Write,
) -> io::Result<()> {
    let mut text = String::new();
    if report.findings.is_empty() {
        text.push_str("findings: []\n");
    } else {
        text.push_str("findings:\n");
    }
    for finding in &report.findings {
        let shown = serde_json::to_value(Shown::of(finding, report, context))?;
        write_value(&mut text, &Value::Array(vec![shown]), 0);
        writer.write_all(text.as_bytes())?;
        text.clear();
    }
    let rest = serde_json::json!({"summary": report.summary, "exempt": report.exempt, "errors": report.errors});
    write_value(&mut text, &rest, 0);
    writer.write_all(text.as_bytes())
}
