//! What goes on over a connection, and whether it has gone on for too long.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::telemetry::labels::Cut;

/// How long a client may take from the first byte of a request's head to the last.
pub(super) const HEAD_TIMEOUT: Duration = Duration::from_secs(9);
/// How long an answer may wait for its client to take it.
pub(super) const SEND_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection may be without a request. The API server closes its own after 90 s; if we
/// were first, that could cross with a call, which is lost and not sent again. It holds for
/// connections that never had a request, too: a Go client that opens one, and meanwhile gets
/// another back, keeps the new one for later.
pub(super) const IDLE_TIMEOUT: Duration = Duration::from_secs(125);
/// How many calls in a row a client may abandon. One that gives up on a slow server abandons what
/// it has in flight; one that opens and resets streams to keep us busy goes on for ever.
const MAX_ABANDONED: usize = 1_000;
/// Bytes that come so soon after the end of a request may be the rest of its body, where that was
/// not read to its end; hyper then reads and drops what is there.
const REST_OF_BODY: Duration = Duration::from_secs(1);

/// What a connection's stream and its service know of each other.
#[derive(Debug)]
pub(super) struct Activity(Mutex<State>);

#[derive(Debug)]
struct State {
    /// Requests whose answer is not yet gone.
    in_flight: usize,
    /// Those of them whose answer is ready.
    unsent: usize,
    /// When an answer was last gone, or ready to go while none waited.
    sent: Instant,
    /// When a request last began or ended.
    changed: Instant,
    /// When a request last ended, if there was one.
    ended: Option<Instant>,
    /// When the head of a request began that is not complete, as far as HTTP/1.1 tells.
    head_began: Option<Instant>,
    /// Calls abandoned since the answer to one was last taken.
    abandoned: usize,
}

/// A request that is in flight while this lives.
#[derive(Debug)]
pub(super) struct InFlight {
    activity: Arc<Activity>,
    answered: bool,
    taken: bool,
}

