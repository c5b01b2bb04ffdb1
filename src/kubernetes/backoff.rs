//! How long to wait before the next attempt.

use std::time::Duration;

/// Waits that double from the first to the last, until there was a success.
#[derive(Clone, Debug)]
pub struct Backoff {
    next: Duration,
    first: Duration,
    last: Duration,
}

impl Backoff {
    /// Waits from so long to so long.
    #[must_use]
    pub const fn new(first: Duration, last: Duration) -> Self {
        Self {
            next: first,
            first,
            last,
        }
    }

    /// How long to wait now.
    pub fn take(&mut self) -> Duration {
        let wait = self.next;
        self.next = wait.saturating_mul(2).min(self.last);
        wait
    }

    /// Begins again with the first wait.
    pub const fn reset(&mut self) {
        self.next = self.first;
    }
}

#[cfg(test)]
mod tests {
    use super::Backoff;
    use std::time::Duration;

    #[test]
    fn waits_double_up_to_the_last_and_begin_again_after_a_success() {
        let mut backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(3));
        let waits: Vec<_> = (0..4).map(|_| backoff.take().as_secs()).collect();
        assert_eq!(waits, [1, 2, 3, 3]);
        backoff.reset();
        assert_eq!(backoff.take().as_secs(), 1);
    }
}
