//! Whether this replica should get calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

/// What must hold before a replica is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// The webhook port takes connections.
    Listening,
    /// There is a certificate to serve.
    Certificate,
    /// The webhook configurations trust it.
    Trusted,
    /// The index of holdings is complete.
    HoldingsSynced,
    /// What the controller works on can be watched.
    Watching,
}

impl Condition {
    /// Every condition, in the order in which reasons are given.
    pub const ALL: [Self; 5] = [
        Self::Listening,
        Self::Certificate,
        Self::Trusted,
        Self::HoldingsSynced,
        Self::Watching,
    ];

    const fn bit(self) -> u8 {
        match self {
            Self::Listening => 1,
            Self::HoldingsSynced => 1 << 1,
            Self::Certificate => 1 << 2,
            Self::Trusted => 1 << 3,
            Self::Watching => 1 << 4,
        }
    }

    /// Why a replica of which this does not hold is not ready.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Listening => "the webhook port does not take connections yet",
            Self::Certificate => "the Secret with the certificate to serve is not there yet",
            Self::Trusted => {
                "the webhook configurations are not known to trust the certificate that is served"
            }
            Self::HoldingsSynced => "the cluster's companion bindings are not read yet",
            Self::Watching => "what the controller works on cannot be watched",
        }
    }
}

/// The readiness of the process. Clones share it.
#[derive(Clone, Debug)]
pub struct Readiness(Arc<State>);

#[derive(Debug)]
struct State {
    required: u8,
    held: AtomicU8,
    draining: AtomicBool,
}

impl Readiness {
    /// Not ready until each of these conditions holds.
    #[must_use]
    pub fn new(required: &[Condition]) -> Self {
        let bits = required.iter().fold(0, |bits, next| bits | next.bit());
        Self(Arc::new(State {
            required: bits,
            held: AtomicU8::new(0),
            draining: AtomicBool::new(false),
        }))
    }

    /// Says whether a condition holds from now on.
    pub fn set(&self, condition: Condition, holds: bool) {
        let bit = condition.bit();
        if holds {
            self.0.held.fetch_or(bit, Ordering::Relaxed);
        } else {
            self.0.held.fetch_and(!bit, Ordering::Relaxed);
        }
    }

    /// Says that the process is about to end. There is no way back.
    pub fn drain(&self) {
        self.0.draining.store(true, Ordering::Relaxed);
    }

    /// Whether the process is about to end.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.0.draining.load(Ordering::Relaxed)
    }

    /// Why this replica is not ready. Empty when it is.
    #[must_use]
    pub fn reasons(&self) -> Vec<&'static str> {
        let missing = self.0.required & !self.0.held.load(Ordering::Relaxed);
        let draining = self.is_draining().then_some("the process is about to end");
        let conditions = Condition::ALL
            .into_iter()
            .filter(|condition| missing & condition.bit() != 0)
            .map(Condition::reason);
        draining.into_iter().chain(conditions).collect()
    }

    /// Whether everything holds and the process is not about to end.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.reasons().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::{Condition, Readiness};

    #[test]
    fn ready_is_when_every_condition_holds() {
        let demanded = [Condition::Listening, Condition::HoldingsSynced];
        let readiness = Readiness::new(&demanded);
        assert_eq!(readiness.reasons(), demanded.map(Condition::reason));
        readiness.set(Condition::HoldingsSynced, true);
        assert_eq!(readiness.reasons(), [Condition::Listening.reason()]);
        readiness.clone().set(Condition::Listening, true);
        assert!(readiness.is_ready());
        readiness.set(Condition::HoldingsSynced, false);
        assert_eq!(readiness.reasons(), [Condition::HoldingsSynced.reason()]);
    }

    #[test]
    fn a_condition_that_is_not_demanded_does_not_count() {
        let readiness = Readiness::new(&[Condition::Listening]);
        readiness.set(Condition::Listening, true);
        assert!(readiness.is_ready());
    }

    #[test]
    fn a_process_about_to_end_is_not_ready_whatever_holds() {
        let readiness = Readiness::new(&[Condition::Listening]);
        readiness.drain();
        readiness.set(Condition::Listening, true);
        assert!(readiness.is_draining());
        assert_eq!(readiness.reasons(), ["the process is about to end"]);
    }
}
