//! One attempt to carry out one order.

use std::collections::HashSet;
use std::fmt;
use std::time::Duration;

use futures::stream::{StreamExt as _, iter};
use jiff::SignedDuration;
use k8s_openapi::api::rbac::v1::ClusterRoleBinding;

use super::carried_out::OrderKey;
use super::carry::{Attempt, Carrier, Ending, Ordered};

use crate::domain::assess::{Assessment, assess};
use crate::domain::binding::{Binding, BindingKind};
use crate::domain::identity::Identity;
use crate::domain::policy::Policy;
use crate::domain::text::ShownName;
use crate::kubernetes::companion::{Created, create};
use crate::kubernetes::in_time::in_time;
use crate::kubernetes::lean::{Lean, OrderAnnotations};
use crate::kubernetes::{cluster_role, cluster_role_binding, role_binding};
use crate::provisioning::companion::{gives_the_same, object};
use crate::provisioning::guard::epoch::Epoch;
use crate::provisioning::guard::standing::Standing;
use crate::provisioning::order::{Conditions, NoOrder, Placed, judge};
use crate::state::convert;
use crate::state::snapshot::Snapshot;
use crate::telemetry::labels::Companion;

/// How long one call may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Within this time everybody knows of another epoch.
const NEWS: SignedDuration = SignedDuration::from_secs(30);
/// How many companions of one order are created at a time.
const AT_A_TIME: usize = 4;

/// What was made for one order, over all attempts.
#[derive(Debug, Default)]
pub(super) struct Made {
    /// The names of the bindings that were made, or were there already.
    done: HashSet<String>,
    count: usize,
    in_the_way: Vec<String>,
    ordered_by: String,
}

impl Made {
    /// Whether there was nothing to do.
    pub(super) fn is_nothing(&self) -> bool {
        self.count == 0 && self.in_the_way.is_empty()
    }

    /// Whether something else has a name that was needed.
    pub(super) const fn is_in_the_way(&self) -> bool {
        !self.in_the_way.is_empty()
    }
}

impl fmt::Display for Made {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bindings = if self.count == 1 {
            "binding"
        } else {
            "bindings"
        };
        write!(
            formatter,
            "{} companion {bindings} made, by the order of {}",
            self.count,
            ShownName(&self.ordered_by)
        )?;
        for name in &self.in_the_way {
            write!(
                formatter,
                "; ClusterRoleBinding {} is in the way: it exists and gives something else, and \
                 nothing is overwritten",
                ShownName(name)
            )?;
        }
        Ok(())
    }
}

/// What one creation came to.
enum Pair {
    Made(String),
    InTheWay(String),
    Failed(String),
}

impl Carrier {
    /// Has the guard looked at, then reads the binding as it is stored now, and makes what its order and
    /// the policy in force have in common.
    pub(super) async fn attempt(&self, ordered: &Ordered, made: &mut Made) -> Attempt {
        match self.try_to(ordered, made).await {
            Ok(ending) => Attempt::Ended(ending),
            Err(reason) => Attempt::Later(reason),
        }
    }

    async fn try_to(&self, ordered: &Ordered, made: &mut Made) -> Result<Ending, String> {
        let snapshot = self
            .state
            .current()
            .ok_or("the bindings are not known yet")?;
        let policy = snapshot.policy();
        let epoch = self.epoch(policy).await?;
        match ordered.kind {
            BindingKind::RoleBinding => {
                let namespace = ordered.namespace.as_deref().unwrap_or_default();
                let read = role_binding::find(self.guard.client(), namespace, &ordered.name);
                let found = in_time(PATIENCE, read).await?;
                let Some(found) = found.filter(|found| is_still(ordered, found)) else {
                    return Ok(Ending::Past);
                };
                let binding = convert::role_binding(&found);
                let stored = (&binding, &found.ordered);
                self.carry_out(ordered, &snapshot, &epoch, stored, made)
                    .await
            }
            BindingKind::ClusterRoleBinding => {
                let read = cluster_role_binding::find(self.guard.client(), &ordered.name);
                let found = in_time(PATIENCE, read).await?;
                let Some(found) = found.filter(|found| is_still(ordered, found)) else {
                    return Ok(Ending::Past);
                };
                let binding = convert::binding(&found);
                let stored = (&binding, &found.ordered);
                self.carry_out(ordered, &snapshot, &epoch, stored, made)
                    .await
            }
        }
    }

    /// The epoch, if a look that begins now finds the guard in place that this policy wants. The
    /// order was stored before: whoever planted it while the guard did not hold would have had to
    /// mend it before that look, which tries it as well.
    async fn epoch(&self, policy: &Policy) -> Result<Epoch, String> {
        // Nobody need look for what is known not to count.
        in_place(&self.standings.borrow())?;
        let looked = self.looks.afresh().await?;
        if *looked.policy != *policy {
            return Err("the policy is changing".to_owned());
        }
        in_place(&looked.standing)
    }

