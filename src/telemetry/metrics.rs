//! Every metric, by name. Nothing else registers any.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use super::call::{CallGuard, ConnectionGuard};
use super::labels::{
    AccessReview, By, By2, Certificate, CertificateWork, Companion, ConfigurationKind,
    Confirmation, Cut, Decision, Endpoint, EventWrite, FindingReason, HistoryWrite, MissRefusal,
    Order, OrderEnd, Outcome, Reload, ReportWrite, Telling, WatchKind,
};
use super::register::{Durations, by, by2, counter, durations, gauge, gauges, seconds, seconds_by};

/// The media type of [`Metrics::encode`].
///
/// Source: <https://prometheus.io/docs/specs/om/open_metrics_spec/#overall-structure>
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What a gauge says when nobody knows.
const UNKNOWN: i64 = -1;

/// All metrics of the process. Clones share them.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    ready: Gauge,
    requests: Family<By2<Endpoint, Outcome>, Counter>,
    request_duration: Durations<Endpoint>,
    requests_in_flight: Gauge,
    connections: Gauge,
    connections_cut: Family<By<Cut>, Counter>,
    accept_errors: Counter,
    tls_handshake_errors: Counter,
    certificate_not_after: Gauge,
    certificate_reloads: Family<By<Reload>, Counter>,
    certificate_expiry: Family<By<Certificate>, Gauge>,
    certificate_lifetime: Family<By<Certificate>, Gauge>,
    certificate_rotations: Family<By<Certificate>, Counter>,
    certificate_errors: Family<By<CertificateWork>, Counter>,
    certificate_trusted: Gauge,
    ca_bundle_repairs: Family<By<ConfigurationKind>, Counter>,
    leader: Gauge,
    decisions: Family<By<Decision>, Counter>,
    companion_removals: Family<By<Decision>, Counter>,
    audit_lines: Family<By<Decision>, Counter>,
    audit_lines_lost: Family<By<Decision>, Counter>,
    audit_lines_late: Counter,
    audit_lines_waiting: Gauge,
    events: Family<By<EventWrite>, Counter>,
    history_entries: Gauge,
    history_waiting: Gauge,
    history_writes: Family<By<HistoryWrite>, Counter>,
    history_evicted: Counter,
    history_garbage: Counter,
    holdings_entries: Gauge,
    index_synced: Gauge,
    persona_bindings: Gauge,
    persona_index_synced: Gauge,
    watch_working: Gauge,
    holdings_stale: Gauge,
    watch_events: Family<By<WatchKind>, Counter>,
    watch_restarts: Family<By<WatchKind>, Counter>,
    watch_errors: Family<By<WatchKind>, Counter>,
    misses_in_flight: Gauge,
    misses_settled: Counter,
    misses_refused: Family<By<MissRefusal>, Counter>,
    confirmations: Family<By<Confirmation>, Counter>,
    orders_taken: Gauge,
    orders: Family<By<Order>, Counter>,
    orders_ended: Family<By<OrderEnd>, Counter>,
    orders_waiting: Gauge,
    companions: Family<By<Companion>, Counter>,
    provisioning_events: Family<By<Telling>, Counter>,
    rights_missing: Gauge,
    access_reviews: Family<By<AccessReview>, Counter>,
    configuration_drift: Family<By<ConfigurationKind>, Gauge>,
    findings: Family<By<FindingReason>, Gauge>,
    scan_errors: Gauge,
    reports: Gauge,
    reports_left_out: Gauge,
    report_writes: Family<By<ReportWrite>, Counter>,
    policy_reloads: Family<By<Reload>, Counter>,
    policy_loaded: Gauge,
    policy_broken: Gauge,
    registry: Registry,
}

impl Metrics {
    /// Registers all metrics, each series with enumerated labels at zero: one that first appears
    /// with its first event hides that event from `rate()`.
    #[must_use]
    pub fn new(version: &'static str) -> Self {
        let mut registry = Registry::with_prefix("bindguard");
        registry.register(
            "build",
            "The version that runs",
            Info::new([("version", version)]),
        );
        Self(Arc::new(Inner::register(registry)))
    }

