//! How many Events may be written, for each requester and in all.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

/// So many at once for one requester, and one more after each such pause.
const EACH: Rate = Rate {
    most: 10,
    pause: Duration::from_secs(10),
};
/// So many at once for all together, and one more after each such pause.
const ALL: Rate = Rate {
    most: 50,
    pause: Duration::from_secs(1),
};
/// How many requesters are looked at one by one. Beyond them there is only the limit for all.
const MOST_REQUESTERS: usize = 1_000;

#[derive(Clone, Copy, Debug)]
struct Rate {
    most: u32,
    pause: Duration,
}

/// How much is left to whom.
#[derive(Debug)]
pub(super) struct Limits {
    all: Bucket,
    each: BTreeMap<String, Bucket>,
}

impl Limits {
    pub(super) const fn new(now: Instant) -> Self {
        Self {
            all: Bucket::full(ALL, now),
            each: BTreeMap::new(),
        }
    }

    /// Takes what one Event costs, if its requester and all together have so much left.
    pub(super) fn take(&mut self, requester: &str, now: Instant) -> bool {
        if !self.all.has_one(now) {
            return false;
        }
        if !self.each.contains_key(requester) {
            if self.each.len() >= MOST_REQUESTERS {
                self.each.retain(|_, bucket| !bucket.is_full(now));
            }
            if self.each.len() >= MOST_REQUESTERS {
                return self.all.take(now);
            }
            let bucket = Bucket::full(EACH, now);
            self.each.insert(requester.to_owned(), bucket);
        }
        let bucket = self.each.get_mut(requester);
        bucket.is_some_and(|bucket| bucket.take(now)) && self.all.take(now)
    }
}

/// What is left, as of some moment.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    rate: Rate,
    left: u32,
    since: Instant,
}

impl Bucket {
    const fn full(rate: Rate, now: Instant) -> Self {
        Self {
            rate,
            left: rate.most,
            since: now,
        }
    }

    fn fill(&mut self, now: Instant) {
        let pauses =
            now.saturating_duration_since(self.since).as_millis() / self.rate.pause.as_millis();
        let pauses = u32::try_from(pauses).unwrap_or(u32::MAX);
        self.left = self.left.saturating_add(pauses).min(self.rate.most);
        self.since = if self.left == self.rate.most {
            now
        } else {
            self.since + self.rate.pause * pauses
        };
    }

    fn has_one(&mut self, now: Instant) -> bool {
        self.fill(now);
        self.left > 0
    }

    fn is_full(&mut self, now: Instant) -> bool {
        self.fill(now);
        self.left == self.rate.most
    }

    fn take(&mut self, now: Instant) -> bool {
        let has_one = self.has_one(now);
        self.left -= u32::from(has_one);
        has_one
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::{ALL, EACH, Limits, MOST_REQUESTERS};

    fn taken(limits: &mut Limits, requester: &str, now: Instant) -> u32 {
        let taken = (0..1_000).filter(|_| limits.take(requester, now)).count();
        u32::try_from(taken).unwrap()
    }

    #[test]
    fn one_requester_uses_up_their_own_share_and_no_other() {
        let now = Instant::now();
        let mut limits = Limits::new(now);
        assert_eq!(taken(&mut limits, "noisy", now), EACH.most);
        assert_eq!(taken(&mut limits, "quiet", now), EACH.most);
        let later = now + EACH.pause * 3 + Duration::from_millis(1);
        assert_eq!(taken(&mut limits, "noisy", later), 3);
        assert_eq!(taken(&mut limits, "noisy", later + EACH.pause), 1);
        let much_later = now + Duration::from_hours(1);
        assert_eq!(taken(&mut limits, "noisy", much_later), EACH.most);
    }

    #[test]
    fn all_together_have_a_limit_as_well_whoever_they_are() {
        let now = Instant::now();
        let mut limits = Limits::new(now);
        let mut written = 0;
        for second in 0..600 {
            let now = now + Duration::from_secs(second);
            for number in 0..100 {
                let requester = format!("user-{second}-{number}");
                written += u32::from(limits.take(&requester, now));
            }
        }
        assert_eq!(written, ALL.most + 599);
        assert!(limits.each.len() <= MOST_REQUESTERS);
    }

    #[test]
    fn part_of_a_pause_is_not_lost() {
        let now = Instant::now();
        let mut limits = Limits::new(now);
        taken(&mut limits, "noisy", now);
        let half = EACH.pause / 2;
        let written = (1..=8).map(|step| taken(&mut limits, "noisy", now + half * step));
        assert_eq!(written.collect::<Vec<_>>(), [0, 1, 0, 1, 0, 1, 0, 1]);
    }
}
