//! Tasks that never end while the process lives.

use std::convert::Infallible;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::event::{Observer, StateEvent};
use crate::kubernetes::backoff::Backoff;

const FIRST_WAIT: Duration = Duration::from_millis(500);
const LAST_WAIT: Duration = Duration::from_secs(30);
/// A task that ran this long had recovered from what ended the one before it.
const GOOD_RUN: Duration = Duration::from_mins(1);

/// Runs a task that is meant to run for ever, and starts it again whenever it ends or panics.
///
/// Dropping this future ends the task.
pub async fn supervise<F>(
    name: &'static str,
    observer: Observer,
    mut start: impl FnMut() -> F + Send,
) -> Infallible
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    let mut backoff = Backoff::new(FIRST_WAIT, LAST_WAIT);
    loop {
        let started = Instant::now();
        // A set rather than a handle, because a set ends its tasks when it is dropped.
        let mut task = JoinSet::new();
        let future = start();
        task.spawn(async move {
            future.await;
        });
        match task.join_next().await {
            Some(Err(error)) => {
                tracing::error!(task = name, %error, "a task broke off; it is started again");
            }
            Some(Ok(())) | None => {
                tracing::error!(task = name, "a task ended; it is started again");
            }
        }
        observer.tell(StateEvent::TaskRestarted);
        if started.elapsed() >= GOOD_RUN {
            backoff.reset();
        }
        sleep(backoff.take()).await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::supervise;
    use crate::state::event::{Observer, StateEvent};

    fn counting() -> (Observer, Arc<AtomicUsize>) {
        let count = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&count);
        let observer = Observer::new(move |event| {
            if event == StateEvent::TaskRestarted {
                counted.fetch_add(1, Ordering::SeqCst);
            }
        });
        (observer, count)
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_panics_or_ends_is_counted_and_started_again() {
        let (observer, restarts) = counting();
        let runs = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&runs);
        let supervised = supervise("test", observer, move || {
            let run = counted.fetch_add(1, Ordering::SeqCst);
            async move {
                match run {
                    0 => panic!("the first run panics"),
                    1 => {}
                    _ => std::future::pending().await,
                }
            }
        });
        tokio::time::timeout(Duration::from_secs(10), supervised)
            .await
            .unwrap_err();
        assert_eq!(runs.load(Ordering::SeqCst), 3);
        assert_eq!(restarts.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn dropping_the_supervisor_ends_the_task() {
        let alive = Arc::new(());
        let held = Arc::clone(&alive);
        let supervised = supervise("test", Observer::ignore(), move || {
            let held = Arc::clone(&held);
            async move {
                std::future::pending::<()>().await;
                drop(held);
            }
        });
        tokio::time::timeout(Duration::from_millis(20), supervised)
            .await
            .unwrap_err();
        while Arc::strong_count(&alive) > 1 {
            tokio::task::yield_now().await;
        }
    }
}
