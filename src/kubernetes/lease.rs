//! Leader election by a Lease, as client-go does it.
//!
//! Who holds the Lease leads. It is written by resourceVersion only, so that of two who reach for
//! it one gets it. That another has let it run out is judged by how long *we* have seen it
//! unchanged, and never by comparing the clocks of two machines. A leader that could not renew it
//! for a while stops its work some seconds before anybody else may begin.

use std::collections::hash_map::RandomState;
use std::convert::Infallible;
use std::hash::BuildHasher as _;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::api::PostParams;
use kube::{Api, Client};
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};

use super::secret::FIELD_MANAGER;

/// How long each part of the election takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Others may take the Lease when they have seen it unchanged for so long. Whole seconds.
    pub duration: Duration,
    /// The leader stops when so long has passed since it began its last successful renewal.
    pub stop_after: Duration,
    /// Between two attempts to renew or to get it.
    pub interval: Duration,
}

impl Default for Timing {
    /// As client-go has them.
    fn default() -> Self {
        Self {
            duration: Duration::from_secs(15),
            stop_after: Duration::from_secs(10),
            interval: Duration::from_secs(2),
        }
    }
}

/// One who would lead.
pub struct Candidate {
    api: Api<Lease>,
    name: String,
    identity: String,
    timing: Timing,
    now: fn() -> Timestamp,
    /// The Lease of another as it was seen last, and since when.
    seen: Option<(String, Instant)>,
    /// What was complained of last, so that it is told once.
    complained: Option<String>,
}

/// What came of one attempt to hold the Lease.
#[derive(Debug, PartialEq, Eq)]
enum Attempt {
    /// It is ours, by a write that began at this moment.
    Held,
    /// Another holds it.
    Taken,
    /// Nobody can say.
    Failed,
}

impl Candidate {
    /// One who goes by the name of the machine, which is that of the pod, and a random part. The
    /// time goes into the Lease for people to read; nothing is decided by it.
    #[must_use]
    pub fn new(
        client: Client,
        namespace: &str,
        name: &str,
        timing: Timing,
        now: fn() -> Timestamp,
    ) -> Self {
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let random = RandomState::new().hash_one(0);
        Self {
            api: Api::namespaced(client, namespace),
            name: name.to_owned(),
            identity: format!("{}_{random:016x}", host.trim()),
            timing,
            now,
            seen: None,
            complained: None,
        }
    }

    /// By what name it is known.
    #[must_use]
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// Does the work whenever, and only while, it leads. `changed` hears of each change, after the
    /// work has stopped and before it begins.
    pub async fn lead<W>(
        &mut self,
        mut changed: impl FnMut(bool),
        mut work: impl FnMut() -> W,
    ) -> Infallible
    where
        W: Future<Output = Infallible>,
    {
        loop {
            let held_since = self.acquire().await;
            changed(true);
            {
                let renewing = self.renew_until_lost(held_since);
                tokio::select! {
                    biased;
                    () = renewing => {}
                    never = work() => match never {},
                }
            }
            changed(false);
        }
    }

    /// Gives the Lease back, if it is ours, so that another need not wait for it to run out.
    ///
    /// # Errors
    ///
    /// If the API server cannot be asked, or refuses.
    pub async fn release(&self) -> kube::Result<()> {
        loop {
            let Some(mut lease) = self.api.get_opt(&self.name).await? else {
                return Ok(());
            };
            if holder(&lease) != Some(self.identity.as_str()) {
                return Ok(());
            }
            let spec = lease.spec.get_or_insert_default();
            spec.holder_identity = None;
            spec.acquire_time = None;
            spec.renew_time = None;
            spec.lease_duration_seconds = None;
            match self.replace(&lease).await {
                // A renewal of ours was still on its way.
                Err(kube::Error::Api(status)) if status.code == 409 => {}
                replaced => return replaced,
            }
        }
    }

    /// Returns when it is ours, with the moment from which that holds.
    async fn acquire(&mut self) -> Instant {
        loop {
            let begun = Instant::now();
            let limit = self.timing.stop_after;
            let attempt = timeout(limit, self.attempt(begun)).await;
            if attempt == Ok(Attempt::Held) {
                return begun;
            }
            sleep(self.timing.interval).await;
        }
    }

