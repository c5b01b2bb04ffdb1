//! Keeping up with a policy file that somebody edits.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch::Sender;
use tokio::time::MissedTickBehavior;

use crate::domain::policy::Policy;
use crate::telemetry::causes::WithCauses;

use super::load::{ContentDigest, PolicyFileError, digest_of, parse_bytes, read_bytes};

/// How often the file is read. Design 3.3 promises an edit within 10 s.
pub const POLL_INTERVAL: Duration = Duration::from_secs(5);

/// What became of a change to the file.
#[derive(Debug)]
pub enum Outcome {
    /// The policy that it holds is in force, be it the one that already was.
    InForce(Arc<Policy>),
    /// It holds none; the policy before it stays in force.
    Rejected(PolicyFileError),
}

/// What was last seen of the file.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Content(ContentDigest),
    /// Unreadable, with the message.
    Nothing(String),
}

/// Watches a policy file and sends every policy that comes into force. Never ends.
///
/// The file is compared by its bytes: a ConfigMap volume swaps a symlink, so neither the time of
/// the file nor an event on it says that it changed. A broken edit keeps the policy in force and
/// is told once, to the log and to `observe`, until the file changes again.
///
/// `initial` is the digest of the bytes that the policy in force was read from.
pub async fn watch(
    path: PathBuf,
    initial: ContentDigest,
    interval: Duration,
    policies: Sender<Arc<Policy>>,
    mut observe: impl FnMut(&Outcome) + Send,
) -> Infallible {
    let path: Arc<Path> = path.into();
    let mut seen = Seen::Content(initial);
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let file = Arc::clone(&path);
        // Not tokio's own file functions: those take a thread for every step.
        let Ok(read) = tokio::task::spawn_blocking(move || read_bytes(&file)).await else {
            continue;
        };
        let now = match &read {
            Ok(bytes) => Seen::Content(digest_of(bytes)),
            Err(error) => Seen::Nothing(WithCauses(error).to_string()),
        };
        if now == seen {
            continue;
        }
        seen = now;
        let outcome = match read.and_then(|bytes| parse_bytes(&path, &bytes)) {
            Ok(policy) => Outcome::InForce(put_in_force(policy, &policies)),
            Err(error) => Outcome::Rejected(error),
        };
        log(&path, &outcome);
        observe(&outcome);
    }
}

/// Sends a policy, unless it is the one in force: a comment was edited, or a broken edit undone.
fn put_in_force(policy: Policy, policies: &Sender<Arc<Policy>>) -> Arc<Policy> {
    let policy = Arc::new(policy);
    policies.send_if_modified(|in_force| {
        let differs = *in_force != policy;
        if differs {
            *in_force = Arc::clone(&policy);
        }
        differs
    });
    policy
}

fn log(path: &Path, outcome: &Outcome) {
    match outcome {
        Outcome::InForce(policy) => {
            tracing::info!(path = %path.display(), policy = %policy.name, "policy file reloaded");
        }
        Outcome::Rejected(error) => tracing::error!(
            path = %path.display(),
            error = %WithCauses(error),
            "policy file is broken; the policy before the edit stays in force"
        ),
    }
}
