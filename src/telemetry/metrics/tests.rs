use std::time::Duration;

use super::{
    Certificate, CertificateWork, ConfigurationKind, Confirmation, Cut, Decision, FindingReason,
    Metrics, MissRefusal, Reload, ReportWrite, WatchKind,
};

/// Every metric family that users may build dashboards and alerts on.
const NAMES: [&str; 60] = [
    "accept_errors",
    "access_reviews",
    "audit_lines",
    "audit_lines_late",
    "audit_lines_lost",
    "audit_lines_waiting",
    "build",
    "ca_bundle_repairs",
    "certificate_errors",
    "certificate_expiry_timestamp_seconds",
    "certificate_lifetime_seconds",
    "certificate_not_after_timestamp_seconds",
    "certificate_reloads",
    "certificate_rotations",
    "certificate_trusted",
    "companion_removals",
    "companions",
    "configuration_drift",
    "confirmations",
    "connections",
    "connections_cut",
    "decisions",
    "events",
    "findings",
    "history_entries",
    "history_evicted",
    "history_garbage",
    "history_waiting",
    "history_writes",
    "holdings_entries",
    "holdings_stale_seconds",
    "index_synced",
    "leader",
    "misses_in_flight",
    "misses_refused",
    "misses_settled",
    "orders",
    "orders_ended",
    "orders_taken",
    "orders_waiting",
    "persona_bindings",
    "persona_index_synced",
    "policy_broken",
    "policy_loaded_timestamp_seconds",
    "policy_reloads",
    "provisioning_events",
    "ready",
    "report_writes",
    "reports",
    "reports_left_out",
    "request_duration_seconds",
    "requests",
    "requests_in_flight",
    "rights_missing",
    "scan_errors",
    "tls_handshake_errors",
    "watch_errors",
    "watch_events",
    "watch_restarts",
    "watch_working",
];

fn described(text: &str, what: &str) -> Vec<String> {
    let mut names: Vec<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix(what)?.trim().split_once(' '))
        .filter(|(_, rest)| !rest.is_empty())
        .map(|(name, _)| name.to_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn every_metric_is_there_from_the_start_with_type_and_help() {
    let text = Metrics::new("1.2.3").encode();
    let expected: Vec<_> = NAMES.map(|name| format!("bindguard_{name}")).into();
    assert_eq!(described(&text, "# HELP"), expected);
    assert_eq!(described(&text, "# TYPE"), expected);
    for name in expected {
        let sample = text.lines().any(|line| line.starts_with(&name));
        assert!(sample, "no sample of {name}");
    }
    assert!(text.ends_with("# EOF\n"));
}

#[test]
fn every_sample_is_named_bindguard() {
    let text = Metrics::new("1.2.3").encode();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        assert!(line.starts_with("bindguard_"), "{line}");
    }
}

#[test]
fn what_is_told_is_what_is_scraped() {
    let metrics = Metrics::new("1.2.3");
    metrics.tls_handshake_failed();
    metrics.connection_cut(Cut::MadeWay);
    metrics.accept_failed();
    metrics.certificates_reloaded(Reload::Failed);
    metrics.set_certificate_not_after(1_800_000_000);
    let minute = Some((1_900_000_000, Duration::from_mins(1)));
    metrics.set_certificate(Certificate::Ca, minute);
    metrics.set_certificate(Certificate::Serving, minute);
    metrics.set_certificate(Certificate::Serving, None);
    metrics.certificate_rotated(Certificate::Serving);
    metrics.certificate_failed(CertificateWork::Clock);
    metrics.set_certificate_trusted(Some(false));
    metrics.ca_bundle_repaired(ConfigurationKind::Validating);
    metrics.set_leader(true);
    metrics.decided(Decision::Deny);
    metrics.removal_decided(Decision::Warn);
    metrics.set_persona_bindings(Some(11));
    metrics.audit_line_written(Decision::Deny);
    metrics.audit_line_waits();
    metrics.audit_line_waits();
    metrics.audit_line_waits_no_more();
    metrics.audit_line_lost(Decision::Warn);
    metrics.audit_line_late();
    metrics.miss_began();
    metrics.miss_settled();
    metrics.miss_refused(MissRefusal::Share);
    metrics.set_stale(Some(Duration::from_millis(7_900)));
    metrics.set_drift(ConfigurationKind::Mutating, Some(2));
    metrics.set_findings(&[(FindingReason::MissingCompanions, 5)], 1);
    metrics.set_holdings_entries(4_000);
    metrics.set_index_synced(true);
    metrics.watch_delivered(WatchKind::RoleBinding, 3);
    metrics.watch_restarted(WatchKind::ClusterRoleBinding);
    metrics.watch_failed(WatchKind::ClusterRoleBinding);
    metrics.confirmed(Confirmation::ConfirmedMissing);
    metrics.policy_reloaded(Reload::Failed);
    metrics.set_policy_loaded(1_700_000_000);
    metrics.set_policy_broken(true);
    metrics.set_ready(true);
    metrics.set_reports(Some(3), 2);
    metrics.report_written(ReportWrite::Forbidden);
    let text = metrics.encode();
    for line in [
        r#"build_info{version="1.2.3"} 1"#,
        "tls_handshake_errors_total 1",
        r#"connections_cut_total{reason="made_way"} 1"#,
        "accept_errors_total 1",
        r#"certificate_reloads_total{result="failed"} 1"#,
        "certificate_not_after_timestamp_seconds 1800000000",
        r#"certificate_expiry_timestamp_seconds{certificate="ca"} 1900000000"#,
        r#"certificate_lifetime_seconds{certificate="ca"} 60"#,
        r#"certificate_expiry_timestamp_seconds{certificate="serving"} 0"#,
        r#"certificate_lifetime_seconds{certificate="serving"} 0"#,
        r#"certificate_rotations_total{certificate="serving"} 1"#,
        r#"certificate_errors_total{work="clock"} 1"#,
        "certificate_trusted 0",
        r#"ca_bundle_repairs_total{kind="validating"} 1"#,
        "leader 1",
        r#"decisions_total{decision="deny"} 1"#,
        r#"decisions_total{decision="allow"} 0"#,
        r#"audit_lines_total{decision="deny"} 1"#,
        r#"companion_removals_total{decision="warn"} 1"#,
        "persona_bindings 11",
        "persona_index_synced 1",
        r#"audit_lines_lost_total{decision="warn"} 1"#,
        "audit_lines_late_total 1",
        "audit_lines_waiting 1",
        "misses_in_flight 1",
        "misses_settled_total 1",
        r#"misses_refused_total{reason="share"} 1"#,
        "watch_working 0",
        "holdings_stale_seconds 7",
        r#"configuration_drift{kind="mutating"} 2"#,
        r#"configuration_drift{kind="validating"} -1"#,
        r#"findings{reason="missing_companions"} 5"#,
        r#"findings{reason="order_waits"} -1"#,
        "scan_errors 1",
        "holdings_entries 4000",
        "index_synced 1",
        r#"watch_events_total{kind="RoleBinding"} 3"#,
        r#"watch_restarts_total{kind="ClusterRoleBinding"} 1"#,
        r#"watch_errors_total{kind="ClusterRoleBinding"} 1"#,
        r#"confirmations_total{result="confirmed_missing"} 1"#,
        r#"policy_reloads_total{result="failed"} 1"#,
        "policy_loaded_timestamp_seconds 1700000000",
        "policy_broken 1",
        "ready 1",
        "reports 3",
        "reports_left_out 2",
        r#"report_writes_total{result="forbidden"} 1"#,
    ] {
        let line = format!("bindguard_{line}");
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
}
