//! Troubles that last, told once.

use crate::telemetry::causes::WithCauses;

/// Tells each trouble once, and once when it is over.
#[derive(Default)]
pub(super) struct Complaint(Option<String>);

impl Complaint {
    pub(super) fn tell(&mut self, error: &(dyn std::error::Error + 'static), what: &str) {
        // Without its causes, which may differ from one time to the next.
        let trouble = error.to_string();
        if self.0.as_ref() != Some(&trouble) {
            tracing::error!(error = %WithCauses(error), "{what}");
        }
        self.0 = Some(trouble);
    }

    pub(super) fn over(&mut self) {
        if self.0.take().is_some() {
            tracing::info!("what failed about the certificates works again");
        }
    }
}
