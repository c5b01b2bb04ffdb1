//! Bindings with an order, as they come.

use std::convert::Infallible;
use std::time::Duration;

use futures::StreamExt as _;
use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::kubernetes::ordered::{Annotated, Annotations};
use crate::telemetry::causes::WithCauses;

const FIRST_WAIT: Duration = Duration::from_millis(250);
const LAST_WAIT: Duration = Duration::from_secs(5);

/// Passes on what a watch finds, over all failures: what was missed meanwhile is found when it is
/// opened anew. A failing spell is logged once.
pub(super) async fn follow(
    open: impl Fn() -> Annotations,
    found: &mpsc::Sender<Annotated>,
) -> Infallible {
    let mut wait = FIRST_WAIT;
    let mut is_failing = false;
    loop {
        let mut events = open();
        while let Some(event) = events.next().await {
            match event {
                Ok(binding) => {
                    wait = FIRST_WAIT;
                    is_failing = false;
                    if found.send(binding).await.is_err() {
                        // Nobody carries out anything any more.
                        return std::future::pending().await;
                    }
                }
                Err(error) => {
                    if !is_failing {
                        tracing::warn!(
                            error = %WithCauses(&error),
                            "watching for orders failed; it is tried again until it works"
                        );
                    }
                    is_failing = true;
                    break;
                }
            }
        }
        sleep(wait).await;
        wait = wait.saturating_mul(2).min(LAST_WAIT);
    }
}
