//! Findings in a cluster.

use hashbrown::HashMap;
use kube::Client;

use super::cluster::Held;
use super::finding::BindingName;
use super::judge::Report;
use crate::domain::binding::Binding;
use crate::domain::policy::Policy;
use crate::kubernetes::cluster_role_binding::ClusterRoleBinding;
use crate::state::binding_key::BindingKey;
use crate::state::listing::{self, ListError, Listed};

/// What is known when all `ClusterRoleBindings` have been seen.
#[derive(Debug, Default)]
struct Gathered {
    held: Held,
    /// Those to personas, which can be judged only when all holdings are known.
    personas: Vec<ClusterRoleBinding>,
    unreadable: Vec<String>,
    seen: usize,
}

/// Judges everything that exists in a cluster; with a namespace, the `RoleBindings` in it.
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
    namespace: Option<&str>,
    progress: &impl Fn(usize),
) -> Result<Report, ListError> {
    let gathered = gather(client, policy, progress).await?;
    let Held { holdings, names } = gathered.held;
    let mut first = Report {
        taken: names,
        ..Report::default()
    };
    if namespace.is_none() {
        for binding in &gathered.personas {
            let binding = Listed::ClusterRoleBinding(binding).binding();
            judge(&mut first, policy, &binding, &holdings);
        }
        first.errors = gathered.unreadable;
    }
    let seen = std::cell::Cell::new(0);
    let begin = || {
        seen.set(gathered.seen);
        Report::default()
    };
    let rest = listing::role_bindings(client, namespace, begin, |report: &mut Report, listed| {
        let binding = listed.binding();
        judge(report, policy, &binding, &holdings);
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
    binding: &Binding<'_>,
    holdings: &crate::state::index::Index,
) {
    let name = || BindingName::of(binding, binding.name, None);
    report.judge(policy, binding, holdings, name, HashMap::new);
}

/// What is said of a binding of which a part could not be read.
fn unreadable(listed: &Listed<'_>) -> Option<String> {
    let binding = listed.binding();
    listed.is_unreadable().then(|| {
        let name = BindingName::of(&binding, binding.name, None);
        format!("{}: a part of it could not be read", name.shown())
    })
}
