//! Carries orders out: it makes the companions that somebody ordered who could have made them by
//! hand. One process of a cluster does so at a time.
//!
//! It acts on bindings that are stored, and trusts nothing that the webhooks did before.

mod candidates;
mod carried_out;
mod carry;
mod make;
pub mod rights;
mod store;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::sleep;

use self::candidates::follow;
use self::carry::{Carrier, TELLING, carry_out};
use self::store::Store;
use crate::domain::policy::{Policy, ProvisioningMode};
use crate::kubernetes::guard::GuardApi;
use crate::kubernetes::happening::Happenings;
use crate::kubernetes::ordered;
use crate::provisioning::ORDER;
use crate::provisioning::guard::looks::looks;
use crate::provisioning::guard::standing::Standing;
use crate::provisioning::guard::watch as watch_guard;
use crate::state::event::Observer;
use crate::state::handle::State;
use crate::state::watch::watch_cluster;
use crate::telemetry::metrics::Metrics;

pub use carried_out::{CONFIG_MAP, CarriedOut, OrderKey};

/// How long after it failed what was carried out is read again.
const AGAIN: Duration = Duration::from_secs(1);
/// How many candidates wait to be looked at before a watch is read on.
const AHEAD: usize = 256;

/// What carrying orders out takes.
pub struct Provisioner {
    /// The cluster, and how guards are read and tried there.
    pub guard: GuardApi,
    /// bindguard's own namespace.
    pub namespace: String,
    /// The policy in force, from now on.
    pub policies: watch::Receiver<Arc<Policy>>,
    /// Who tells people in Events.
    pub happenings: Happenings,
    /// What is counted.
    pub metrics: Metrics,
    /// Whoever hears of the watch on bindings.
    pub observer: Observer,
    /// The clock.
    pub now: fn() -> Timestamp,
}

impl Provisioner {
    /// Carries orders out for as long as this future lives, while the policy lets anybody order.
    pub async fn run(&self) -> Infallible {
        let mut policies = self.policies.clone();
        loop {
            wait_for(&mut policies, |mode| mode != ProvisioningMode::Disabled).await;
            tokio::select! {
                never = self.provision() => match never {},
                () = wait_for(&mut policies, |mode| mode == ProvisioningMode::Disabled) => {}
            }
            self.metrics.set_orders_taken(false);
            tracing::info!(
                "the policy says provisioning.mode: Disabled; no orders are carried out"
            );
        }
    }

    async fn provision(&self) -> Infallible {
        let client = self.guard.client();
        let policy = Arc::clone(&self.policies.borrow());
        rights::check(client, &self.namespace, &policy, &self.metrics).await;
        let (standing, standings) =
            watch::channel(Standing::NotInPlace("it was not looked at yet".to_owned()));
        let (asking, looker) = looks();
        let state = State::new();
        let (found, candidates) = mpsc::channel(AHEAD);
        let carrier = async {
            let carrier = Carrier {
                guard: self.guard.clone(),
                state: state.clone(),
                standings: standings.clone(),
                looks: asking,
                store: self.store().await,
                happenings: self.happenings.clone(),
                metrics: self.metrics.clone(),
                now: self.now,
                telling: Semaphore::new(TELLING),
            };
            // Who lacks what, and which orders are past their time, is known only then.
            let _ = state.synced().wait_for(|synced| *synced).await;
            carry_out(&carrier, candidates).await
        };
        tokio::join!(
            carrier,
            watch_guard(
                &self.guard,
                &self.namespace,
                self.policies.clone(),
                &standing,
                looker,
            ),
            watch_cluster(
                client.clone(),
                state.clone(),
                self.policies.clone(),
                self.observer.clone(),
            ),
            follow(|| ordered::role_bindings(client, ORDER), &found),
            follow(|| ordered::cluster_role_bindings(client, ORDER), &found),
            self.show(standings.clone()),
        )
        .0
    }

    async fn store(&self) -> Store {
        let mut is_logged = false;
        loop {
            let client = self.guard.client().clone();
            match Store::open(client, &self.namespace, self.now).await {
                Ok(store) => return store,
                Err(reason) if !is_logged => {
                    is_logged = true;
                    tracing::warn!(
                        reason,
                        "ConfigMap {}/{CONFIG_MAP} cannot be read; no orders are carried out until it can",
                        self.namespace
                    );
                }
                Err(_reason) => {}
            }
            sleep(AGAIN).await;
        }
    }

    async fn show(&self, mut standings: watch::Receiver<Standing>) -> Infallible {
        loop {
            let is_in_place = matches!(*standings.borrow_and_update(), Standing::InPlace(_));
            self.metrics.set_orders_taken(is_in_place);
            if standings.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }
}

/// Returns when the policy in force has such a mode; never, if there will be no other policy.
async fn wait_for(
    policies: &mut watch::Receiver<Arc<Policy>>,
    is_such: impl Fn(ProvisioningMode) -> bool,
) {
    let awaited = policies.wait_for(|policy| is_such(policy.provisioning.mode));
    if awaited.await.is_err() {
        std::future::pending::<()>().await;
    }
}