    /// Every metric in the `OpenMetrics` text format, of type [`CONTENT_TYPE`].
    #[must_use]
    pub fn encode(&self) -> String {
        let mut text = String::new();
        if encode(&mut text, &self.0.registry).is_err() {
            // Writing to a string does not fail. A scrape without its end mark is refused whole,
            // which is right for half a page.
            tracing::error!("cannot encode the metrics");
        }
        text
    }

    /// Whether this process is ready, as of now.
    pub fn set_ready(&self, ready: bool) {
        self.0.ready.set(ready.into());
    }

    /// Starts the record of a call.
    pub fn call(&self, endpoint: Endpoint) -> CallGuard {
        CallGuard::start(self.clone(), endpoint)
    }

    /// Counts a connection while the guard lives.
    pub fn connection(&self) -> ConnectionGuard {
        ConnectionGuard::start(self.clone())
    }

    /// A connection was closed from this end, or not taken.
    pub fn connection_cut(&self, reason: Cut) {
        self.0.connections_cut.get_or_create(&By(reason)).inc();
    }

    /// A connection could not be accepted, for want of file descriptors for instance.
    pub fn accept_failed(&self) {
        self.0.accept_errors.inc();
    }

    /// A TLS handshake failed.
    pub fn tls_handshake_failed(&self) {
        self.0.tls_handshake_errors.inc();
    }

    /// The certificate that is served from now on is valid until then, in seconds since 1970.
    pub fn set_certificate_not_after(&self, unix_seconds: i64) {
        self.0.certificate_not_after.set(unix_seconds);
    }

    /// The certificate files or the client CA file were read again, because their bytes had changed.
    pub fn certificates_reloaded(&self, result: Reload) {
        self.0.certificate_reloads.get_or_create(&By(result)).inc();
    }

    /// A certificate is valid until then, in seconds since 1970, of a life of so long. `None` while
    /// there is none, or it is not known.
    pub fn set_certificate(&self, certificate: Certificate, life: Option<(i64, Duration)>) {
        let (until, life) = life.unwrap_or_default();
        let life = i64::try_from(life.as_secs()).unwrap_or(i64::MAX);
        let label = By(certificate);
        self.0.certificate_expiry.get_or_create(&label).set(until);
        self.0.certificate_lifetime.get_or_create(&label).set(life);
    }

    /// A certificate was replaced by a new one.
    pub fn certificate_rotated(&self, certificate: Certificate) {
        self.0
            .certificate_rotations
            .get_or_create(&By(certificate))
            .inc();
    }

    /// Something that the controller does about certificates failed.
    pub fn certificate_failed(&self, work: CertificateWork) {
        self.0.certificate_errors.get_or_create(&By(work)).inc();
    }

    /// Whether the webhook configurations trust what is served; `None` if that is not known.
    pub fn set_certificate_trusted(&self, trusted: Option<bool>) {
        let value = trusted.map_or(UNKNOWN, i64::from);
        self.0.certificate_trusted.set(value);
    }

    /// The `caBundle` of a configuration was put right.
    pub fn ca_bundle_repaired(&self, kind: ConfigurationKind) {
        self.0.ca_bundle_repairs.get_or_create(&By(kind)).inc();
    }

    /// Whether this controller leads.
    pub fn set_leader(&self, leads: bool) {
        self.0.leader.set(leads.into());
    }

    /// A call was decided.
    pub fn decided(&self, decision: Decision) {
        self.0.decisions.get_or_create(&By(decision)).inc();
    }

    /// A call that changes or deletes a companion binding was decided by what it takes away.
    pub fn removal_decided(&self, decision: Decision) {
        self.0.companion_removals.get_or_create(&By(decision)).inc();
    }

    /// An audit line was handed over to be written.
    pub fn audit_line_waits(&self) {
        self.0.audit_lines_waiting.inc();
    }

    /// A line that was handed over is written, or lost for good.
    pub fn audit_line_waits_no_more(&self) {
        self.0.audit_lines_waiting.dec();
    }

    /// An audit line was written, whether or not its call waited for it to the end.
    pub fn audit_line_written(&self, decision: Decision) {
        self.0.audit_lines.get_or_create(&By(decision)).inc();
    }

    /// An audit line was not written and never will be.
    pub fn audit_line_lost(&self, decision: Decision) {
        self.0.audit_lines_lost.get_or_create(&By(decision)).inc();
    }

