//! Whether a replica should get calls, by whether the API server would trust what it serves.
//!
//! A replica that has never been trusted gets none: a rollout halts at the first one, and those
//! before it go on. One that was trusted keeps its calls for a while when trust is lost. A
//! `caBundle` that somebody blanked is put right within a second, and fails the same calls with
//! any replica; to take all of them out of the Service for it would only make the fault last until
//! probes have brought them back. A fault that lasts is one to act on: either this replica serves
//! something old, and calls fare better with the others, or something is wrong that people must
//! see, and no call succeeds anyway.

use std::time::Duration;

use tokio::time::Instant;

/// How long a replica that was trusted stays ready when it is no more.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// What has been seen so far.
#[derive(Debug, Default)]
pub struct Gate {
    was_trusted: bool,
    distrusted_since: Option<Instant>,
}

impl Gate {
    /// Whether the replica is ready, as far as trust goes. `None` is that nobody can tell, which
    /// changes nothing.
    pub fn judge(&mut self, is_trusted: Option<bool>, now: Instant) -> bool {
        match is_trusted {
            Some(true) => {
                self.was_trusted = true;
                self.distrusted_since = None;
            }
            Some(false) => {
                self.distrusted_since.get_or_insert(now);
            }
            None => {}
        }
        let is_patient = self
            .distrusted_since
            .is_none_or(|since| now.saturating_duration_since(since) < PATIENCE);
        self.was_trusted && is_patient
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::{Gate, PATIENCE};

    #[test]
    fn the_first_trust_is_waited_for_and_a_short_fault_changes_nothing() {
        let (mut gate, start) = (Gate::default(), Instant::now());
        assert!(!gate.judge(None, start));
        assert!(!gate.judge(Some(false), start));
        assert!(!gate.judge(None, start));
        assert!(gate.judge(Some(true), start));
        assert!(gate.judge(None, start + 2 * PATIENCE));
        assert!(gate.judge(Some(false), start + 2 * PATIENCE));
        assert!(gate.judge(Some(false), start + 3 * PATIENCE - Duration::from_millis(1)));
        assert!(gate.judge(Some(true), start + 3 * PATIENCE));
    }

    #[test]
    fn a_fault_that_lasts_counts_and_is_over_when_it_is() {
        let (mut gate, start) = (Gate::default(), Instant::now());
        assert!(gate.judge(Some(true), start));
        assert!(gate.judge(Some(false), start));
        assert!(!gate.judge(Some(false), start + PATIENCE));
        assert!(!gate.judge(None, start + 2 * PATIENCE));
        assert!(gate.judge(Some(true), start + 2 * PATIENCE));
        assert!(gate.judge(Some(false), start + 2 * PATIENCE));
    }
}
