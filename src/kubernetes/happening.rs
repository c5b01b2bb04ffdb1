//! Events on bindings, for people who look with `kubectl describe`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use k8s_openapi::api::core::v1::ObjectReference;
use kube::Client;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use tokio::time::timeout;

/// How long one may take. Nothing depends on it.
const PATIENCE: Duration = Duration::from_secs(2);
/// The longest note that the API server takes, in bytes.
///
/// Source: `k8s.io/kubernetes/pkg/apis/core/validation/events.go`, `NoteLengthLimit`.
const LONGEST_NOTE: usize = 1024;

/// Tells of things in Events. The same of the same object within six minutes is one Event, with a
/// count. Clones share that.
#[derive(Clone)]
pub struct Happenings {
    recorder: Recorder,
    is_failing: Arc<AtomicBool>,
}

/// Something that happened to an object.
#[derive(Clone, Debug)]
pub struct Happening<'h> {
    /// Whether somebody has to look at it.
    pub is_warning: bool,
    /// What it is, in one word of `PascalCase`.
    pub reason: &'static str,
    /// What was being done, likewise.
    pub action: &'static str,
    /// The words for people. Names in it are escaped. What is too long is cut.
    pub note: &'h str,
}

impl Happenings {
    /// Told by this instance of this program.
    #[must_use]
    pub fn new(client: Client, controller: &str, instance: &str) -> Self {
        let reporter = Reporter {
            controller: controller.to_owned(),
            instance: Some(instance.to_owned()),
        };
        Self {
            recorder: Recorder::new(client, reporter),
            is_failing: Arc::default(),
        }
    }

    /// Tells of it. Whether that worked: it is logged when it stops working, and when it does again.
    pub async fn tell(&self, object: &ObjectReference, happening: Happening<'_>) -> bool {
        let event = Event {
            type_: if happening.is_warning {
                EventType::Warning
            } else {
                EventType::Normal
            },
            reason: happening.reason.to_owned(),
            note: Some(cut(happening.note).to_owned()),
            action: happening.action.to_owned(),
            secondary: None,
        };
        let error = match timeout(PATIENCE, self.recorder.publish(&event, object)).await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_elapsed) => Some(format!("no answer within {PATIENCE:?}")),
        };
        let was_failing = self.is_failing.swap(error.is_some(), Ordering::Relaxed);
        match &error {
            Some(error) if !was_failing => {
                tracing::warn!(error, "an Event could not be written; nothing waits for it");
            }
            None if was_failing => tracing::info!("Events can be written again"),
            _ => {}
        }
        error.is_none()
    }
}

fn cut(note: &str) -> &str {
    let mut end = note.len().min(LONGEST_NOTE);
    while !note.is_char_boundary(end) {
        end -= 1;
    }
    note.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{LONGEST_NOTE, cut};

    #[test]
    fn a_note_is_cut_between_characters() {
        assert_eq!(cut("short"), "short");
        let long = "é".repeat(LONGEST_NOTE);
        assert_eq!(cut(&long).len(), LONGEST_NOTE);
        assert_eq!(cut(&format!("a{long}")).len(), LONGEST_NOTE - 1);
    }
}
