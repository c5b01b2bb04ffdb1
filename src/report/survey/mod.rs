//! From all bindings of a cluster to what is wrong, however they are brought: page by page from
//! lists, or from a census that watches keep.

mod given;
mod orders;
mod roles;

use std::time::Duration;

use hashbrown::HashMap;
use jiff::Timestamp;
use tokio::time::timeout;

pub(super) use self::orders::Orders;
pub(super) use self::roles::Roles;

use self::given::Given;
use self::orders::Ordered;
use self::roles::Uses;
use super::cluster::Held;
use super::finding::BindingName;
use super::judge::Report;
use super::scan::Filter;
use crate::domain::binding::RoleKind;
use crate::domain::policy::Policy;
use crate::kubernetes::words::in_words;
use crate::provisioning::prune::Needed;
use crate::state::binding_key::BindingKey;
use crate::state::seen::Seen;

/// By what, and which part of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look<'a> {
    pub(super) policy: &'a Policy,
    pub(super) filter: &'a Filter,
}

/// What `ClusterRoleBindings` tell before any binding can be judged.
#[derive(Debug, Default)]
pub(super) struct First {
    pub(super) held: Held,
    given: Given,
    errors: Vec<String>,
    /// How many there are that give a companion.
    companions: usize,
}

/// What is told by the bindings to personas, of both kinds, once all holdings are known.
#[derive(Debug, Default)]
pub(super) struct Told {
    report: Report,
    needed: Needed,
    uses: Uses,
    orders: Vec<Ordered>,
}

/// What it takes to conclude, beside bindings.
#[derive(Clone, Copy, Debug)]
pub(super) struct Beside<'a> {
    pub(super) roles: &'a Roles,
    pub(super) orders: &'a Orders,
    pub(super) now: Timestamp,
}

impl First {
    /// Takes in a ClusterRoleBinding.
    pub(super) fn take(&mut self, look: Look<'_>, seen: &Seen<'_>) {
        let binding = &seen.binding;
        self.held.names.insert(binding.name.to_owned());
        let key = BindingKey::of_binding(binding);
        let holdings = &mut self.held.holdings;
        holdings.apply_binding(look.policy, key, binding);
        self.errors.extend(unreadable(seen));
        let given = look.policy.companions_given_by(binding.kind, binding.role);
        if !given.is_empty() {
            self.companions += 1;
            self.given.take(look, seen, given);
        }
    }
}

impl Told {
    /// Takes in a binding of either kind.
    pub(super) fn take(&mut self, look: Look<'_>, seen: &Seen<'_>, first: &First) {
        let Look { policy, filter } = look;
        if seen.binding.namespace.is_some() {
            self.report.errors.extend(unreadable(seen));
        }
        if policy
            .persona_of(seen.binding.kind, seen.binding.role)
            .is_none()
        {
            return;
        }
        if filter.is_whole() {
            self.needed.add(policy, &seen.binding, seen.is_unreadable);
        }
        let Some(binding) = filter.narrow(policy, seen.binding.clone()) else {
            return;
        };
        let name = || BindingName::in_cluster(&binding, seen.uid);
        if binding.role.kind == RoleKind::ClusterRole {
            self.uses.add(binding.role.name, name);
        }
        let before = self.report.findings.len();
        let holdings = &first.held.holdings;
        self.report
            .judge(policy, &binding, holdings, name, HashMap::new);
        let new = self.report.findings.get(before..).unwrap_or_default();
        if let Some(ordered) = seen.ordered {
            self.orders.extend(Ordered::of(&seen.binding, ordered, new));
        }
    }

    /// These and others.
    pub(super) fn with(mut self, other: Self) -> Self {
        self.needed.extend(other.needed);
        self.uses.extend(other.uses);
        self.orders.extend(other.orders);
        Self {
            report: self.report.with(other.report),
            ..self
        }
    }

    /// The `ClusterRoles` of personas that bindings are to.
    pub(super) fn persona_roles(&self) -> impl Iterator<Item = &str> {
        self.uses.names()
    }

    /// Whether orders stand on bindings of subjects that lack something.
    pub(super) fn has_orders(&self) -> bool {
        !self.orders.is_empty()
    }

    /// Everything that was found.
    pub(super) fn conclude(self, look: Look<'_>, first: First, beside: Beside<'_>) -> Report {
        let Look { policy, filter } = look;
        let mut report = self.report;
        if filter.namespace.is_none() {
            report.errors.splice(..0, first.errors);
        }
        if filter.is_whole() && !filter.only_missing {
            report.findings.extend(first.given.umbrellas);
            if self.needed.is_whole() {
                let unneeded = given::unneeded(look, first.given.companions, &self.needed);
                report.findings.extend(unneeded);
            }
        }
        if !filter.only_missing {
            let companions = first.companions;
            let told = orders::findings(policy, &self.orders, beside, companions);
            report.findings.extend(told);
            report.errors.extend_from_slice(beside.orders.errors());
            if filter.subject.is_none() && filter.namespace.is_none() {
                self.uses.tell(beside.roles, &mut report);
                if filter.personas.is_empty() {
                    beside.roles.tell_of_companions(policy, &mut report);
                }
            }
        }
        report.taken = first.held.names;
        report.finish()
    }
}

/// How long one object may take to be read.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a read answers, or why there is no answer, in the API server's own words where it spoke.
async fn in_time<T>(read: impl Future<Output = kube::Result<T>>) -> Result<T, String> {
    match timeout(PATIENCE, read).await {
        Ok(read) => read.map_err(|error| in_words(&error)),
        Err(_elapsed) => Err(format!("no answer within {PATIENCE:?}")),
    }
}

/// What is said of a binding of which a part could not be read.
fn unreadable(seen: &Seen<'_>) -> Option<String> {
    seen.is_unreadable.then(|| {
        let name = BindingName::in_cluster(&seen.binding, None);
        format!("{}: a part of it could not be read", name.shown())
    })
}
