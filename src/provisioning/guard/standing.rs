//! When an epoch begins, and when it ends. Pure: what was seen, and when, is handed in.

use std::time::Duration;

use tokio::time::Instant;

use super::canary::Canary;
use super::epoch::{Epoch, EpochValue, Published};
use super::in_place::{Fault, GuardIdentity};

/// How long after the first refused canary an epoch begins: API servers other than the one that
/// refused it may take up the guard a little later.
pub const SETTLE: Duration = Duration::from_secs(3);

/// What one look at the guard told. The canary was tried after the guard was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// The guard, if it could be read.
    pub guard: Result<Result<GuardIdentity, Fault>, String>,
    /// What came of the canary.
    pub canary: Canary,
}

impl Look {
    /// Why it does not tell whether the guard is in place; nothing, if it does.
    #[must_use]
    pub fn unknown(&self) -> Option<String> {
        match (&self.guard, &self.canary) {
            (_, Canary::Accepted) | (Ok(Err(_)), _) | (Ok(Ok(_)), Canary::Refused) => None,
            (Err(reason), _) => Some(format!("the guard could not be read: {reason}")),
            (Ok(Ok(_)), Canary::Unknown(reason)) => {
                Some(format!("whether the guard holds is not known: {reason}"))
            }
        }
    }
}

/// Whether the guard is in place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is, and orders of this epoch count.
    InPlace(Epoch),
    /// It is since a moment ago, and no orders count yet.
    Settling,
    /// It is not, or nobody knows; why.
    NotInPlace(String),
}

/// What is known of the guard.
#[derive(Clone, Debug, Default)]
pub struct Watchman {
    epoch: Option<Epoch>,
    settling: Option<(GuardIdentity, Instant)>,
}

impl Watchman {
    /// Who goes on from what was published before: that epoch lasts, if the guard is still the same.
    #[must_use]
    pub fn resuming(published: Option<Published>) -> Self {
        Self {
            epoch: published.and_then(|published| published.epoch),
            settling: None,
        }
    }

    /// Takes in a look, at this moment. `fresh` gives the value of a new epoch.
    ///
    /// An epoch ends with any other guard, with one that is not as it should be, and with a canary
    /// that passed. It is suspended while nobody knows.
    pub fn observe(
        &mut self,
        now: Instant,
        look: &Look,
        fresh: impl FnOnce() -> Option<EpochValue>,
    ) -> Standing {
        if look.canary == Canary::Accepted {
            self.end();
        }
        if let Ok(Ok(guard)) = &look.guard
            && !self.is_about(guard)
        {
            self.end();
        }
        if let Some(reason) = look.unknown() {
            return Standing::NotInPlace(reason);
        }
        match &look.guard {
            Ok(Err(fault)) => {
                self.end();
                Standing::NotInPlace(fault.to_string())
            }
            Ok(Ok(guard)) if look.canary == Canary::Refused => self.refused(now, guard, fresh),
            // Of what was not looked at nothing is known but this.
            Ok(Ok(_)) | Err(_) => Standing::NotInPlace(
                "an API server let pass what the guard must refuse; it may run without the plugin \
                 ValidatingAdmissionPolicy"
                    .to_owned(),
            ),
        }
    }

    /// What is to be published, if this is how the guard stands.
    #[must_use]
    pub fn published(&self, standing: &Standing) -> Published {
        Published {
            epoch: self.epoch.clone(),
            paused: match standing {
                Standing::InPlace(_) => None,
                Standing::Settling => Some("the guard was put in place a moment ago".to_owned()),
                Standing::NotInPlace(reason) => Some(reason.clone()),
            },
        }
    }

    fn refused(
        &mut self,
        now: Instant,
        guard: &GuardIdentity,
        fresh: impl FnOnce() -> Option<EpochValue>,
    ) -> Standing {
        if let Some(epoch) = &self.epoch {
            return Standing::InPlace(epoch.clone());
        }
        let since = self.settling.get_or_insert_with(|| (guard.clone(), now)).1;
        if now.saturating_duration_since(since) < SETTLE {
            return Standing::Settling;
        }
        let Some(value) = fresh() else {
            return Standing::NotInPlace("the system gives no random numbers".to_owned());
        };
        let epoch = Epoch {
            value,
            guard: guard.clone(),
        };
        self.settling = None;
        self.epoch = Some(epoch.clone());
        Standing::InPlace(epoch)
    }

    /// Whether everything that is known is about this guard.
    fn is_about(&self, guard: &GuardIdentity) -> bool {
        let settling = self.settling.as_ref().map(|(guard, _)| guard);
        let epoch = self.epoch.as_ref().map(|epoch| &epoch.guard);
        settling
            .into_iter()
            .chain(epoch)
            .all(|known| known == guard)
    }

    fn end(&mut self) {
        self.epoch = None;
        self.settling = None;
    }
}

#[cfg(test)]
mod tests;