    async fn carry_out(
        &self,
        ordered: &Ordered,
        snapshot: &Snapshot,
        epoch: &Epoch,
        (binding, annotations): (&Binding<'_>, &OrderAnnotations),
        made: &mut Made,
    ) -> Result<Ending, String> {
        let order = annotations.order.as_deref().unwrap_or_default();
        let is_another = ordered.key != OrderKey::of(&ordered.uid, order);
        if is_another || self.store.contains(ordered.key) {
            return Ok(Ending::Past);
        }
        let policy = snapshot.policy();
        let placed = Placed {
            order,
            ordered_by: annotations.ordered_by.as_deref().unwrap_or_default(),
            provision: annotations.provision.as_deref(),
        };
        let conditions = Conditions {
            policy,
            epoch: Ok(&epoch.value),
            now: (self.now)(),
            companions: snapshot.bindings(),
        };
        let for_whom = match judge(conditions, placed, binding) {
            Ok(identities) => identities,
            Err(reason) => return self.not_now(ordered, reason),
        };
        if !self.store.has_room() {
            return Err("too many orders were carried out in too short a time".to_owned());
        }
        placed.ordered_by.clone_into(&mut made.ordered_by);
        let wanted: Vec<ClusterRoleBinding> = missing(policy, snapshot, binding, &for_whom)
            .into_iter()
            .map(|(companion, identity)| object(companion, identity, binding, placed.ordered_by))
            .filter(|wanted| !made.done.contains(name_of(wanted)))
            .collect();
        self.make(policy, wanted, made).await?;
        let lifetime = i64::try_from(policy.provisioning.order_lifetime.as_secs());
        let until = ordered
            .placed
            .as_second()
            .saturating_add(lifetime.unwrap_or(i64::MAX));
        // A little longer than it counts, whatever the clock of the next who asks.
        self.store
            .add(ordered.key, until.saturating_add(120))
            .await?;
        Ok(Ending::CarriedOut(std::mem::take(made)))
    }

    /// An order that does not count for a reason that may pass is looked at again.
    fn not_now(&self, ordered: &Ordered, reason: NoOrder) -> Result<Ending, String> {
        let may_pass = match reason {
            // An epoch that began a moment ago may not be known here.
            NoOrder::OtherEpoch => (self.now)().duration_since(ordered.placed) < NEWS,
            _ => reason.may_pass(),
        };
        if may_pass {
            return Err(reason.to_string());
        }
        Ok(Ending::DoesNotCount(reason))
    }

    /// Makes these, as far as it goes.
    async fn make(
        &self,
        policy: &Policy,
        wanted: Vec<ClusterRoleBinding>,
        made: &mut Made,
    ) -> Result<(), String> {
        let client = self.guard.client();
        for companion in &policy.companions {
            let role = &companion.cluster_role;
            let is_wanted = wanted.iter().any(|wanted| wanted.role_ref.name == *role);
            if is_wanted && !in_time(PATIENCE, cluster_role::exists(client, role)).await? {
                return Err(format!("there is no ClusterRole {}", ShownName(role)));
            }
        }
        let mut pairs = iter(wanted)
            .map(|wanted| self.pair(wanted))
            .buffer_unordered(AT_A_TIME);
        let mut failed = None;
        while let Some(pair) = pairs.next().await {
            match pair {
                Pair::Made(name) => {
                    made.count += 1;
                    made.done.insert(name);
                }
                Pair::InTheWay(name) => {
                    made.in_the_way.push(name.clone());
                    made.done.insert(name);
                }
                Pair::Failed(reason) => failed = Some(reason),
            }
        }
        failed.map_or(Ok(()), Err)
    }

    async fn pair(&self, wanted: ClusterRoleBinding) -> Pair {
        let name = name_of(&wanted).to_owned();
        let (pair, result) = match in_time(PATIENCE, create(self.guard.client(), &wanted)).await {
            Ok(Created::Made) => (Pair::Made(name), Companion::Made),
            Ok(Created::Found(found)) if gives_the_same(&found, &wanted) => {
                (Pair::Made(name), Companion::Found)
            }
            Ok(Created::Found(_)) => (Pair::InTheWay(name), Companion::InTheWay),
            Err(reason) => {
                let reason = format!("a companion binding cannot be made: {reason}");
                (Pair::Failed(reason), Companion::Failed)
            }
        };
        self.metrics.companion(result);
        pair
    }
}

fn in_place(standing: &Standing) -> Result<Epoch, String> {
    match standing {
        Standing::InPlace(epoch) => Ok(epoch.clone()),
        Standing::Settling => Err("the guard was put in place a moment ago".to_owned()),
        Standing::NotInPlace(reason) => Err(reason.clone()),
    }
}

/// Whether a binding is the one on which the order was placed, and stays.
fn is_still<K>(ordered: &Ordered, found: &Lean<K>) -> bool {
    !found.terminating && found.metadata.uid.as_ref() == Some(&ordered.uid)
}

/// Which companions the policy demands of these, and they lack.
fn missing<'p, 'b>(
    policy: &'p Policy,
    snapshot: &Snapshot,
    binding: &Binding<'b>,
    for_whom: &[Identity<'b>],
) -> Vec<(&'p str, Identity<'b>)> {
    let Assessment::Judged(judged) = assess(policy, binding, None, snapshot) else {
        return Vec::new();
    };
    let ordered = judged
        .missing
        .into_iter()
        .filter(|missing| for_whom.contains(&missing.identity));
    let pairs = ordered.flat_map(|missing| {
        let names = policy.companion_names(missing.lacks);
        names.map(move |companion| (companion, missing.identity))
    });
    pairs.collect()
}

fn name_of(binding: &ClusterRoleBinding) -> &str {
    binding.metadata.name.as_deref().unwrap_or_default()
}
