//! Writes Events behind the answers.

use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::convert::Infallible;
use std::fmt;
use std::hash::BuildHasher as _;
use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::limit::Limits;
use super::{DENIAL_ANNOTATION, REPORTING_CONTROLLER, words};
use crate::audit::denial::Denial;
use crate::audit::history::{Bounds, Denials, Tally};
use crate::domain::text::Escaped;
use crate::kubernetes::backoff::Backoff;
use crate::kubernetes::event::{self, Warning};
use crate::telemetry::labels::EventWrite;

/// How long denials are collected before they are written.
const COLLECT: Duration = Duration::from_secs(1);
/// How long one Event may take to be written.
const PATIENCE: Duration = Duration::from_secs(5);
/// A denial that is repeated after so long begins a series of its own.
const SERIES: Duration = Duration::from_mins(10);
/// How many series are counted on, or wait to be written.
const MOST: Bounds = Bounds {
    entries: 1_000,
    bytes: 320 * 1024,
};
/// After an Event that could not be written.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LAST_WAIT: Duration = Duration::from_mins(1);
/// The same trouble is told again after so long.
const TELL_AGAIN: Duration = Duration::from_hours(1);

/// Reports what one replica has refused.
pub struct Reporter {
    denials: Denials,
    client: Client,
    instance: String,
    limits: Limits,
    /// What was refused, by denial, since the series began.
    seen: Tally,
    /// What of it the cluster knows.
    written: BTreeMap<Arc<Denial>, Written>,
    told: Option<(Trouble, Instant)>,
}

/// An Event as it is in the cluster.
#[derive(Clone, Debug)]
struct Written {
    name: String,
    count: u64,
    at: Instant,
}

/// Why an Event could not be written.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Trouble {
    Forbidden(String),
    Refused(String),
    Unreachable,
}

impl Reporter {
    /// Reports by the name of the machine, which is that of the pod, and a random part.
    #[must_use]
    pub fn new(denials: Denials, client: Client) -> Self {
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let host: String = host.trim().chars().take(64).collect();
        let random = RandomState::new().hash_one(0);
        Self {
            denials,
            client,
            instance: format!("bindguard-{host}-{random:016x}"),
            limits: Limits::new(Instant::now()),
            seen: Tally::default(),
            written: BTreeMap::new(),
            told: None,
        }
    }

    /// Writes what comes, for as long as this future lives. It may be dropped at any point.
    pub async fn run(&mut self) -> Infallible {
        let mut backoff = Backoff::new(FIRST_WAIT, LAST_WAIT);
        loop {
            if self.due().is_empty() {
                self.denials.to_events().arrived().await;
            }
            sleep(COLLECT).await;
            if self.write().await {
                backoff.reset();
            } else {
                sleep(backoff.take()).await;
            }
        }
    }

    /// Writes what is left and within the limits, trying once, until then at the latest.
    pub async fn finish(&mut self, until: Instant) {
        let _ = timeout_at(until, self.write()).await;
    }

    /// Writes what is due and within the limits. Whether it makes sense to go on at once.
    async fn write(&mut self) -> bool {
        self.take();
        for denial in self.due() {
            if !self.limits.take(&denial.requester, Instant::now()) {
                continue;
            }
            let written = timeout(PATIENCE, self.write_one(&denial)).await;
            let metrics = self.denials.metrics();
            match written.unwrap_or(Err(Trouble::Unreachable)) {
                Ok(()) => metrics.event_written(EventWrite::Ok),
                Err(trouble) => {
                    metrics.event_written(trouble.label());
                    // Others may be taken. Of this one nobody knows whether it ever will be.
                    if trouble != Trouble::Unreachable {
                        self.forget(&denial);
                    }
                    let is_general = !matches!(trouble, Trouble::Refused(_));
                    self.complain(trouble);
                    if is_general {
                        return false;
                    }
                }
            }
        }
        true
    }

    /// Counts what has come, ends series that are over, and makes room.
    fn take(&mut self) {
        let over: Vec<_> = self
            .written
            .iter()
            .filter(|(_, written)| written.at.elapsed() > SERIES)
            .map(|(denial, _)| Arc::clone(denial))
            .collect();
        for denial in over {
            if !self.is_due(&denial) {
                self.forget(&denial);
            }
        }
        self.seen.merge(&self.denials.to_events().take());
        let evicted = self.seen.trim(MOST);
        for (denial, seen) in evicted.iter() {
            let known = self
                .written
                .remove(denial)
                .map_or(0, |written| written.count);
            if seen.count > known {
                self.denials.metrics().event_written(EventWrite::Limited);
            }
        }
    }

