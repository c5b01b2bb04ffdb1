//! What the webhooks know of provisioning: the epoch, and whom to ask about rights.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use futures::StreamExt as _;
use kube::Client;
use tokio::time::{Instant, sleep, timeout_at};

use super::access::Access;
use super::guard::epoch::{CONFIG_MAP, EpochValue, Published};
use crate::kubernetes::config_map::{Data, follow};
use crate::telemetry::metrics::Metrics;

/// How long the epoch counts on that was known last, while it cannot be read: as long as orders may
/// take to be noticed anyway.
const STALE: Duration = Duration::from_secs(30);
/// How long after the first failure it is tried to read it again, and how long at most: whoever has
/// not the right to read it may never get it.
const AGAIN: Duration = Duration::from_secs(1);
const AT_MOST: Duration = Duration::from_secs(15);

/// The epoch, or why there is none.
pub type EpochNow = Result<EpochValue, String>;

/// Takes in orders, or says why none are taken. Clones share it.
#[derive(Clone, Debug)]
pub struct Intake {
    epoch: Arc<ArcSwap<EpochNow>>,
    access: Option<Access>,
}

impl Intake {
    /// Takes none, for this reason.
    #[must_use]
    pub fn closed(reason: &str) -> Self {
        Self {
            epoch: Arc::new(ArcSwap::from_pointee(Err(reason.to_owned()))),
            access: None,
        }
    }

    /// Takes those of the epoch that it is told, and none before.
    #[must_use]
    pub fn asking(access: Access) -> Self {
        Self {
            access: Some(access),
            ..Self::closed("whether orders are taken is not known yet")
        }
    }

    /// The epoch now.
    #[must_use]
    pub fn epoch(&self) -> Arc<EpochNow> {
        self.epoch.load_full()
    }

    /// Whom to ask about rights; nobody, where no orders are taken.
    #[must_use]
    pub const fn access(&self) -> Option<&Access> {
        self.access.as_ref()
    }

    /// Tells the epoch from now on.
    pub fn set(&self, epoch: EpochNow) {
        self.epoch.store(Arc::new(epoch));
    }

    /// Keeps up with what is published in this namespace, for as long as this future lives. Logs
    /// each change, and keeps the gauge.
    pub async fn follow(&self, client: Client, namespace: &str, metrics: &Metrics) -> Infallible {
        let tell = |epoch: EpochNow| {
            metrics.set_orders_taken(epoch.is_ok());
            if *self.epoch() == epoch {
                return;
            }
            match &epoch {
                Ok(epoch) => tracing::info!(%epoch, "orders for companions are taken"),
                Err(reason) => tracing::info!(reason, "no orders for companions are taken"),
            }
            self.set(epoch);
        };
        let mut stale_at: Option<Instant> = None;
        let mut pause = AGAIN;
        loop {
            let mut seen = follow(&client, namespace, CONFIG_MAP);
            let error = loop {
                let next = match stale_at {
                    Some(until) => timeout_at(until, seen.next()).await,
                    None => Ok(seen.next().await),
                };
                match next {
                    Ok(Some(Ok(data))) => {
                        stale_at = None;
                        pause = AGAIN;
                        tell(epoch_of(data.as_ref(), namespace));
                    }
                    Ok(Some(Err(error))) => break error.to_string(),
                    Ok(None) => break "the watch ended".to_owned(),
                    Err(_elapsed) => {
                        stale_at = None;
                        tell(Err(unreadable(namespace)));
                    }
                }
            };
            tracing::debug!(error, "the epoch cannot be followed");
            match stale_at {
                // Before anything was known, this is why.
                None if self.epoch().is_err() => tell(Err(unreadable(namespace))),
                None => stale_at = Some(Instant::now() + STALE),
                Some(until) if until <= Instant::now() => {
                    stale_at = None;
                    tell(Err(unreadable(namespace)));
                }
                Some(_) => {}
            }
            sleep(pause).await;
            pause = AT_MOST.min(pause * 2);
        }
    }
}

fn unreadable(namespace: &str) -> String {
    format!("ConfigMap {namespace}/{CONFIG_MAP} cannot be read")
}

fn epoch_of(data: Option<&Data>, namespace: &str) -> EpochNow {
    let Some(data) = data else {
        return Err(format!(
            "nothing here makes companions (there is no ConfigMap {namespace}/{CONFIG_MAP})"
        ));
    };
    let Published { epoch, paused } = Published::of_data(data);
    match (epoch, paused) {
        (Some(epoch), None) => Ok(epoch.value),
        (_, Some(reason)) => Err(reason),
        (None, None) => Err(format!(
            "no controller has found the guard of orders in place yet (ConfigMap \
             {namespace}/{CONFIG_MAP} holds no epoch)"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::epoch_of;
    use crate::kubernetes::config_map::Data;
    use crate::provisioning::guard::epoch::{Epoch, EpochValue, Published};
    use crate::provisioning::guard::in_place::{GuardIdentity, Version};

    #[test]
    fn orders_are_taken_only_in_an_epoch_that_is_not_paused() {
        let version = Version {
            uid: "u".to_owned(),
            generation: 1,
        };
        let value = EpochValue::fresh().unwrap();
        let published = Published {
            epoch: Some(Epoch {
                value: value.clone(),
                guard: GuardIdentity {
                    policy: version.clone(),
                    binding: version,
                },
            }),
            paused: None,
        };
        assert_eq!(epoch_of(Some(&published.to_data()), "ns"), Ok(value));
        let paused = Published {
            paused: Some("why".to_owned()),
            ..published
        };
        assert_eq!(
            epoch_of(Some(&paused.to_data()), "ns"),
            Err("why".to_owned())
        );
        assert!(epoch_of(Some(&Data::new()), "ns").is_err());
        assert_eq!(
            epoch_of(None, "ns").unwrap_err(),
            "nothing here makes companions (there is no ConfigMap ns/bindguard-epoch)"
        );
    }
}