    /// Renews it again and again, and returns when it is lost, or cannot be told to be ours any
    /// more.
    async fn renew_until_lost(&mut self, held_since: Instant) {
        let mut stop_at = held_since + self.timing.stop_after;
        loop {
            let next = Instant::now() + self.timing.interval;
            sleep_until(next.min(stop_at)).await;
            let begun = Instant::now();
            match timeout_at(stop_at, self.attempt(begun)).await {
                Ok(Attempt::Held) => stop_at = begun + self.timing.stop_after,
                Ok(Attempt::Failed) if begun < stop_at => {}
                Ok(Attempt::Taken) => {
                    tracing::warn!(lease = self.name, "another controller holds the lease now");
                    return;
                }
                Ok(Attempt::Failed) | Err(_) => {
                    tracing::warn!(
                        lease = self.name,
                        "the lease could not be renewed in time; the work stops until it is held again"
                    );
                    return;
                }
            }
        }
    }

    async fn attempt(&mut self, begun: Instant) -> Attempt {
        match self.try_once(begun).await {
            Ok(is_held) => {
                self.complained = None;
                if is_held {
                    Attempt::Held
                } else {
                    Attempt::Taken
                }
            }
            // Somebody was faster; the next look says who.
            Err(kube::Error::Api(status)) if status.code == 409 => Attempt::Failed,
            Err(error) => {
                let told = error.to_string();
                if self.complained.as_ref() != Some(&told) {
                    tracing::warn!(%error, lease = self.name, "the lease cannot be asked for");
                    self.complained = Some(told);
                }
                Attempt::Failed
            }
        }
    }

    /// Whether it is ours now, which it is made if it can be.
    async fn try_once(&mut self, seen_at: Instant) -> kube::Result<bool> {
        let Some(mut lease) = self.api.get_opt(&self.name).await? else {
            let lease = self.fresh();
            self.api.create(&parameters(), &lease).await?;
            return Ok(true);
        };
        let is_ours = holder(&lease) == Some(self.identity.as_str());
        if !is_ours && !self.may_take(&lease, seen_at) {
            return Ok(false);
        }
        let fresh = self.fresh().spec.unwrap_or_default();
        let spec = lease.spec.get_or_insert_default();
        if !is_ours {
            spec.acquire_time = fresh.acquire_time;
            spec.lease_transitions = Some(spec.lease_transitions.unwrap_or_default() + 1);
        }
        spec.holder_identity = fresh.holder_identity;
        spec.lease_duration_seconds = fresh.lease_duration_seconds;
        spec.renew_time = fresh.renew_time;
        self.replace(&lease).await?;
        self.seen = None;
        Ok(true)
    }

    /// Whether nobody holds it, or whoever does has not renewed it before our eyes for as long as
    /// it said it would take.
    fn may_take(&mut self, lease: &Lease, seen_at: Instant) -> bool {
        if holder(lease).is_none() {
            return true;
        }
        let version = lease.metadata.resource_version.clone().unwrap_or_default();
        let own = self.timing.duration;
        let promised = lease
            .spec
            .as_ref()
            .and_then(|spec| u64::try_from(spec.lease_duration_seconds?).ok());
        let duration = promised.map_or(own, Duration::from_secs);
        match &self.seen {
            Some((known, since)) if *known == version => {
                seen_at.saturating_duration_since(*since) >= duration
            }
            _ => {
                self.seen = Some((version, seen_at));
                false
            }
        }
    }

    fn fresh(&self) -> Lease {
        let now = micro_time((self.now)());
        Lease {
            metadata: ObjectMeta {
                name: Some(self.name.clone()),
                ..ObjectMeta::default()
            },
            spec: Some(LeaseSpec {
                holder_identity: Some(self.identity.clone()),
                lease_duration_seconds: i32::try_from(self.timing.duration.as_secs()).ok(),
                acquire_time: now.clone(),
                renew_time: now,
                lease_transitions: Some(0),
                ..LeaseSpec::default()
            }),
        }
    }

    async fn replace(&self, lease: &Lease) -> kube::Result<()> {
        self.api.replace(&self.name, &parameters(), lease).await?;
        Ok(())
    }
}

fn parameters() -> PostParams {
    PostParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PostParams::default()
    }
}

fn holder(lease: &Lease) -> Option<&str> {
    let holder = lease.spec.as_ref()?.holder_identity.as_deref()?;
    (!holder.is_empty()).then_some(holder)
}

/// Kubernetes' types have a time type of another version of the same library.
pub(super) fn micro_time(time: Timestamp) -> Option<MicroTime> {
    let time = k8s_openapi::jiff::Timestamp::from_microsecond(time.as_microsecond());
    time.ok().map(MicroTime)
}

#[cfg(test)]
mod tests;
