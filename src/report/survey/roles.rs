//! The `ClusterRoles` of companions and personas: whether they are there, and give anything.

use std::collections::BTreeMap;
use std::sync::Arc;

use kube::Client;

use super::in_time;
use crate::domain::companion_set::CompanionSet;
use crate::domain::policy::Policy;
use crate::domain::text::ShownName;
use crate::kubernetes::cluster_role::{self, Allows};
use crate::report::fault::Fault;
use crate::report::finding::{BindingName, Finding, Severity};
use crate::report::judge::Report;

/// What is known of `ClusterRoles`, by their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::report) struct Roles(BTreeMap<String, Result<Option<Allows>, String>>);

/// Which `ClusterRoles` bindings are to: how many of them, and the first.
#[derive(Debug, Default)]
pub(super) struct Uses(BTreeMap<String, (usize, Arc<BindingName>)>);

impl Roles {
    /// Looks at the companions of a policy, and at these. What cannot be read is known as that.
    pub(in crate::report) async fn read<'a>(
        client: &Client,
        policy: &'a Policy,
        others: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let companions = policy.companions.iter();
        let companions = companions.map(|companion| companion.cluster_role.as_str());
        let mut roles = Self::default();
        for name in companions.chain(others) {
            if roles.0.contains_key(name) {
                continue;
            }
            let read = in_time(cluster_role::read(client, name)).await;
            roles.0.insert(name.to_owned(), read);
        }
        roles
    }

    /// Tells of the companions whose role is absent, or lists nothing.
    pub(super) fn tell_of_companions(&self, policy: &Policy, report: &mut Report) {
        for (position, companion) in policy.companions.iter().enumerate() {
            let name = &companion.cluster_role;
            let fault = match self.0.get(name) {
                None | Some(Ok(Some(Allows { list: true }))) => continue,
                Some(Ok(None)) => Fault::NoRole(CompanionSet::of(position)),
                Some(Ok(Some(_))) => Fault::RoleWithoutList(CompanionSet::of(position)),
                Some(Err(error)) => {
                    report.errors.push(unknown(name, error));
                    continue;
                }
            };
            let finding = Finding::new(Severity::Warning, None, fault);
            report.findings.push(finding);
        }
    }
}

impl Uses {
    /// Takes in a binding to this role.
    pub(super) fn add(&mut self, role: &str, name: impl FnOnce() -> BindingName) {
        if let Some((count, _)) = self.0.get_mut(role) {
            *count += 1;
        } else {
            self.0.insert(role.to_owned(), (1, Arc::new(name())));
        }
    }

    /// Takes in others, which come behind these.
    pub(super) fn extend(&mut self, others: Self) {
        for (role, (count, first)) in others.0 {
            self.0.entry(role).or_insert((0, first)).0 += count;
        }
    }

    /// The roles.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Tells of those that do not exist.
    pub(super) fn tell(self, roles: &Roles, report: &mut Report) {
        for (role, (bindings, first)) in self.0 {
            match roles.0.get(&role) {
                Some(Ok(None)) => {
                    let fault = Fault::NoPersonaRole { bindings };
                    let finding = Finding::new(Severity::Warning, Some(first), fault);
                    report.findings.push(finding);
                }
                Some(Err(error)) => report.errors.push(unknown(&role, error)),
                None | Some(Ok(Some(_))) => {}
            }
        }
    }
}

fn unknown(role: &str, error: &str) -> String {
    let role = ShownName(role);
    format!("cannot see whether there is a ClusterRole {role}: {error}")
}
