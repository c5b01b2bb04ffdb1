//! What is wrong in a cluster now, and from now on: found anew whenever something changes, from
//! what two watches bring.
//!
//! Whoever shows it, or tells of it, takes a receiver of [`Standings`].

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use kube::Client;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::judge::{Elsewhere, Report};
use super::scan::Filter;
use super::survey::{Beside, First, Look, Orders, Roles, Told};
use crate::domain::binding::BindingKind;
use crate::domain::policy::Policy;
use crate::state::census::Census;
use crate::state::census::watch::watch_census;
use crate::state::event::Observer;
use crate::telemetry::labels::FindingReason;

/// How long changes are gathered before all is judged anew.
const GATHER: Duration = Duration::from_millis(200);
/// Judging takes at most one part in so many of the time.
const SHARE: u32 = 10;
/// How often roles, orders and the time are looked at though no binding changes.
const INTERVAL: Duration = Duration::from_secs(10);
/// The most findings that are kept, the worst first. All are counted.
const MOST: usize = 10_000;

/// What is wrong, by which policy, and since when that is known.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The policy, without which a finding has no words.
    pub policy: Arc<Policy>,
    /// What was found. Its bindings have their uids. Where there is very much, only the worst is
    /// kept, and [`Summary::findings`](super::Summary::findings) is how many there are.
    pub report: Report,
    /// How many findings of each kind there are.
    pub counts: Vec<(FindingReason, usize)>,
    /// When it was found.
    pub made: Timestamp,
}

/// The newest standing; nothing until all bindings have been listed once. It changes only when
/// something else is wrong than before.
pub type Standings = watch::Receiver<Option<Arc<Standing>>>;

/// Whoever keeps a standing.
pub struct Keeper {
    /// The cluster.
    pub client: Client,
    /// bindguard's own namespace, where the controller says whether orders are taken.
    pub namespace: String,
    /// The policy in force, from now on.
    pub policies: watch::Receiver<Arc<Policy>>,
    /// What is found elsewhere, from now on.
    pub elsewhere: watch::Receiver<Elsewhere>,
    /// Whoever hears of the watches.
    pub observer: Observer,
    /// The clock.
    pub now: fn() -> Timestamp,
}

/// What is known beside bindings.
struct Aside {
    roles: Roles,
    orders: Orders,
}

/// What one look through the census told, beside the report.
struct Judged {
    report: Report,
    persona_roles: Vec<String>,
    has_orders: bool,
}

impl Keeper {
    /// Keeps it for as long as this future lives. `told` is told of every look, the first one
    /// included.
    pub async fn keep(
        &self,
        standings: &watch::Sender<Option<Arc<Standing>>>,
        told: impl Fn(&Standing),
    ) -> Infallible {
        let mut policies = self.policies.clone();
        loop {
            let policy = Arc::clone(&policies.borrow_and_update());
            let census = Arc::new(Census::new(Arc::clone(&policy)));
            let other = policies.wait_for(|policy| !census.serves(policy));
            tokio::select! {
                never = watch_census(
                    self.client.clone(),
                    Arc::clone(&census),
                    self.observer.clone(),
                ) => match never {},
                never = self.judge(&census, standings, &told) => match never {},
                // Another policy is about other bindings, which have to be listed. A sender that is
                // gone never changes anything.
                Ok(_) = other => {}
            }
        }
    }

