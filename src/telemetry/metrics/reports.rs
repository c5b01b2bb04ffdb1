//! What the reports of findings tell of.

use super::{By, Metrics, ReportWrite, UNKNOWN};

impl Metrics {
    /// So many reports are kept, `None` while none are, and so many bindings have none.
    pub fn set_reports(&self, kept: Option<usize>, left_out: usize) {
        let number = |number| i64::try_from(number).unwrap_or(i64::MAX);
        self.0.reports.set(kept.map_or(UNKNOWN, number));
        self.0.reports_left_out.set(number(left_out));
    }

    /// It was tried to write or to delete a report, or a list of them failed.
    pub fn report_written(&self, result: ReportWrite) {
        self.0.report_writes.get_or_create(&By(result)).inc();
    }
}
