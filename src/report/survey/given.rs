//! To whom companions are given: to groups that Kubernetes itself hands out, and to those who need
//! none.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Look;
use crate::domain::companion_set::CompanionSet;
use crate::domain::identity::Identity;
use crate::domain::policy::{Policy, UmbrellaGroups};
use crate::provisioning::prune::{Needed, is_made_by_order};
use crate::report::fault::Fault;
use crate::report::finding::{BindingName, Finding, Severity, Who};
use crate::state::seen::Seen;

/// What is told by the bindings that give companions.
#[derive(Debug, Default)]
pub(super) struct Given {
    pub(super) umbrellas: Vec<Finding>,
    pub(super) companions: Vec<CompanionBinding>,
}

/// A binding to a companion itself, and those whom it names but for groups of Kubernetes' own.
#[derive(Debug)]
pub(super) struct CompanionBinding {
    name: Arc<BindingName>,
    companion: CompanionSet,
    whom: BTreeSet<Who>,
}

impl Given {
    /// Takes in a binding that gives these.
    pub(super) fn take(&mut self, look: Look<'_>, seen: &Seen<'_>, given: CompanionSet) {
        let Look { policy, filter } = look;
        if !filter.is_whole() || filter.only_missing {
            return;
        }
        let binding = &seen.binding;
        let name = Arc::new(BindingName::in_cluster(binding, seen.uid));
        let (groups, whom): (BTreeSet<_>, BTreeSet<_>) = binding
            .identities()
            .filter(|one| filter.is_about(*one))
            .map(Who::from)
            .partition(|who| who.identity().is_umbrella());
        if policy.umbrella_groups == UmbrellaGroups::Honour {
            let umbrella = |who| umbrella(&name, given, who);
            self.umbrellas.extend(groups.into_iter().map(umbrella));
        }
        // A role that implies a companion is bound for its own sake.
        let companion = position(policy, binding.role.name);
        if !whom.is_empty() && !companion.is_empty() {
            self.companions.push(CompanionBinding {
                name,
                companion,
                whom,
            });
        }
    }
}

/// The companion whose role this is.
fn position(policy: &Policy, role: &str) -> CompanionSet {
    let mut companions = policy.companions.iter();
    let position = companions.position(|companion| companion.cluster_role == role);
    position.map_or(CompanionSet::EMPTY, CompanionSet::of)
}

fn umbrella(name: &Arc<BindingName>, given: CompanionSet, who: Who) -> Finding {
    // A namespace is somebody's own, and its accounts may be meant.
    let severity = match who.identity() {
        Identity::ServiceAccountsOf(_) => Severity::Note,
        _ => Severity::Warning,
    };
    let fault = Fault::Umbrella(given);
    Finding::new(severity, Some(Arc::clone(name)), fault).about(who)
}

/// The bindings that name subjects who need no companion, each once.
pub(super) fn unneeded<'a>(
    look: Look<'a>,
    bindings: Vec<CompanionBinding>,
    needed: &'a Needed,
) -> impl Iterator<Item = Finding> + 'a {
    bindings.into_iter().filter_map(move |binding| {
        let companion = look.policy.companion_names(binding.companion).next()?;
        let is_alone = binding.whom.len() == 1;
        let mut idle = binding
            .whom
            .into_iter()
            .filter(|who| !needed.contains(companion, who.identity()));
        let first = idle.next()?;
        let subjects = 1 + idle.count();
        let is_ours = is_alone && is_made_by_order(&binding.name.name, companion, first.identity());
        let fault = Fault::Unneeded {
            companion: binding.companion,
            subjects,
            is_ours,
        };
        let finding = Finding::new(Severity::Note, Some(binding.name), fault);
        Some(match subjects {
            1 => finding.about(first),
            _ => finding,
        })
    })
}
