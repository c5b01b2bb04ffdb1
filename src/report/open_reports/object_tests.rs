use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::super::fault::Fault;
use super::super::super::finding::{BindingName, Finding, Severity, Who};
use super::{MOST_REPORTS, MOST_RESULTS, Plan, plan};
use crate::domain::binding::BindingKind;
use crate::domain::companion_set::CompanionSet;
use crate::domain::identity::Identity;
use crate::domain::policy::Policy;
use crate::kubernetes::open_reports::{Key, ReportKind};

fn binding(namespace: Option<&str>, uid: &str) -> Arc<BindingName> {
    Arc::new(BindingName {
        kind: match namespace {
            Some(_) => BindingKind::RoleBinding,
            None => BindingKind::ClusterRoleBinding,
        },
        namespace: namespace.map(str::to_owned),
        name: "vm".to_owned(),
        role: "spectro-vm-user".to_owned(),
        file: None,
        uid: Some(uid.into()),
    })
}

fn missing(binding: &Arc<BindingName>, severity: Severity, user: &str) -> Finding {
    let fault = Fault::Missing(CompanionSet::of(0));
    let finding = Finding::new(severity, Some(Arc::clone(binding)), fault);
    finding.about(Who::from(Identity::user(user)))
}

fn planned(findings: &[Finding]) -> Plan {
    plan(&Policy::built_in(), findings)
}

fn key(namespace: Option<&str>, uid: &str) -> Key {
    Key {
        kind: match namespace {
            Some(_) => ReportKind::Report,
            None => ReportKind::ClusterReport,
        },
        namespace: namespace.map(str::to_owned),
        name: uid.to_owned(),
    }
}

/// The one report of a plan, as it is written at the second 7.
fn only(findings: &[Finding]) -> Value {
    let plan = planned(findings);
    assert_eq!((plan.reports.len(), plan.left_out), (1, 0));
    let now = Timestamp::new(7, 5).unwrap();
    plan.reports.values().next().unwrap().object(now)
}

#[test]
fn a_binding_with_findings_has_one_report_and_what_is_about_none_has_none() {
    let (red, all) = (binding(Some("red"), "u-1"), binding(None, "u-2"));
    let mut in_a_file = (*red).clone();
    in_a_file.uid = None;
    let plan = planned(&[
        missing(&red, Severity::Error, "alice"),
        missing(&all, Severity::Error, "alice"),
        missing(&red, Severity::Error, "bob"),
        missing(&Arc::new(in_a_file), Severity::Error, "bob"),
        Finding::new(Severity::Warning, None, Fault::NoRole(CompanionSet::of(0))),
    ]);
    let keys: Vec<&Key> = plan.reports.keys().collect();
    assert_eq!(keys, [&key(Some("red"), "u-1"), &key(None, "u-2")]);
    assert_eq!(plan.left_out, 0);
    assert_eq!(planned(&[]), Plan::default());
}

#[test]
fn a_report_says_what_is_wrong_with_its_binding() {
    let red = binding(Some("red"), "u-1");
    let object = only(&[
        missing(&red, Severity::Error, "alice"),
        missing(&red, Severity::Note, "bob"),
    ]);
    let digest = object["metadata"]["annotations"]["bindguard.dev/digest"].clone();
    assert_eq!(digest.as_str().unwrap().len(), 32);
    let time = json!({"seconds": 7, "nanos": 5});
    let result = |user: &str, result: &str, severity: &str, scored: bool| {
        json!({
            "source": "bindguard", "policy": "vmo", "rule": "missingCompanions", "category": "RBAC",
            "result": result, "severity": severity, "scored": scored, "timestamp": time,
            "message": format!("User {user} lacks spectro-list-namespaces, without which the VM \
                                console does not work: spectro-vm-user by RoleBinding red/vm"),
            "properties": {
                "subject": format!("User {user}"), "persona": "spectro-vm-user",
                "missing": "spectro-list-namespaces",
            },
        })
    };
    let expected = json!({
        "apiVersion": "openreports.io/v1alpha1",
        "kind": "Report",
        "metadata": {
            "name": "u-1", "namespace": "red",
            "labels": {"app.kubernetes.io/managed-by": "bindguard"},
            "annotations": {"bindguard.dev/digest": digest},
            "ownerReferences": [{
                "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "name": "vm",
                "uid": "u-1",
            }],
        },
        "source": "bindguard",
        "scope": {
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "name": "vm",
            "namespace": "red", "uid": "u-1",
        },
        "summary": {"pass": 0, "fail": 1, "warn": 1, "error": 0, "skip": 0},
        "results": [result("alice", "fail", "high", true), result("bob", "warn", "info", false)],
    });
    assert_eq!(object, expected);

    let object = only(&[missing(&binding(None, "u-2"), Severity::Warning, "carol")]);
    assert_eq!(object["kind"], "ClusterReport");
    assert!(object["metadata"].get("namespace").is_none());
    assert!(object["scope"].get("namespace").is_none());
    assert_eq!(object["results"][0]["severity"], "medium");
}

