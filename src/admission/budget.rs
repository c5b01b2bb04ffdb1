//! How the time of one call is spent.
//!
//! The API server repeats a call that is answered 503 within the time that it gives to all attempts
//! together, so one attempt gets a third of it for evidence, and the last one half of what is left.
//! The rest is for recording the decision and for the answer.

use std::time::Duration;

use tokio::time::Instant;

/// The longest that evidence is waited for.
const LONGEST_EVIDENCE: Duration = Duration::from_secs(3);
/// What an attempt needs at least to come to something.
const LEAST_ATTEMPT: Duration = Duration::from_secs(1);

/// The time of one attempt of a call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    began: Instant,
    /// The time of all attempts together.
    timeout: Duration,
    /// When the first of them began.
    first: Instant,
}

impl Budget {
    /// The budget of a call that arrives now and whose caller waits so long.
    pub(super) fn beginning_now(timeout: Duration) -> Self {
        let began = Instant::now();
        Self {
            began,
            timeout,
            first: began,
        }
    }

    /// The same for an attempt that may not be the first of its call. Nobody makes an attempt when
    /// the time of all is over: that is another call.
    pub(super) fn since(self, first: Option<Instant>) -> Self {
        let first = first.filter(|first| first.elapsed() < self.timeout);
        Self {
            first: first.unwrap_or(self.began),
            ..self
        }
    }

    /// When the first attempt began.
    pub(super) fn first(&self) -> Instant {
        self.first
    }

    /// How long evidence may take, waiting for the watch included.
    pub(super) fn evidence(&self) -> Duration {
        LONGEST_EVIDENCE.min(self.timeout / 3).min(self.time() / 2)
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
        let left = self.left();
        !left.is_zero() && left >= self.time() / 3
    }

    /// Whether another attempt, this long after this one, could still come to something.
    pub(super) fn has_another_attempt_after(&self, pause: Duration) -> bool {
        self.left() >= pause + LEAST_ATTEMPT
    }

    /// Until when the call waits for its record to be written.
    pub(super) fn record_until(&self) -> Instant {
        Instant::now() + self.left() / 2
    }

    /// What this attempt had when it began.
    fn time(&self) -> Duration {
        self.timeout
            .saturating_sub(self.began.saturating_duration_since(self.first))
    }

    fn left(&self) -> Duration {
        self.timeout.saturating_sub(self.first.elapsed())
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
    async fn the_last_attempt_is_answered_within_the_time_of_all() {
        let pause = Duration::from_secs(1);
        for timeout in [1_000, 3_000, 10_000, 15_000, 30_000].map(milliseconds) {
            let first = Instant::now();
            let mut attempts = 1;
            loop {
                let budget = Budget::beginning_now(timeout).since(Some(first));
                advance(budget.evidence()).await;
                assert!(budget.is_in_time(), "{timeout:?} {attempts}");
                if !budget.has_another_attempt_after(pause) {
                    break;
                }
                advance(pause).await;
                attempts += 1;
            }
            assert!(first.elapsed() < timeout);
            let expected = match timeout.as_secs() {
                1 => 1,
                3 => 2,
                10 => 3,
                15 => 4,
                _ => 8,
            };
            assert_eq!(attempts, expected, "{timeout:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn when_the_time_of_all_attempts_is_over_nothing_is_in_time_and_the_next_is_the_first() {
        let first = Instant::now();
        advance(milliseconds(9_999)).await;
        let last = Budget::beginning_now(milliseconds(10_000)).since(Some(first));
        advance(milliseconds(1)).await;
        assert!(!last.is_in_time());
        assert!(!last.has_another_attempt_after(Duration::ZERO));
        let another = Budget::beginning_now(milliseconds(10_000)).since(Some(first));
        assert_eq!(another.first(), Instant::now());
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
