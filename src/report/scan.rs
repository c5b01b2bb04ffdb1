//! Findings in a cluster.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::Arc;

use hashbrown::HashMap;
use kube::Client;

use super::cluster::Held;
use super::finding::{BindingName, Fault, Finding, Severity, Who};
use super::judge::Report;
use crate::domain::binding::Binding;
use crate::domain::companion_set::CompanionSet;
use crate::domain::identity::Identity;
use crate::domain::policy::{Policy, UmbrellaGroups};
use crate::kubernetes::cluster_role;
use crate::kubernetes::cluster_role_binding::ClusterRoleBinding;
use crate::state::binding_key::BindingKey;
use crate::state::index::Index;
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
    /// Only what new companion bindings would mend. No ClusterRole is looked at then.
    pub only_missing: bool,
}

impl Filter {
    /// The binding with those of its subjects that are looked at, if it is itself.
    fn narrow<'b>(&self, policy: &Policy, mut binding: Binding<'b>) -> Option<Binding<'b>> {
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

/// What is known when all `ClusterRoleBindings` have been seen.
#[derive(Debug, Default)]
struct Gathered {
    held: Held,
    /// Those to personas, which can be judged only when all holdings are known.
    personas: Vec<ClusterRoleBinding>,
    umbrellas: Vec<Finding>,
    unreadable: Vec<String>,
    seen: usize,
}

/// Judges everything that exists in a cluster, as far as the filter lets it.
///
/// Beside missing companions these are findings: companions for groups that Kubernetes itself hands
/// out, where the policy honours them, and companions whose ClusterRole does not exist. A filter
/// by namespace or persona leaves them out.
///
/// Nothing is kept but findings, holdings and what one page of a list holds. `progress` is told
/// how many bindings have been seen.
///
/// # Errors
///
/// If bindings cannot be listed.
pub async fn scan(
    client: &Client,
    policy: &Policy,
    filter: &Filter,
    progress: &impl Fn(usize),
) -> Result<Report, ListError> {
    let gathered = gather(client, policy, progress).await?;
    let Held { holdings, names } = gathered.held;
    let mut first = Report {
        taken: names,
        ..Report::default()
    };
    if filter.namespace.is_none() {
        for binding in &gathered.personas {
            let binding = Listed::ClusterRoleBinding(binding).binding();
            judge(&mut first, policy, filter, binding, &holdings);
        }
        first.errors = gathered.unreadable;
    }
    if filter.namespace.is_none() && filter.personas.is_empty() && !filter.only_missing {
        let about = |finding: &Finding| {
            let who = finding.who.as_ref();
            who.is_none_or(|who| filter.is_about(who.identity()))
        };
        first
            .findings
            .extend(gathered.umbrellas.into_iter().filter(about));
        if filter.subject.is_none() {
            look_for_roles(client, policy, &mut first).await;
        }
    }
    let seen = Cell::new(0);
    let begin = || {
        seen.set(gathered.seen);
        Report::default()
    };
    let namespace = filter.namespace.as_deref();
    let rest = listing::role_bindings(client, namespace, begin, |report: &mut Report, listed| {
        judge(report, policy, filter, listed.binding(), &holdings);
        report.errors.extend(unreadable(&listed));
        seen.set(seen.get() + 1);
        progress(seen.get());
    })
    .await?;
    Ok(first.with(rest).finish())
}

async fn gather(
    client: &Client,
    policy: &Policy,
    progress: &impl Fn(usize),
) -> Result<Gathered, ListError> {
    listing::cluster_role_bindings(client, Gathered::default, |gathered, listed| {
        let binding = listed.binding();
        gathered.held.names.insert(binding.name.to_owned());
        let key = BindingKey::of_binding(&binding);
        gathered.held.holdings.apply_binding(policy, key, &binding);
        gathered.unreadable.extend(unreadable(&listed));
        gathered.seen += 1;
        progress(gathered.seen);
        gathered.umbrellas.extend(umbrellas(policy, &binding));
        if let Listed::ClusterRoleBinding(whole) = listed
            && policy.persona_of(binding.kind, binding.role).is_some()
        {
            gathered.personas.push(whole.clone());
        }
    })
    .await
}

fn judge(
    report: &mut Report,
    policy: &Policy,
    filter: &Filter,
    binding: Binding<'_>,
    holdings: &Index,
) {
    if let Some(binding) = filter.narrow(policy, binding) {
        let name = || BindingName::of(&binding, binding.name, None);
        report.judge(policy, &binding, holdings, name, HashMap::new);
    }
}

/// The groups that Kubernetes itself hands out among those to whom a binding gives companions.
fn umbrellas(policy: &Policy, binding: &Binding<'_>) -> Vec<Finding> {
    let given = policy.companions_given_by(binding.kind, binding.role);
    if given.is_empty() || policy.umbrella_groups == UmbrellaGroups::Ignore {
        return Vec::new();
    }
    let groups = binding.identities().filter(Identity::is_umbrella);
    let groups: BTreeSet<Who> = groups.map(Who::from).collect();
    let name = Arc::new(BindingName::of(binding, binding.name, None));
    let finding = |who: Who| Finding {
        // A namespace is somebody's own, and its accounts may be meant.
        severity: match who.identity() {
            Identity::ServiceAccountsOf(_) => Severity::Note,
            _ => Severity::Warning,
        },
        who: Some(who),
        binding: Some(Arc::clone(&name)),
        place: None,
        fault: Fault::Umbrella(given),
    };
    groups.into_iter().map(finding).collect()
}

/// Finds the companions that there are no `ClusterRoles` of.
async fn look_for_roles(client: &Client, policy: &Policy, report: &mut Report) {
    for (position, companion) in policy.companions.iter().enumerate() {
        let role = &companion.cluster_role;
        match cluster_role::exists(client, role).await {
            Ok(true) => {}
            Ok(false) => report.findings.push(Finding {
                severity: Severity::Warning,
                who: None,
                binding: None,
                place: None,
                fault: Fault::NoRole(CompanionSet::of(position)),
            }),
            Err(error) => report.errors.push(format!(
                "cannot see whether there is a ClusterRole {role}: {}",
                listing::told(&error)
            )),
        }
    }
}

/// What is said of a binding of which a part could not be read.
fn unreadable(listed: &Listed<'_>) -> Option<String> {
    let binding = listed.binding();
    listed.is_unreadable().then(|| {
        let name = BindingName::of(&binding, binding.name, None);
        format!("{}: a part of it could not be read", name.shown())
    })
}
