//! How the time of one call is spent.
//!
//! The API server repeats a call that is answered 503 within the time that it gives, so one attempt
//! gets a third of it for evidence. What is left is for recording the decision and for the answer.

use std::time::Duration;

use tokio::time::Instant;

/// The longest that evidence is waited for.
const LONGEST_EVIDENCE: Duration = Duration::from_secs(3);

/// The time of one call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    began: Instant,
    timeout: Duration,
}

impl Budget {
    /// The budget of a call that arrives now and whose caller waits so long.
    pub(super) fn beginning_now(timeout: Duration) -> Self {
        Self {
            began: Instant::now(),
            timeout,
        }
    }

    /// How long evidence may take, waiting for the watch included.
    pub(super) fn evidence(&self) -> Duration {
        LONGEST_EVIDENCE.min(self.timeout / 3)
    }

    /// Until when evidence is waited for.
    pub(super) fn evidence_until(&self) -> Instant {
        self.began + self.evidence()
    }

    /// Until when the watch is waited for. The confirming read keeps half of the time for evidence.
    pub(super) fn settle_until(&self, settle: Duration) -> Instant {
        self.began + settle.min(self.evidence() / 2)
    }

    /// Whether a refusal that is recorded now can still be answered: a third of the time is left,
    /// of which the record takes a half at most.
    pub(super) fn is_in_time(&self) -> bool {
        self.left() >= self.timeout / 3
    }

    /// Until when the call waits for its record to be written.
    pub(super) fn record_until(&self) -> Instant {
        Instant::now() + self.left() / 2
    }

    fn left(&self) -> Duration {
        self.timeout.saturating_sub(self.began.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::{Instant, advance};

    use super::Budget;

    const fn milliseconds(number: u64) -> Duration {
        Duration::from_millis(number)
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_for_evidence_and_the_share_of_settling() {
        // The timeout, --settle, how long is settled, how long evidence takes at most.
        let table = [
            (1_000, 500, 166, 333),
            (3_000, 500, 500, 1_000),
            (3_000, 5_000, 500, 1_000),
            (10_000, 500, 500, 3_000),
            (10_000, 0, 0, 3_000),
            (10_000, 5_000, 1_500, 3_000),
            (30_000, 5_000, 1_500, 3_000),
            (1, 500, 0, 0),
        ];
        for (timeout, settle, settled, evidence) in table {
            let began = Instant::now();
            let budget = Budget::beginning_now(milliseconds(timeout));
            let settle_until = budget.settle_until(milliseconds(settle));
            assert_eq!((settle_until - began).as_millis(), settled, "{timeout}");
            let evidence_until = budget.evidence_until();
            assert_eq!((evidence_until - began).as_millis(), evidence, "{timeout}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn whenever_a_refusal_is_recorded_its_answer_is_in_time() {
        for timeout in [1_000, 3_000, 10_000, 30_000].map(milliseconds) {
            let budget = Budget::beginning_now(timeout);
            let end = Instant::now() + timeout;
            assert!(budget.evidence_until() < end);
            let mut recorded = 0;
            while Instant::now() <= end {
                if budget.is_in_time() {
                    recorded += 1;
                    let spare = end - budget.record_until();
                    assert!(spare >= timeout / 6, "{timeout:?} {spare:?}");
                }
                advance(timeout / 50).await;
            }
            assert!((30..=35).contains(&recorded), "{recorded}");
        }
    }
}