    async fn judge(
        &self,
        census: &Arc<Census>,
        standings: &watch::Sender<Option<Arc<Standing>>>,
        told: &impl Fn(&Standing),
    ) -> Infallible {
        let (mut policies, mut elsewhere) = (self.policies.clone(), self.elsewhere.clone());
        let mut changes = census.changes();
        while !census.is_listed() {
            // The census lives as long as this.
            let _ = changes.changed().await;
        }
        let mut aside = Aside {
            roles: Roles::default(),
            orders: Orders::unknown(),
        };
        // What roles and orders there are to look at is known only after the first look.
        let mut is_first = true;
        let mut look_aside = Instant::now();
        loop {
            changes.mark_unchanged();
            let policy = Arc::clone(&policies.borrow_and_update());
            let found = elsewhere.borrow_and_update().clone();
            let began = Instant::now();
            let judged = self.look(census, &policy, &aside, found).await;
            let took = began.elapsed();
            if is_first || look_aside.elapsed() >= INTERVAL {
                let before = std::mem::replace(&mut is_first, false);
                look_aside = Instant::now();
                let seen = self.look_aside(&policy, &judged).await;
                let is_news = (&seen.roles, &seen.orders) != (&aside.roles, &aside.orders);
                aside = seen;
                if before || is_news {
                    continue;
                }
            }
            let standing = self.standing(policy, judged.report);
            told(&standing);
            standings.send_if_modified(|last| {
                let is_news = last.as_ref().is_none_or(|last| {
                    last.report != standing.report || last.policy != standing.policy
                });
                if is_news {
                    *last = Some(Arc::new(standing));
                }
                is_news
            });
            sleep(GATHER.max(took.saturating_mul(SHARE))).await;
            let next = INTERVAL.saturating_sub(look_aside.elapsed());
            tokio::select! {
                Ok(()) = changes.changed() => {}
                Ok(()) = policies.changed() => {}
                Ok(()) = elsewhere.changed() => {}
                () = sleep(next) => {}
            }
        }
    }

    /// Judges everything, off the threads that answer.
    async fn look(
        &self,
        census: &Arc<Census>,
        policy: &Arc<Policy>,
        aside: &Aside,
        elsewhere: Elsewhere,
    ) -> Judged {
        loop {
            let (census, policy) = (Arc::clone(census), Arc::clone(policy));
            let (roles, orders) = (aside.roles.clone(), aside.orders.clone());
            let (now, elsewhere) = ((self.now)(), elsewhere.clone());
            let work = move || {
                let beside = Beside {
                    roles: &roles,
                    orders: &orders,
                    now,
                };
                judge_all(&census, &policy, beside, elsewhere)
            };
            match tokio::task::spawn_blocking(work).await {
                Ok(judged) => return judged,
                Err(error) => tracing::error!(%error, "judging all bindings broke off"),
            }
            sleep(INTERVAL).await;
        }
    }

    async fn look_aside(&self, policy: &Policy, judged: &Judged) -> Aside {
        let roles = judged.persona_roles.iter().map(String::as_str);
        Aside {
            roles: Roles::read(&self.client, policy, roles).await,
            orders: if judged.has_orders {
                Orders::read(&self.client, &self.namespace, policy).await
            } else {
                Orders::unknown()
            },
        }
    }

    fn standing(&self, policy: Arc<Policy>, mut report: Report) -> Standing {
        let counts = report.counts();
        report.findings.truncate(MOST);
        Standing {
            policy,
            report,
            counts,
            made: (self.now)(),
        }
    }
}

fn judge_all(census: &Census, policy: &Policy, beside: Beside<'_>, elsewhere: Elsewhere) -> Judged {
    let filter = Filter::default();
    let look = Look {
        policy,
        filter: &filter,
    };
    let (mut first, mut told) = (First::default(), Told::default());
    census.each(BindingKind::ClusterRoleBinding, |seen| {
        first.take(look, seen);
    });
    for kind in [BindingKind::ClusterRoleBinding, BindingKind::RoleBinding] {
        census.each(kind, |seen| told.take(look, seen, &first));
    }
    let persona_roles = told.persona_roles().map(str::to_owned).collect();
    let has_orders = told.has_orders();
    let mut report = told.conclude(look, first, beside);
    for kind in census.failing() {
        report.errors.push(format!(
            "watching {kind}s fails, so that what is said of them may be out of date; the log says why"
        ));
    }
    Judged {
        report: report.and(elsewhere),
        persona_roles,
        has_orders,
    }
}
