//! From findings to the reports about them. Pure.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::domain::binding::{BindingKind, RBAC_GROUP};
use crate::domain::policy::Policy;
use crate::domain::shown::ShownIdentity;
use crate::domain::text::ShownName;
use crate::kubernetes::open_reports::{API_VERSION, DIGEST, Key, MANAGED_BY, ReportKind};

use super::super::finding::{BindingName, Finding, Severity};

/// The most reports that are kept: one for each binding, the worst first.
///
/// Millions of reports have filled clusters' stores (kyverno/kyverno#8974), and nobody reads so many.
pub const MOST_REPORTS: usize = 1_000;
/// The most results of one report. The summary counts all.
pub const MOST_RESULTS: usize = 50;
/// The longest text of a result, in bytes.
const LONGEST: usize = 1_024;
/// Who makes the reports.
const SOURCE: &str = "bindguard";

/// A report as it is to be.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// The same for the same content, and for another another.
    pub digest: String,
    body: Value,
}

/// The reports that there are to be.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// Each of them.
    pub reports: BTreeMap<Key, Wanted>,
    /// How many bindings have findings and no report, because there are too many.
    pub left_out: usize,
}

/// The reports that these findings want, the worst findings being the first. What is about no
/// binding in a cluster has none.
#[must_use]
pub fn plan(policy: &Policy, findings: &[Finding]) -> Plan {
    let mut order: Vec<(&BindingName, &str, Vec<&Finding>)> = Vec::new();
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    for finding in findings {
        let Some(binding) = finding.binding.as_deref() else {
            continue;
        };
        let Some(uid) = binding.uid.as_deref() else {
            continue;
        };
        let place = *places.entry(uid).or_insert(order.len());
        match order.get_mut(place) {
            Some((_, _, findings)) => findings.push(finding),
            None => order.push((binding, uid, vec![finding])),
        }
    }
    let left_out = order.len().saturating_sub(MOST_REPORTS);
    let reports = order.iter().take(MOST_REPORTS);
    let reports = reports.map(|(binding, uid, findings)| {
        (key(binding, uid), wanted(policy, binding, uid, findings))
    });
    Plan {
        reports: reports.collect(),
        left_out,
    }
}

impl Wanted {
    /// The object as the API server takes it, with the time at which it is written.
    #[must_use]
    pub fn object(&self, now: Timestamp) -> Value {
        let mut object = self.body.clone();
        let time = json!({"seconds": now.as_second(), "nanos": now.subsec_nanosecond()});
        let results = object.get_mut("results").and_then(Value::as_array_mut);
        for result in results.into_iter().flatten() {
            if let Value::Object(fields) = result {
                fields.insert("timestamp".to_owned(), time.clone());
            }
        }
        object
    }
}

fn key(binding: &BindingName, uid: &str) -> Key {
    let (kind, namespace) = match binding.kind {
        BindingKind::RoleBinding => (ReportKind::Report, binding.namespace.clone()),
        BindingKind::ClusterRoleBinding => (ReportKind::ClusterReport, None),
    };
    Key {
        kind,
        namespace,
        name: uid.to_owned(),
    }
}

fn wanted(policy: &Policy, binding: &BindingName, uid: &str, findings: &[&Finding]) -> Wanted {
    let key = key(binding, uid);
    let api_version = format!("{RBAC_GROUP}/v1");
    let owner = json!({
        "apiVersion": api_version, "kind": binding.kind.as_str(), "name": binding.name, "uid": uid,
    });
    let mut scope = owner.clone();
    let (label, us) = MANAGED_BY;
    let mut metadata = json!({
        "name": key.name,
        "labels": {label: us},
        "ownerReferences": [owner],
    });
    for object in [&mut metadata, &mut scope] {
        if let (Some(namespace), Value::Object(fields)) = (&key.namespace, object) {
            fields.insert("namespace".to_owned(), namespace.clone().into());
        }
    }
    let count = |severity| {
        let all = findings.iter();
        all.filter(|finding| finding.severity == severity).count()
    };
    let fail = count(Severity::Error);
    let mut body = json!({
        "apiVersion": API_VERSION,
        "kind": key.kind.as_str(),
        "metadata": metadata,
        "source": SOURCE,
        "scope": scope,
        "summary": {"pass": 0, "fail": fail, "warn": findings.len() - fail, "error": 0, "skip": 0},
        "results": results(policy, findings),
    });
    let digest = digest(&body);
    if let Some(Value::Object(metadata)) = body.get_mut("metadata") {
        metadata.insert("annotations".to_owned(), json!({DIGEST: digest}));
    }
    Wanted { digest, body }
}

fn results(policy: &Policy, findings: &[&Finding]) -> Vec<Value> {
    let shown = findings.iter().take(MOST_RESULTS);
    let mut results: Vec<Value> = shown.map(|finding| result(policy, finding)).collect();
    let rest = findings.get(MOST_RESULTS..).unwrap_or_default();
    if let Some(first) = rest.first() {
        let message = format!(
            "{} more, which are not listed here; bindguard scan lists them",
            rest.len()
        );
        let mut more = outcome(policy, first.severity, "more", &message);
        more.insert(
            "properties".to_owned(),
            json!({"more": rest.len().to_string()}),
        );
        results.push(more.into());
    }
    results
}

fn result(policy: &Policy, finding: &Finding) -> Value {
    let message = finding.message(policy);
    let mut fields = outcome(policy, finding.severity, finding.reason(), &message);
    let mut properties = Map::new();
    if let Some(who) = &finding.who {
        let subject = ShownIdentity(who.identity()).to_string();
        properties.insert("subject".to_owned(), cut(subject).into());
    }
    if let Some(persona) = finding.persona() {
        let persona = ShownName(persona).to_string();
        properties.insert("persona".to_owned(), cut(persona).into());
    }
    let lacks: Vec<String> = policy
        .companion_names(finding.lacks())
        .map(|name| ShownName(name).to_string())
        .collect();
    if !lacks.is_empty() {
        properties.insert("missing".to_owned(), cut(lacks.join(", ")).into());
    }
    fields.insert("properties".to_owned(), properties.into());
    fields.into()
}

fn outcome(policy: &Policy, level: Severity, rule: &str, message: &str) -> Map<String, Value> {
    let (result, severity) = match level {
        Severity::Error => ("fail", "high"),
        Severity::Warning => ("warn", "medium"),
        Severity::Note => ("warn", "info"),
    };
    let fields = json!({
        "source": SOURCE,
        "policy": cut(ShownName(&policy.name).to_string()),
        "rule": rule,
        "category": "RBAC",
        "result": result,
        "severity": severity,
        // OpenReports calls results scored that count as failures.
        "scored": level == Severity::Error,
        "message": cut(message.to_owned()),
    });
    match fields {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

fn cut(mut text: String) -> String {
    if text.len() > LONGEST {
        let mut end = LONGEST - '…'.len_utf8();
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push('…');
    }
    text
}

fn digest(body: &Value) -> String {
    let digest = Sha256::digest(body.to_string());
    let mut text = String::with_capacity(32);
    for byte in digest.iter().take(16) {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
#[path = "object_tests.rs"]
mod tests;
