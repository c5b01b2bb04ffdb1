//! What is counted of what is wrong in the cluster.

use super::Metrics;
use crate::telemetry::labels::{By, FindingReason};

impl Metrics {
    /// There are so many findings of each kind now, and so much could not be read.
    pub fn set_findings(&self, counts: &[(FindingReason, usize)], errors: usize) {
        let number = |count| i64::try_from(count).unwrap_or(i64::MAX);
        for (reason, count) in counts {
            let gauge = self.0.findings.get_or_create(&By(*reason));
            gauge.set(number(*count));
        }
        self.0.scan_errors.set(number(errors));
    }
}