impl Activity {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self(Mutex::new(State {
            in_flight: 0,
            unsent: 0,
            sent: now,
            changed: now,
            ended: None,
            head_began: None,
            abandoned: 0,
        }))
    }

    /// A request's head is complete.
    pub(super) fn begin(self: &Arc<Self>) -> InFlight {
        let mut state = self.state();
        state.in_flight += 1;
        state.changed = Instant::now();
        state.head_began = None;
        InFlight {
            activity: Arc::clone(self),
            answered: false,
            taken: false,
        }
    }

    /// Bytes came over HTTP/1.1. While a request is in flight they are its body, else the head of
    /// the next. (A head that begins before the answer to the request before it, or within a second
    /// after, is not seen to begin until more of it comes.)
    pub(super) fn received_http1(&self, now: Instant) {
        let mut state = self.state();
        let rest_of_body = state
            .ended
            .is_some_and(|ended| now.saturating_duration_since(ended) < REST_OF_BODY);
        if state.in_flight == 0 && !rest_of_body {
            state.head_began.get_or_insert(now);
        }
    }

    /// Why the connection should be closed at this time, if it should.
    pub(super) fn overdue(&self, now: Instant) -> Option<Cut> {
        let state = self.state();
        let since = |then: Instant| now.saturating_duration_since(then);
        if state.abandoned >= MAX_ABANDONED {
            Some(Cut::AbandonedCalls)
        } else if state
            .head_began
            .is_some_and(|began| since(began) >= HEAD_TIMEOUT)
        {
            Some(Cut::SlowRequest)
        } else if state.unsent > 0 && since(state.sent) >= SEND_TIMEOUT {
            Some(Cut::SlowReader)
        } else if state.in_flight == 0 && since(state.changed) >= IDLE_TIMEOUT {
            Some(Cut::Idle)
        } else {
            None
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl InFlight {
    /// Its answer is ready to go.
    pub(super) fn answered(&mut self) {
        self.answered = true;
        let mut state = self.activity.state();
        if state.unsent == 0 {
            state.sent = Instant::now();
        }
        state.unsent += 1;
    }

    /// Its answer is on its way, so it was not abandoned. (A stream that is reset while its body
    /// comes gets an answer, too, which says so and which nobody takes.)
    pub(super) fn taken(&mut self) {
        self.taken = true;
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let now = Instant::now();
        let mut state = self.activity.state();
        state.in_flight = state.in_flight.saturating_sub(1);
        state.changed = now;
        state.ended = Some(now);
        if self.answered {
            state.unsent = state.unsent.saturating_sub(1);
            state.sent = now;
        }
        if self.taken {
            state.abandoned = 0;
        } else {
            state.abandoned = state.abandoned.saturating_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use tokio::time::{Instant, advance};

    use super::{Activity, Cut, HEAD_TIMEOUT, IDLE_TIMEOUT, MAX_ABANDONED, SEND_TIMEOUT};

    /// How long it takes until something is overdue, and what.
    async fn overdue_after(activity: &Activity) -> (Duration, Cut) {
        let began = Instant::now();
        loop {
            if let Some(cut) = activity.overdue(Instant::now()) {
                return (began.elapsed(), cut);
            }
            advance(Duration::from_millis(500)).await;
        }
    }

    #[test]
    fn no_idle_connection_is_closed_before_the_api_server_would() {
        assert!(IDLE_TIMEOUT >= Duration::from_mins(2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_without_a_byte_is_idle_for_long() {
        let activity = Activity::new();
        assert_eq!(overdue_after(&activity).await, (IDLE_TIMEOUT, Cut::Idle));
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_was_begun_must_end_soon_however_it_drips() {
        let activity = Activity::new();
        activity.received_http1(Instant::now());
        let began = Instant::now();
        while activity.overdue(Instant::now()).is_none() {
            advance(Duration::from_secs(1)).await;
            activity.received_http1(Instant::now());
        }
        assert_eq!(began.elapsed(), HEAD_TIMEOUT);
        assert_eq!(activity.overdue(Instant::now()), Some(Cut::SlowRequest));
    }

    #[tokio::test(start_paused = true)]
    async fn idle_time_begins_anew_with_each_request() {
        let activity = Arc::new(Activity::new());
        for _ in 0..3 {
            advance(IDLE_TIMEOUT / 2).await;
            activity.received_http1(Instant::now());
            let mut request = activity.begin();
            // A body, and a long time to think.
            activity.received_http1(Instant::now());
            advance(IDLE_TIMEOUT).await;
            assert_eq!(activity.overdue(Instant::now()), None);
            request.answered();
        }
        assert_eq!(overdue_after(&activity).await, (IDLE_TIMEOUT, Cut::Idle));
    }

    #[tokio::test(start_paused = true)]
    async fn the_rest_of_a_body_that_was_not_read_begins_no_head() {
        let activity = Arc::new(Activity::new());
        activity.begin().answered();
        activity.received_http1(Instant::now());
        assert_eq!(overdue_after(&activity).await, (IDLE_TIMEOUT, Cut::Idle));
    }

    #[tokio::test(start_paused = true)]
    async fn answers_that_nobody_takes_are_overdue_and_slow_ones_are_not() {
        let activity = Arc::new(Activity::new());
        let mut requests = [(); 3].map(|()| Some(activity.begin()));
        advance(SEND_TIMEOUT * 2).await;
        for request in requests.iter_mut().flatten() {
            request.answered();
        }
        for request in &mut requests[..2] {
            advance(SEND_TIMEOUT / 2).await;
            assert_eq!(activity.overdue(Instant::now()), None);
            *request = None;
        }
        assert_eq!(
            overdue_after(&activity).await,
            (SEND_TIMEOUT, Cut::SlowReader)
        );
    }

    #[test]
    fn a_client_that_only_ever_abandons_its_calls_is_found_out() {
        let activity = Arc::new(Activity::new());
        for _ in 0..3 {
            for number in 1..MAX_ABANDONED {
                let mut call = activity.begin();
                if number % 2 == 0 {
                    call.answered();
                }
            }
            assert_eq!(activity.overdue(Instant::now()), None);
            let mut call = activity.begin();
            call.answered();
            call.taken();
        }
        for _ in 0..MAX_ABANDONED {
            drop(activity.begin());
        }
        assert_eq!(activity.overdue(Instant::now()), Some(Cut::AbandonedCalls));
    }
}
