//! From the bindings with an order to what became of each order.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::convert::Infallible;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::ObjectReference;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::sleep;

use super::carried_out::{MOST, OrderKey};
use super::make::Made;
use super::store::Store;
use crate::domain::binding::{BindingKind, RBAC_GROUP};
use crate::kubernetes::guard::GuardApi;
use crate::kubernetes::happening::{Happening, Happenings};
use crate::kubernetes::ordered::Annotated;
use crate::provisioning::guard::looks::Looks;
use crate::provisioning::guard::standing::Standing;
use crate::provisioning::order::{NoOrder, Order, is_past};
use crate::state::handle::State;
use crate::telemetry::labels::OrderEnd;
use crate::telemetry::metrics::Metrics;

/// How many orders are worked on at a time. Each asks the API server for one thing after the other.
const AT_A_TIME: usize = 8;
/// How many Events are written at a time.
pub(super) const TELLING: usize = 4;
/// The waits before the next attempt, from the first to the longest.
const FIRST_WAIT: Duration = Duration::from_millis(200);
const LAST_WAIT: Duration = Duration::from_secs(15);

/// What orders are carried out with.
pub(super) struct Carrier {
    pub(super) guard: GuardApi,
    pub(super) state: State,
    pub(super) standings: watch::Receiver<Standing>,
    pub(super) looks: Looks,
    pub(super) store: Store,
    pub(super) happenings: Happenings,
    pub(super) metrics: Metrics,
    pub(super) now: fn() -> Timestamp,
    /// The places for those who tell of something: many orders may end at once.
    pub(super) telling: Semaphore,
}

/// One order on one binding.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Ordered {
    pub(super) kind: BindingKind,
    pub(super) namespace: Option<String>,
    pub(super) name: String,
    pub(super) uid: String,
    pub(super) key: OrderKey,
    /// When it was placed, as it says.
    pub(super) placed: Timestamp,
}

/// What came of one attempt.
pub(super) enum Attempt {
    /// There is nothing more to do.
    Ended(Ending),
    /// It may go better later. Why not now.
    Later(String),
}

/// How it ended.
pub(super) enum Ending {
    /// The companions that were missing were made, or nothing was missing.
    CarriedOut(Made),
    /// It does not count, and will not.
    DoesNotCount(NoOrder),
    /// It was carried out before, the binding is gone or going, or its order is another.
    Past,
}

/// Carries out what is found, each order once however often it is found.
pub(super) async fn carry_out(
    carrier: &Carrier,
    mut found: mpsc::Receiver<Annotated>,
) -> Infallible {
    // Whether each was found again since it is under way.
    let mut known: HashMap<Ordered, bool> = HashMap::new();
    let places = Semaphore::new(AT_A_TIME);
    let mut under_way = FuturesUnordered::new();
    loop {
        tokio::select! {
            Some(binding) = found.recv() => {
                let Some(ordered) = carrier.candidate(&binding) else { continue };
                let count = known.len();
                match known.entry(ordered) {
                    Entry::Occupied(mut again) => *again.get_mut() = true,
                    Entry::Vacant(_) if count >= MOST => carrier.metrics.order_ended(OrderEnd::Crowded),
                    Entry::Vacant(new) => {
                        under_way.push(carrier.carry(new.key().clone(), &places));
                        new.insert(false);
                    }
                }
            }
            Some(ordered) = under_way.next() => {
                // It may have changed after it was read for the last time.
                if known.insert(ordered.clone(), false) == Some(true) {
                    under_way.push(carrier.carry(ordered, &places));
                } else {
                    known.remove(&ordered);
                }
            }
        }
        carrier.metrics.set_orders_waiting(known.len());
    }
}

impl Carrier {
    /// The order on a binding, unless it is none, or past its time, or carried out already: a
    /// binding keeps its order for as long as it lives.
    fn candidate(&self, binding: &Annotated) -> Option<Ordered> {
        let order = Order::parse(&binding.value).ok()?;
        let ordered = Ordered {
            kind: match binding.namespace {
                Some(_) => BindingKind::RoleBinding,
                None => BindingKind::ClusterRoleBinding,
            },
            namespace: binding.namespace.clone(),
            name: binding.name.clone(),
            uid: binding.uid.clone(),
            key: OrderKey::of(&binding.uid, &binding.value),
            placed: order.time(),
        };
        (!self.is_expired(&ordered) && !self.store.contains(ordered.key)).then_some(ordered)
    }

