//! What goes to the cluster of denials.

use super::{By, EventWrite, HistoryWrite, Metrics};

impl Metrics {
    /// It was tried to write an Event, or given up.
    pub fn event_written(&self, result: EventWrite) {
        self.0.events.get_or_create(&By(result)).inc();
    }

    /// So many denials began to wait for the history.
    pub fn denials_wait(&self, calls: u64) {
        let calls = i64::try_from(calls).unwrap_or(i64::MAX);
        self.0.history_waiting.inc_by(calls);
    }

    /// So many denials are in the history, or never will be.
    pub fn denials_wait_no_more(&self, calls: u64) {
        let calls = i64::try_from(calls).unwrap_or(i64::MAX);
        self.0.history_waiting.dec_by(calls);
    }

    /// It was tried to write the history.
    pub fn history_written(&self, result: HistoryWrite) {
        self.0.history_writes.get_or_create(&By(result)).inc();
    }

    /// How many entries the history had when it was written last.
    pub fn set_history_entries(&self, entries: usize) {
        let entries = i64::try_from(entries).unwrap_or(i64::MAX);
        self.0.history_entries.set(entries);
    }

    /// So many entries gave way to newer ones.
    pub fn history_evicted(&self, entries: usize) {
        self.0.history_evicted.inc_by(entries as u64);
    }

    /// So much of the history could not be understood, and was dropped.
    pub fn history_garbage(&self, entries: usize) {
        self.0.history_garbage.inc_by(entries as u64);
    }
}