    /// A call was answered before its line was written, which may still happen.
    pub fn audit_line_late(&self) {
        self.0.audit_lines_late.inc();
    }

    /// How many pairs of identity and companion the holdings have now.
    pub fn set_holdings_entries(&self, entries: usize) {
        let entries = i64::try_from(entries).unwrap_or(i64::MAX);
        self.0.holdings_entries.set(entries);
    }

    /// Whether the index is complete.
    pub fn set_index_synced(&self, synced: bool) {
        self.0.index_synced.set(synced.into());
    }

    /// How many persona bindings there are now; `None` while they are not known.
    pub fn set_persona_bindings(&self, known: Option<usize>) {
        let bindings = i64::try_from(known.unwrap_or_default()).unwrap_or(i64::MAX);
        self.0.persona_bindings.set(bindings);
        self.0.persona_index_synced.set(known.is_some().into());
    }

    /// How long the source of the holdings has been failing; `None` while it works.
    pub fn set_stale(&self, since: Option<Duration>) {
        self.0.watch_working.set(since.is_none().into());
        let seconds = since.map_or(0, |since| since.as_secs());
        self.0
            .holdings_stale
            .set(i64::try_from(seconds).unwrap_or(i64::MAX));
    }

    /// A watch delivered so many events.
    pub fn watch_delivered(&self, kind: WatchKind, events: u64) {
        self.0.watch_events.get_or_create(&By(kind)).inc_by(events);
    }

    /// A watch listed anew.
    pub fn watch_restarted(&self, kind: WatchKind) {
        self.0.watch_restarts.get_or_create(&By(kind)).inc();
    }

    /// A watch or its list failed.
    pub fn watch_failed(&self, kind: WatchKind) {
        self.0.watch_errors.get_or_create(&By(kind)).inc();
    }

    /// A call about subjects that the index does not cover began to wait for evidence.
    pub fn miss_began(&self) {
        self.0.misses_in_flight.inc();
    }

    /// Such a call ended, in whatever way.
    pub fn miss_ended(&self) {
        self.0.misses_in_flight.dec();
    }

    /// The watch brought what was missing while the call waited for it.
    pub fn miss_settled(&self) {
        self.0.misses_settled.inc();
    }

    /// There was no place for one more such call.
    pub fn miss_refused(&self, reason: MissRefusal) {
        self.0.misses_refused.get_or_create(&By(reason)).inc();
    }

    /// Whether orders for companions are taken.
    pub fn set_orders_taken(&self, taken: bool) {
        self.0.orders_taken.set(taken.into());
    }

    /// Something became of the order on a binding.
    pub fn order(&self, result: Order) {
        self.0.orders.get_or_create(&By(result)).inc();
    }

    /// It ended with an order that was to be carried out.
    pub fn order_ended(&self, result: OrderEnd) {
        self.0.orders_ended.get_or_create(&By(result)).inc();
    }

    /// So many orders are being carried out, or wait to be.
    pub fn set_orders_waiting(&self, orders: usize) {
        self.0
            .orders_waiting
            .set(i64::try_from(orders).unwrap_or(i64::MAX));
    }

    /// It was tried to make a companion binding.
    pub fn companion(&self, result: Companion) {
        self.0.companions.get_or_create(&By(result)).inc();
    }

    /// It was tried to write an Event.
    pub fn event_told(&self, told: bool) {
        let result = if told { Telling::Told } else { Telling::Failed };
        self.0.provisioning_events.get_or_create(&By(result)).inc();
    }

    /// So many rights are missing that carrying orders out takes.
    pub fn set_rights_missing(&self, rights: usize) {
        self.0
            .rights_missing
            .set(i64::try_from(rights).unwrap_or(i64::MAX));
    }

    /// It was asked, or not, whether a requester may create companions.
    pub fn access_reviewed(&self, result: AccessReview) {
        self.0.access_reviews.get_or_create(&By(result)).inc();
    }

    /// In how many ways a webhook configuration differs from what the policy wants; `None` if
    /// that is not known.
    pub fn set_drift(&self, kind: ConfigurationKind, differences: Option<usize>) {
        let value = differences.map_or(UNKNOWN, |number| i64::try_from(number).unwrap_or(i64::MAX));
        self.0
            .configuration_drift
            .get_or_create(&By(kind))
            .set(value);
    }

