//! Findings in a cluster, by lists of everything.

use std::cell::Cell;

use jiff::Timestamp;
use kube::Client;

use super::judge::Report;
use super::survey::{Beside, First, Look, Orders, Roles, Told};
use crate::domain::binding::Binding;
use crate::domain::identity::Identity;
use crate::domain::policy::Policy;
use crate::kubernetes::cluster_role_binding::ClusterRoleBinding;
use crate::state::listing::{self, ListError, Listed};

/// What of a cluster is looked at. The default is everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only the `RoleBindings` of this namespace.
    pub namespace: Option<String>,
    /// Only these personas, by the name of a role or by that which the policy gives to several.
    pub personas: Vec<String>,
    /// Only this subject: the name of a User or Group, or `NAMESPACE/NAME` of a ServiceAccount.
    pub subject: Option<String>,
    /// Only what new companion bindings would mend. Nothing but bindings is looked at then.
    pub only_missing: bool,
}

/// What is scanned, and by what.
#[derive(Clone, Copy)]
pub struct Scan<'a> {
    /// The cluster.
    pub client: &'a Client,
    /// The policy.
    pub policy: &'a Policy,
    /// What of the cluster is looked at.
    pub filter: &'a Filter,
    /// bindguard's own namespace, where the controller says whether orders are taken.
    pub namespace: &'a str,
    /// The time, by which orders are past theirs.
    pub now: Timestamp,
}

impl Filter {
    /// Whether all personas in all namespaces are looked at, so that it is known who needs what.
    pub(super) const fn is_whole(&self) -> bool {
        self.namespace.is_none() && self.personas.is_empty()
    }

    /// The binding with those of its subjects that are looked at, if it is itself.
    pub(super) fn narrow<'b>(
        &self,
        policy: &Policy,
        mut binding: Binding<'b>,
    ) -> Option<Binding<'b>> {
        let persona = policy.persona_of(binding.kind, binding.role)?;
        let is_one = |name: &String| *name == persona.name || name == binding.role.name;
        if !self.personas.is_empty() && !self.personas.iter().any(is_one) {
            return None;
        }
        let namespace = binding.namespace;
        binding.subjects.retain(|subject| {
            let identity = subject.identity(namespace);
            self.subject.is_none() || identity.is_some_and(|identity| self.is_about(identity))
        });
        (self.subject.is_none() || !binding.subjects.is_empty()).then_some(binding)
    }

    pub(super) fn is_about(&self, identity: Identity<'_>) -> bool {
        let Some(wanted) = self.subject.as_deref() else {
            return true;
        };
        if Identity::user(wanted) == identity || Identity::group(wanted) == identity {
            return true;
        }
        wanted.split_once('/').is_some_and(|(namespace, name)| {
            Identity::ServiceAccount { namespace, name } == identity
        })
    }
}

/// Judges everything that exists in a cluster, as far as the filter lets it.
///
/// Beside missing companions this finds what is wrong with the `ClusterRoles` of companions and
/// personas, companions for groups that Kubernetes itself hands out, where the policy honours them,
/// companions that nobody needs, and orders that are not carried out. What can only be known of
/// everything is left out by a filter.
///
/// Nothing is kept but findings, companion bindings, who needs what, and what one page of a list
/// holds. `progress` is told how many bindings have been seen. What else cannot be read is an error
/// in the report.
///
/// # Errors
///
/// If bindings cannot be listed.
pub async fn scan(scan: Scan<'_>, progress: &impl Fn(usize)) -> Result<Report, ListError> {
    let Scan {
        client,
        policy,
        filter,
        ..
    } = scan;
    let look = Look { policy, filter };
    let seen = Cell::new(0);
    let (first, personas) = cluster_role_bindings(scan, &seen, progress).await?;
    let mut told = Told::default();
    if filter.namespace.is_none() {
        for binding in &personas {
            let listed = Listed::ClusterRoleBinding(binding);
            told.take(look, &listed.seen(), &first);
        }
    }
    let before = seen.get();
    let begin = || {
        seen.set(before);
        Told::default()
    };
    let namespace = filter.namespace.as_deref();
    let rest = listing::role_bindings(client, namespace, begin, |told: &mut Told, listed| {
        told.take(look, &listed.seen(), &first);
        seen.set(seen.get() + 1);
        progress(seen.get());
    })
    .await?;
    let told = told.with(rest);
    let has_roles = filter.namespace.is_none() && filter.subject.is_none() && !filter.only_missing;
    let roles = if has_roles {
        Roles::read(client, policy, told.persona_roles()).await
    } else {
        Roles::default()
    };
    let orders = if told.has_orders() && !filter.only_missing {
        Orders::read(client, scan.namespace, policy).await
    } else {
        Orders::unknown()
    };
    let beside = Beside {
        roles: &roles,
        orders: &orders,
        now: scan.now,
    };
    Ok(told.conclude(look, first, beside))
}

/// What `ClusterRoleBindings` tell, and those to personas, which can be judged only when all
/// holdings are known.
async fn cluster_role_bindings(
    scan: Scan<'_>,
    seen: &Cell<usize>,
    progress: &impl Fn(usize),
) -> Result<(First, Vec<ClusterRoleBinding>), ListError> {
    let Scan { policy, filter, .. } = scan;
    let look = Look { policy, filter };
    let begin = || {
        seen.set(0);
        (First::default(), Vec::new())
    };
    listing::cluster_role_bindings(scan.client, begin, |(first, personas), listed| {
        let binding = listed.seen();
        first.take(look, &binding);
        seen.set(seen.get() + 1);
        progress(seen.get());
        let role = binding.binding.role;
        if let Listed::ClusterRoleBinding(whole) = listed
            && policy.persona_of(binding.binding.kind, role).is_some()
        {
            personas.push(whole.clone());
        }
    })
    .await
}
