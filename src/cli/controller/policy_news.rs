//! Telling, in an Event, of a policy file that somebody has broken.

use std::convert::Infallible;
use std::time::Duration;

use k8s_openapi::api::core::v1::ObjectReference;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::domain::text::Escaped;
use crate::kubernetes::happening::{Happening, Happenings};
use crate::policy_file::Outcome;
use crate::telemetry::causes::WithCauses;

/// How long after a failure it is tried again.
const AGAIN: Duration = Duration::from_secs(15);

/// What is wrong with the policy file; `None` while nothing is.
type Fault = Option<String>;

/// Takes the news of the policy file in. Whoever tells them may come and go.
pub(super) struct Desk(watch::Sender<Fault>);

/// Tells the news of the policy file on.
pub(super) struct News {
    faults: watch::Receiver<Fault>,
    /// Whom they are about, if that is known.
    about: Option<ObjectReference>,
}

/// The news about the ConfigMap of this namespace and name, which the policy file is of. Without a
/// name nobody is told in an Event.
pub(super) fn news(namespace: &str, config_map: Option<&str>) -> (Desk, News) {
    let (sender, faults) = watch::channel(None);
    let about = config_map.map(|name| ObjectReference {
        api_version: Some("v1".to_owned()),
        kind: Some("ConfigMap".to_owned()),
        namespace: Some(namespace.to_owned()),
        name: Some(name.to_owned()),
        ..ObjectReference::default()
    });
    (Desk(sender), News { faults, about })
}

impl Desk {
    /// Something has become of the file.
    pub(super) fn take(&self, outcome: &Outcome) {
        let fault = match outcome {
            Outcome::InForce(_) => None,
            Outcome::Rejected(error) => Some(in_a_line(&WithCauses(error).to_string())),
        };
        self.0.send_replace(fault);
    }
}

impl News {
    /// Tells each change once, for as long as this future lives; what is wrong already when it
    /// begins is told as well.
    pub(super) async fn tell(&self, happenings: &Happenings) -> Infallible {
        let Some(about) = &self.about else {
            return std::future::pending().await;
        };
        let mut faults = self.faults.clone();
        let mut told = None;
        loop {
            let fault = faults.borrow_and_update().clone();
            while fault != told {
                let is_told = match &fault {
                    Some(fault) => broken(happenings, about, fault).await,
                    None => mended(happenings, about).await,
                };
                if is_told {
                    told.clone_from(&fault);
                } else if let Ok(Ok(())) = timeout(AGAIN, faults.changed()).await {
                    break;
                }
            }
            if fault == told && faults.changed().await.is_err() {
                // Nobody follows the file any more, since the process ends.
                std::future::pending::<()>().await;
            }
        }
    }
}

async fn broken(happenings: &Happenings, about: &ObjectReference, fault: &str) -> bool {
    let note = format!(
        "The policy before this one stays in force, and a Pod that starts anew does not start: {fault}"
    );
    let happening = Happening {
        is_warning: true,
        reason: "PolicyBroken",
        action: "Load",
        note: &note,
    };
    happenings.tell(about, happening).await
}

async fn mended(happenings: &Happenings, about: &ObjectReference) -> bool {
    let happening = Happening {
        is_warning: false,
        reason: "PolicyInForce",
        action: "Load",
        note: "The policy can be read again, and is in force",
    };
    happenings.tell(about, happening).await
}

/// A text of several lines as one, with everything escaped that a terminal would act upon.
fn in_a_line(text: &str) -> String {
    let lines: Vec<String> = text
        .lines()
        .map(|line| Escaped(line.trim()).to_string())
        .collect();
    lines.join("; ")
}

#[cfg(test)]
mod tests {
    use super::in_a_line;

    #[test]
    fn a_fault_is_one_line_that_no_terminal_acts_upon() {
        assert_eq!(
            in_a_line("a:\n  1:2: b\u{1b}[2J\n  3:4: c\n"),
            "a:; 1:2: b\\u{1b}[2J; 3:4: c"
        );
    }
}