    /// A consistent read was made, or tried, to confirm a miss.
    pub fn confirmed(&self, result: Confirmation) {
        self.0.confirmations.get_or_create(&By(result)).inc();
    }

    /// The policy file was read again, because its bytes had changed.
    pub fn policy_reloaded(&self, result: Reload) {
        self.0.policy_reloads.get_or_create(&By(result)).inc();
    }

    /// The policy in force was taken over then, in seconds since 1970.
    pub fn set_policy_loaded(&self, unix_seconds: i64) {
        self.0.policy_loaded.set(unix_seconds);
    }

    /// Whether the policy file, as it was read last, holds no policy, so that the one before it is
    /// in force.
    pub fn set_policy_broken(&self, broken: bool) {
        self.0.policy_broken.set(broken.into());
    }

    pub(super) fn call_started(&self) {
        self.0.requests_in_flight.inc();
    }

    pub(super) fn call_ended(&self, endpoint: Endpoint, outcome: Outcome, took: Duration) {
        self.0.requests_in_flight.dec();
        self.0.requests.get_or_create(&By2(endpoint, outcome)).inc();
        self.0
            .request_duration
            .get_or_create(&By(endpoint))
            .observe(took.as_secs_f64());
    }

    pub(super) fn connection_opened(&self) {
        self.0.connections.inc();
    }

