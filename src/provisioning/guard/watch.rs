//! Keeps an eye on the guard, and publishes the epoch. One process of a cluster does so at a time.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use kube::api::DynamicObject;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::canary::{self, Canary};
use super::epoch::{CONFIG_MAP, EpochValue, Published};
use super::in_place::{Fault, GuardIdentity, Live, compare};
use super::looks::{Looked, Looker};
use super::standing::{Look, Standing, Watchman};
use super::{ORDERS, orders};
use crate::domain::policy::Policy;
use crate::kubernetes::config_map;
use crate::kubernetes::guard::GuardApi;
use crate::kubernetes::in_time::in_time;

/// How often the guard is looked at.
const INTERVAL: Duration = Duration::from_secs(10);
/// How often while it settles, and how soon after something changed for the worse, which may be a
/// guard that one API server has not taken up yet.
const SOON: Duration = Duration::from_secs(1);
/// How long each step of a look may take, and each write of what it told.
const PATIENCE: Duration = Duration::from_secs(2);

/// Looks at the guard for as long as this future lives, and whenever somebody asks for it, publishes
/// the epoch in this namespace, and tells how the guard stands. What it tells is published already.
///
/// When it is dropped, what is published stays: whoever comes next goes on from there.
pub async fn watch(
    api: &GuardApi,
    namespace: &str,
    mut policies: watch::Receiver<Arc<Policy>>,
    standing: &watch::Sender<Standing>,
    mut looker: Looker,
) -> Infallible {
    let mut watchman = loop {
        match published(api, namespace).await {
            Ok(published) => break Watchman::resuming(published),
            Err(reason) => {
                tell(standing, Standing::NotInPlace(reason));
                sleep(SOON).await;
            }
        }
    };
    let mut pause = SOON;
    let mut due = Instant::now();
    loop {
        let policy = Arc::clone(&policies.borrow_and_update());
        let asked = looker.begin();
        let look = look(api, &policy).await;
        let told = if let Some(reason) = look.unknown().filter(|_| Instant::now() < due) {
            // What somebody asked for in between, and tells nothing, suspends nothing either: there
            // may be many of them. One whose time has come always tells.
            Err(reason)
        } else {
            let seen = watchman.observe(Instant::now(), &look, EpochValue::fresh);
            let published = watchman.published(&seen);
            let seen = match publish(api, namespace, &published).await {
                Ok(()) => seen,
                Err(reason) => Standing::NotInPlace(reason),
            };
            let is_news = *standing.borrow() != seen;
            pause = match seen {
                Standing::InPlace(_) => INTERVAL,
                Standing::Settling => SOON,
                Standing::NotInPlace(_) if is_news => SOON,
                Standing::NotInPlace(_) => INTERVAL.min(pause * 2),
            };
            due = Instant::now() + pause;
            tell(standing, seen.clone());
            Ok(Looked {
                policy,
                standing: seen,
            })
        };
        looker.end(asked, told);
        tokio::select! {
            () = sleep_until(due) => {}
            () = looker.is_asked() => {}
            // Another policy may want another guard. A sender that is gone never changes anything.
            Ok(()) = policies.changed() => due = Instant::now(),
        }
    }
}

/// The guard as it is now, if it is what the policy wants: read binding first, then policy.
///
/// # Errors
///
/// The outer one, if it cannot be read; the inner one, if it is not in place.
async fn read(api: &GuardApi, policy: &Policy) -> Result<Result<GuardIdentity, Fault>, String> {
    let wanted = orders(policy);
    if wanted.is_none() {
        return Ok(Err(Fault::Disabled));
    }
    let binding = in_time(PATIENCE, api.binding(ORDERS)).await?;
    let policy = in_time(PATIENCE, api.policy(ORDERS)).await?;
    Ok(compare(
        wanted.as_ref(),
        binding.map(live).as_ref(),
        policy.map(live).as_ref(),
    ))
}

async fn look(api: &GuardApi, policy: &Policy) -> Look {
    let guard = read(api, policy).await;
    // Without a guard it would only be a nuisance to whoever reads the API server's audit log.
    let canary = if matches!(guard, Ok(Err(Fault::Disabled | Fault::Missing { .. }))) {
        Canary::Unknown("there is no guard".to_owned())
    } else {
        match timeout(PATIENCE, api.try_create(&canary::object(policy))).await {
            Ok(answer) => canary::read(answer),
            Err(_elapsed) => Canary::Unknown("it took too long to try".to_owned()),
        }
    };
    Look { guard, canary }
}

fn live(object: DynamicObject) -> Live {
    let mut data = object.data;
    Live {
        uid: object.metadata.uid.unwrap_or_default(),
        generation: object.metadata.generation.unwrap_or_default(),
        is_deleting: object.metadata.deletion_timestamp.is_some(),
        spec: data
            .get_mut("spec")
            .map(serde_json::Value::take)
            .unwrap_or_default(),
    }
}

async fn published(api: &GuardApi, namespace: &str) -> Result<Option<Published>, String> {
    let read = config_map::read(api.client(), namespace, CONFIG_MAP);
    let found = in_time(PATIENCE, read)
        .await
        .map_err(|error| format!("ConfigMap {namespace}/{CONFIG_MAP} cannot be read: {error}"))?;
    Ok(found.as_ref().map(Published::of_data))
}

async fn publish(api: &GuardApi, namespace: &str, published: &Published) -> Result<(), String> {
    let data = published.to_data();
    let write = config_map::write(api.client(), namespace, CONFIG_MAP, &data);
    in_time(PATIENCE, write)
        .await
        .map_err(|error| format!("ConfigMap {namespace}/{CONFIG_MAP} cannot be written: {error}"))
}

/// Tells and logs what is new.
fn tell(told: &watch::Sender<Standing>, standing: Standing) {
    told.send_if_modified(|last| {
        if *last == standing {
            return false;
        }
        match &standing {
            Standing::InPlace(epoch) => {
                tracing::info!(epoch = %epoch.value, "the guard of orders is in place");
            }
            Standing::Settling => {
                tracing::info!("the guard of orders was put in place; orders count in a moment");
            }
            Standing::NotInPlace(reason) => tracing::warn!(
                reason,
                "the guard of orders is not in place; no orders are taken"
            ),
        }
        *last = standing;
        true
    });
}
