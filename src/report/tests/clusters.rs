use std::sync::Arc;

use crate::domain::companion_set::CompanionSet;
use crate::domain::policy::Policy;
use crate::report::{Coverage, Fault, Finding, Report, Severity};
use crate::telemetry::labels::FindingReason;

fn report(severities: &[Severity]) -> Report {
    let finding =
        |severity: &Severity| Finding::new(*severity, None, Fault::NoRole(CompanionSet::of(0)));
    let coverage = Coverage {
        subjects: 2,
        lacking: 1,
    };
    Report {
        findings: severities.iter().map(finding).collect(),
        namespaces: [("".to_owned(), coverage), ("red".to_owned(), coverage)].into(),
        errors: vec!["broken".to_owned()],
        ..Report::default()
    }
}

#[test]
fn the_findings_of_a_cluster_stay_together_and_say_which_it_is() {
    let reports = [
        (
            Arc::from("b"),
            Ok(report(&[Severity::Warning, Severity::Note])),
        ),
        (Arc::from("gone"), Err("no answer".to_owned())),
        (Arc::from("a\n"), Ok(report(&[Severity::Error]))),
    ];
    let whole = Report::of_clusters(reports);
    let policy = Policy::built_in();
    let messages: Vec<String> = whole
        .findings
        .iter()
        .map(|finding| finding.message(&policy))
        .collect();
    let absent = "there is no ClusterRole spectro-list-namespaces: bindings to it give nothing";
    assert_eq!(
        messages,
        [
            format!("cluster b: {absent}"),
            format!("cluster b: {absent}"),
            format!("cluster \"a\\u{{a}}\": {absent}"),
        ]
    );
    assert_eq!(
        whole.errors,
        [
            "cluster b: broken",
            "cluster gone: no answer",
            "cluster \"a\\u{a}\": broken"
        ]
    );
    let names: Vec<&String> = whole.namespaces.keys().collect();
    assert_eq!(
        names,
        [
            "cluster \"a\\u{a}\"",
            "cluster \"a\\u{a}\": red",
            "cluster b",
            "cluster b: red"
        ]
    );
    assert_eq!((whole.summary.findings, whole.summary.errors), (3, 3));
}

#[test]
fn every_kind_is_counted_also_where_there_is_none() {
    let counts = report(&[Severity::Note; 3]).counts();
    assert_eq!(counts.len(), FindingReason::COUNT);
    for (reason, count) in counts {
        let expected = if reason == FindingReason::NoCompanionRole {
            3
        } else {
            0
        };
        assert_eq!(count, expected, "{reason:?}");
    }
}
