//! When the API server first made a call that it makes again.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hashbrown::HashMap;
use tokio::time::Instant;

use crate::state::binding_key::BindingKey;

/// The longest that the API server asks again and again: the longest `timeoutSeconds`.
const LONGEST: Duration = Duration::from_secs(30);
/// How many calls are remembered. More at once than the pool of misses lets wait.
const MOST: usize = 4_096;

/// The calls that were told to come again, by the uid of their review, which every attempt carries.
///
/// The API server gives all attempts of a call one time together and shows the answer of the last
/// only if it ends within that time. So the last one that can must be known. Clones share it. A
/// replica knows of its own answers: an attempt that went to another is a first one here.
#[derive(Clone, Debug, Default)]
pub struct Attempts(Arc<Mutex<HashMap<BindingKey, Instant>>>);

impl Attempts {
    /// When the first attempt of the call with this uid began, if there was one before.
    pub(super) fn first(&self, uid: &str) -> Option<Instant> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let first = *known.get(&BindingKey::of_uid(uid))?;
        (first.elapsed() < LONGEST).then_some(first)
    }

    /// Remembers that a call is to come again, whose first attempt began then. When too many are
    /// to, it is forgotten, and its next attempt is taken for the first.
    pub(super) fn come_again(&self, uid: &str, first: Instant) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.retain(|_, first| first.elapsed() < LONGEST);
        }
        if known.len() < MOST {
            known.insert(BindingKey::of_uid(uid), first);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::{Instant, advance};

    use super::{Attempts, LONGEST, MOST};

    #[tokio::test(start_paused = true)]
    async fn the_first_attempt_is_known_while_the_api_server_may_ask_again() {
        let attempts = Attempts::default();
        let began = Instant::now();
        assert_eq!(attempts.first("a"), None);
        attempts.come_again("a", began);
        advance(Duration::from_secs(9)).await;
        assert_eq!(attempts.clone().first("a"), Some(began));
        assert_eq!(attempts.first("b"), None);
        advance(LONGEST).await;
        assert_eq!(attempts.first("a"), None);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_remembered_is_bounded_and_old_calls_make_room() {
        let attempts = Attempts::default();
        for number in 0..2 * MOST {
            attempts.come_again(&number.to_string(), Instant::now());
        }
        assert_eq!(attempts.0.lock().unwrap().len(), MOST);
        assert_eq!(attempts.first(&MOST.to_string()), None);
        advance(LONGEST).await;
        attempts.come_again("new", Instant::now());
        assert_eq!(attempts.0.lock().unwrap().len(), 1);
        assert!(attempts.first("new").is_some());
    }
}