    /// What the cluster does not know, the oldest first.
    fn due(&self) -> Vec<Arc<Denial>> {
        let mut due: Vec<_> = self
            .seen
            .iter()
            .filter(|(denial, seen)| seen.count > self.count_of(denial))
            .collect();
        due.sort_by_key(|(_, seen)| seen.last_seen);
        due.into_iter()
            .map(|(denial, _)| Arc::clone(denial))
            .collect()
    }

    fn is_due(&self, denial: &Denial) -> bool {
        let seen = self.seen.get(denial);
        seen.is_some_and(|seen| seen.count > self.count_of(denial))
    }

    fn count_of(&self, denial: &Denial) -> u64 {
        self.written.get(denial).map_or(0, |written| written.count)
    }

    fn forget(&mut self, denial: &Denial) {
        self.seen.remove(denial);
        self.written.remove(denial);
    }

    async fn write_one(&mut self, denial: &Arc<Denial>) -> Result<(), Trouble> {
        let Some(seen) = self.seen.get(denial) else {
            return Ok(());
        };
        let Some(namespace) = words::namespace(denial) else {
            let no_name = "there is no namespace of such a name".to_owned();
            return Err(Trouble::Refused(no_name));
        };
        let known = self.written.get(denial).map(|written| written.name.clone());
        let is_there = match &known {
            Some(name) => {
                event::count_on(&self.client, namespace, name, seen.count, seen.last_seen).await?
            }
            None => false,
        };
        let name = match known.filter(|_| is_there) {
            Some(name) => name,
            None => self.create(denial, namespace).await?,
        };
        let written = Written {
            name,
            count: seen.count,
            at: Instant::now(),
        };
        self.written.insert(Arc::clone(denial), written);
        Ok(())
    }

    async fn create(&self, denial: &Denial, namespace: &str) -> Result<String, Trouble> {
        let Some(seen) = self.seen.get(denial) else {
            return Ok(String::new());
        };
        let name = words::name(denial, seen.first_seen, &self.instance);
        let binding = &denial.binding;
        let warning = Warning {
            namespace,
            name: &name,
            annotation: (DENIAL_ANNOTATION, words::annotation(denial)),
            reason: match denial.companion {
                Some(_) => "RemovalRefused",
                None => "BindingRefused",
            },
            action: "Refuse",
            note: words::note(denial),
            regarding: (
                binding.kind.as_str(),
                binding.namespace.as_deref(),
                &binding.name,
            ),
            reporter: (REPORTING_CONTROLLER, &self.instance),
            count: seen.count,
            first: seen.first_seen,
            last: seen.last_seen,
        };
        event::create(&self.client, warning).await?;
        Ok(name)
    }

    fn complain(&mut self, trouble: Trouble) {
        let is_told = self
            .told
            .as_ref()
            .is_some_and(|(told, at)| told.label() == trouble.label() && at.elapsed() < TELL_AGAIN);
        if !is_told {
            tracing::warn!(
                "an Event about a denial could not be written: {trouble}; calls are answered as ever"
            );
            self.told = Some((trouble, Instant::now()));
        }
    }
}

impl Trouble {
    const fn label(&self) -> EventWrite {
        match self {
            Self::Forbidden(_) => EventWrite::Forbidden,
            Self::Refused(_) => EventWrite::Refused,
            Self::Unreachable => EventWrite::Unreachable,
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forbidden(message) | Self::Refused(message) => Escaped(message).fmt(formatter),
            Self::Unreachable => formatter.write_str("the API server cannot be asked"),
        }
    }
}

impl From<kube::Error> for Trouble {
    fn from(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) if status.code == 403 => {
                // Nothing can be made in a namespace that goes, whatever the rights.
                if status.message.contains("is being terminated") {
                    Self::Refused(status.message)
                } else {
                    Self::Forbidden(status.message)
                }
            }
            kube::Error::Api(status) if status.code < 500 && status.code != 429 => {
                Self::Refused(status.message)
            }
            error => {
                tracing::debug!(%error, "an Event could not be written");
                Self::Unreachable
            }
        }
    }
}

#[cfg(test)]
mod tests;