    pub(super) fn connection_closed(&self) {
        self.0.connections.dec();
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Inner {
    // The registry appends `_total` to counters, and the unit.
    #[rustfmt::skip]
    fn register(mut registry: Registry) -> Self {
        let to = &mut registry;
        Self {
            ready: gauge(to, "ready", "1 while /readyz says that this process is ready, 0 while not"),
            requests: by2(to, "requests", "Requests on the webhook port, by path and by how they ended"),
            request_duration: durations(to, "request_duration", "Time from a request's head to its answer, its body included"),
            requests_in_flight: gauge(to, "requests_in_flight", "Requests on the webhook port that are being answered"),
            connections: gauge(to, "connections", "Open connections on the webhook port, those in their handshake included"),
            connections_cut: by(to, "connections_cut", "Connections that were closed from this end or not taken, on both ports, by reason"),
            accept_errors: counter(to, "accept_errors", "Connections that could not be accepted, for want of file descriptors for instance"),
            tls_handshake_errors: counter(to, "tls_handshake_errors", "TLS handshakes that failed on the webhook port"),
            certificate_not_after: seconds(to, "certificate_not_after_timestamp", "When the served certificate expires, in seconds since 1970"),
            certificate_reloads: by(to, "certificate_reloads", "Changes of the certificate files and of the client CA file, by whether they were taken over"),
            certificate_expiry: seconds_by(to, "certificate_expiry_timestamp", "When a certificate expires, in seconds since 1970, by certificate; 0 while there is none, or it is not known"),
            certificate_lifetime: seconds_by(to, "certificate_lifetime", "How long a certificate is valid, from when it was made, by certificate; 0 while there is none, or it is not known"),
            certificate_rotations: by(to, "certificate_rotations", "Certificates that the controller made, by certificate; the first ones count as well"),
            certificate_errors: by(to, "certificate_errors", "What the controller could not do about certificates, by what it was about"),
            certificate_trusted: unknown(to, "certificate_trusted", "1 while every webhook's caBundle trusts what is served, 0 while one does not, -1 if that is not known or not asked for"),
            ca_bundle_repairs: by(to, "ca_bundle_repairs", "Times that the controller put the caBundle of a webhook configuration right, by its kind"),
            leader: gauge(to, "leader", "1 while this controller holds the lease and does the work, 0 while another does"),
            decisions: by(to, "decisions", "Calls about persona and companion bindings, by decision"),
            companion_removals: by(to, "companion_removals", "Calls that change or delete a companion binding, by what was decided of what they take away"),
            audit_lines: by(to, "audit_lines", "Audit lines written to standard output, by decision"),
            audit_lines_lost: by(to, "audit_lines_lost", "Audit lines that were not written and never will be, by decision; with those written and those waiting they are all decisions but allow"),
            audit_lines_late: counter(to, "audit_lines_late", "Calls answered before their audit line was written, because standard output took none"),
            audit_lines_waiting: gauge(to, "audit_lines_waiting", "Audit lines that wait for standard output"),
            events: by(to, "events", "Events about denials, by what came of writing them"),
            history_entries: unknown(to, "history_entries", "Entries of the history of denials in the cluster when this replica wrote it last; -1 before"),
            history_waiting: gauge(to, "history_waiting", "Denials that are not in the history yet"),
            history_writes: by(to, "history_writes", "Attempts to write denials into the history in the cluster, by result"),
            history_evicted: counter(to, "history_evicted", "Entries of the history that gave way to newer ones"),
            history_garbage: counter(to, "history_garbage", "Lines and keys of the history that were no entries or too many, and were dropped"),
            holdings_entries: gauge(to, "holdings_entries", "Pairs of identity and companion in the index"),
            index_synced: gauge(to, "index_synced", "1 once the index is complete, 0 before"),
            persona_bindings: gauge(to, "persona_bindings", "Persona bindings in the index"),
            persona_index_synced: gauge(to, "persona_index_synced", "1 while persona bindings are known and removals are judged, 0 before"),
            watch_working: gauge(to, "watch_working", "1 while the source of the index works, 0 while it fails and the last state serves on"),
            holdings_stale: seconds(to, "holdings_stale", "How long the source of the index has been failing; 0 while it works"),
            watch_events: by(to, "watch_events", "Events that watches delivered, by kind of object"),
            watch_restarts: by(to, "watch_restarts", "Lists made anew because a watch had ended, by kind of object"),
            watch_errors: by(to, "watch_errors", "Failures of watches and of their lists, by kind of object"),
            misses_in_flight: gauge(to, "misses_in_flight", "Calls that wait for evidence because the index does not cover a subject"),
            misses_settled: counter(to, "misses_settled", "Such calls that the watch covered while they waited for it"),
            misses_refused: by(to, "misses_refused", "Such calls told to come again because too many waited, by what was used up"),
            confirmations: by(to, "confirmations", "Consistent reads made to confirm that companions are missing, by result"),
            orders_taken: gauge(to, "orders_taken", "1 while orders for companions are taken, 0 while not; the log says why"),
            orders: by(to, "orders", "Bindings that came by to be patched, by what became of their order"),
            orders_ended: by(to, "orders_ended", "Orders that the controller looked at, by how it ended with them"),
            orders_waiting: gauge(to, "orders_waiting", "Orders that are being carried out, or wait to be"),
            companions: by(to, "companions", "Companion bindings that were to be made, by what came of it"),
            provisioning_events: by(to, "provisioning_events", "Events that were to be written into the cluster"),
            rights_missing: gauge(to, "rights_missing", "Rights that the controller lacks to carry orders out, as of when it began to lead; the log names them"),
            access_reviews: by(to, "access_reviews", "Times that it was to be found out whether a requester may create companions, by result"),
            configuration_drift: gauges(to, "configuration_drift", "In how many ways a webhook configuration differs from what the policy wants, by kind; -1 if it cannot be read", UNKNOWN),
            findings: gauges(to, "findings", "What is wrong in the cluster now, by what it is about; -1 until all bindings have been read", UNKNOWN),
            scan_errors: unknown(to, "scan_errors", "What could not be read to find what is wrong, watches that fail included; -1 until all bindings have been read"),
            reports: unknown(to, "reports", "Reports of findings that this controller keeps, as OpenReports has them; -1 while it keeps none, or OpenReports is not installed"),
            reports_left_out: gauge(to, "reports_left_out", "Bindings with findings that have no report, because there are too many"),
            report_writes: by(to, "report_writes", "Reports of findings that were to be written or deleted, and lists of them that failed, by what came of it"),
            policy_reloads: by(to, "policy_reloads", "Changes of the policy file, by whether they were taken over"),
            policy_loaded: seconds(to, "policy_loaded_timestamp", "When the policy in force was taken over, in seconds since 1970"),
            policy_broken: gauge(to, "policy_broken", "1 while the policy file is broken and the policy before it is in force, 0 while it is not"),
            registry,
        }
    }
}

fn unknown(registry: &mut Registry, name: &str, help: &str) -> Gauge {
    let gauge = gauge(registry, name, help);
    gauge.set(UNKNOWN);
    gauge
}

mod denials;
mod findings;
mod reports;
#[cfg(test)]
mod tests;