#[test]
fn what_tells_reports_apart_is_what_is_wrong_and_not_when() {
    let red = binding(Some("red"), "u-1");
    let digest = |findings: &[Finding]| {
        let plan = planned(findings);
        plan.reports.values().next().unwrap().digest.clone()
    };
    let alice = missing(&red, Severity::Error, "alice");
    let before = digest(std::slice::from_ref(&alice));
    assert_eq!(before, digest(std::slice::from_ref(&alice)));
    for other in [
        vec![missing(&red, Severity::Error, "bob")],
        vec![missing(&red, Severity::Warning, "alice")],
        vec![alice.clone(), missing(&red, Severity::Error, "bob")],
    ] {
        assert_ne!(before, digest(&other));
    }
}

#[test]
fn a_report_lists_some_and_counts_all() {
    let red = binding(Some("red"), "u-1");
    let findings: Vec<Finding> = (0..MOST_RESULTS + 10)
        .map(|number| missing(&red, Severity::Error, &format!("user-{number}")))
        .collect();
    let object = only(&findings);
    let results = object["results"].as_array().unwrap();
    assert_eq!(results.len(), MOST_RESULTS + 1);
    assert_eq!(object["summary"]["fail"], MOST_RESULTS + 10);
    let last = results.last().unwrap();
    assert_eq!(
        (&last["rule"], &last["result"]),
        (&json!("more"), &json!("fail"))
    );
    assert_eq!(last["properties"]["more"], "10");
    let message = last["message"].as_str().unwrap();
    assert!(
        message.starts_with("10 more, which are not listed here"),
        "{message}"
    );

    let exactly = only(&findings[..MOST_RESULTS]);
    assert_eq!(exactly["results"].as_array().unwrap().len(), MOST_RESULTS);
}

#[test]
fn there_are_so_many_reports_and_no_more_and_those_of_the_worst_findings() {
    let findings: Vec<Finding> = (0..MOST_REPORTS + 200)
        .map(|number| {
            let red = binding(Some("red"), &format!("u-{number}"));
            missing(&red, Severity::Error, "alice")
        })
        .collect();
    let plan = planned(&findings);
    assert_eq!((plan.reports.len(), plan.left_out), (MOST_REPORTS, 200));
    assert!(plan.reports.contains_key(&key(Some("red"), "u-0")));
    assert!(!plan.reports.contains_key(&key(Some("red"), "u-1000")));
    // A binding that has its place keeps it for further findings.
    let mut more = findings.clone();
    more.push(missing(&binding(Some("red"), "u-0"), Severity::Note, "bob"));
    let more = planned(&more);
    assert_eq!((more.reports.len(), more.left_out), (MOST_REPORTS, 200));
    let (one, two) = (&plan.reports, &more.reports);
    let first = key(Some("red"), "u-0");
    assert_ne!(one[&first].digest, two[&first].digest);
}

#[test]
fn hostile_names_make_no_report_large_and_are_escaped() {
    let red = binding(Some("red"), "u-1");
    let long = format!("\u{1b}[2J\n{}", "é".repeat(100_000));
    let findings: Vec<Finding> = (0..200)
        .map(|number| missing(&red, Severity::Error, &format!("{long}{number}")))
        .collect();
    let object = only(&findings);
    let text = object.to_string();
    assert!(text.len() < 200_000, "{}", text.len());
    let message = object["results"][0]["message"].as_str().unwrap();
    assert!(message.contains("\\u{1b}[2J\\u{a}"), "{message}");
    assert!(!message.contains(['\u{1b}', '\n']), "{message}");
    let mut policy = Policy::built_in();
    policy.name = "p".repeat(10_000);
    let plan = plan(&policy, &findings);
    let object = plan
        .reports
        .values()
        .next()
        .unwrap()
        .object(Timestamp::UNIX_EPOCH);
    assert!(object["results"][0]["policy"].as_str().unwrap().len() <= 1_024);
}