    /// Tries until it has ended.
    async fn carry(&self, ordered: Ordered, places: &Semaphore) -> Ordered {
        let mut standings = self.standings.clone();
        let mut wait = FIRST_WAIT;
        let mut made = Made::default();
        let mut is_told = false;
        loop {
            standings.mark_unchanged();
            // It is never closed.
            let place = places.acquire().await;
            let attempt = self.attempt(&ordered, &mut made).await;
            drop(place);
            let reason = match attempt {
                Attempt::Ended(ending) => {
                    self.ended(&ordered, ending).await;
                    return ordered;
                }
                Attempt::Later(reason) => reason,
            };
            if self.is_expired(&ordered) {
                self.expired(&ordered, &reason).await;
                return ordered;
            }
            if !is_told && wait > FIRST_WAIT {
                is_told = true;
                // Why no order is carried out is in the log already, and this may be one of many.
                tracing::debug!(binding = ?ordered.shown(), reason, "an order waits");
                let note = format!("the order for companions waits: {reason}");
                self.tell(&ordered, true, "OrderWaits", &note).await;
            }
            tokio::select! {
                () = sleep(wait) => {}
                Ok(()) = standings.changed() => {}
            }
            wait = wait.saturating_mul(2).min(LAST_WAIT);
        }
    }

    pub(super) fn is_expired(&self, ordered: &Ordered) -> bool {
        let Some(snapshot) = self.state.current() else {
            return false;
        };
        let lifetime = snapshot.policy().provisioning.order_lifetime;
        is_past(ordered.placed, (self.now)(), lifetime)
    }

    async fn ended(&self, ordered: &Ordered, ending: Ending) {
        match ending {
            Ending::CarriedOut(made) if made.is_nothing() => {
                self.metrics.order_ended(OrderEnd::NothingMissing);
            }
            Ending::CarriedOut(made) => {
                let note = made.to_string();
                tracing::info!(binding = ?ordered.shown(), made = note, "an order was carried out");
                self.metrics.order_ended(OrderEnd::CarriedOut);
                self.tell(ordered, made.is_in_the_way(), "CompanionsMade", &note)
                    .await;
            }
            Ending::DoesNotCount(reason) => {
                tracing::warn!(binding = ?ordered.shown(), %reason, "an order does not count");
                self.metrics.order_ended(OrderEnd::DoesNotCount);
                let note = format!("the order for companions does not count: {reason}");
                self.tell(ordered, true, "OrderDoesNotCount", &note).await;
            }
            Ending::Past => self.metrics.order_ended(OrderEnd::Past),
        }
    }

    async fn expired(&self, ordered: &Ordered, reason: &str) {
        tracing::warn!(binding = ?ordered.shown(), reason, "an order expired");
        self.metrics.order_ended(OrderEnd::Expired);
        let note = format!(
            "the order for companions expired before it could be carried out: {reason}. Set \
             bindguard.dev/provision anew to order again"
        );
        self.tell(ordered, true, "OrderExpired", &note).await;
    }

    async fn tell(&self, ordered: &Ordered, is_warning: bool, reason: &'static str, note: &str) {
        let happening = Happening {
            is_warning,
            reason,
            action: "Provision",
            note,
        };
        // It is never closed.
        let _place = self.telling.acquire().await;
        let told = self.happenings.tell(&ordered.reference(), happening).await;
        self.metrics.event_told(told);
    }
}

impl Ordered {
    fn shown(&self) -> (BindingKind, Option<&str>, &str) {
        (self.kind, self.namespace.as_deref(), &self.name)
    }

    fn reference(&self) -> ObjectReference {
        ObjectReference {
            api_version: Some(format!("{RBAC_GROUP}/v1")),
            kind: Some(self.kind.as_str().to_owned()),
            namespace: self.namespace.clone(),
            name: Some(self.name.clone()),
            uid: Some(self.uid.clone()),
            ..ObjectReference::default()
        }
    }
}
