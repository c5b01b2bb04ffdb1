//! What mends findings: the fewest companion bindings that leave nothing missing.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

use hashbrown::HashSet;

use super::companion::{Because, NewBinding};
use super::finding::{Finding, Who};
use crate::domain::companion_set::CompanionSet;
use crate::domain::policy::{Policy, UmbrellaGroups};
use crate::domain::remedy::binding_name;

/// How many subjects go into one binding at most, and how many bytes of their names: a binding is
/// one object, and the API server takes no object of any size.
const MOST_SUBJECTS: usize = 1000;
const MOST_BYTES: usize = 256 * 1024;

/// How subjects share bindings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// One binding for each companion, with everybody who lacks it.
    PerCompanion,
    /// One binding for each companion and subject, so that each can be taken away by itself.
    PerSubject,
}

/// The bindings that mend findings, in a fixed order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// By companion in the policy's order, then by subject.
    pub bindings: Vec<NewBinding>,
}

impl Display for Plan {
    /// Documents of YAML, with lines of dashes between them.
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        for (position, binding) in self.bindings.iter().enumerate() {
            let separator = if position == 0 { "" } else { "---\n" };
            write!(formatter, "{separator}{binding}")?;
        }
        Ok(())
    }
}

/// Who lacks something, and in which bindings that shows.
#[derive(Debug, Default)]
struct Need {
    lacks: CompanionSet,
    because: Because,
}

/// Plans what mends the findings. No binding gets a name that is in `taken`.
#[must_use]
pub fn plan<'f>(
    policy: &Policy,
    findings: impl IntoIterator<Item = &'f Finding>,
    taken: &HashSet<String>,
    style: Style,
) -> Plan {
    let needs = without_covered(policy, needs(findings));
    let mut plan = Plan::default();
    let mut names = Names {
        taken,
        given: HashSet::new(),
    };
    for (position, companion) in policy.companions.iter().enumerate() {
        let lacking: Vec<_> = needs
            .iter()
            .filter(|(_, need)| need.lacks.contains(position))
            .collect();
        for some in shares(&lacking, style) {
            plan.bindings
                .push(binding(&companion.cluster_role, some, &mut names));
        }
    }
    plan
}

/// Everybody who lacks something, in order.
fn needs<'f>(findings: impl IntoIterator<Item = &'f Finding>) -> BTreeMap<&'f Who, Need> {
    let mut needs: BTreeMap<&Who, Need> = BTreeMap::new();
    for finding in findings {
        let (Some(who), Some(binding)) = (&finding.who, &finding.binding) else {
            continue;
        };
        if finding.lacks().is_empty() {
            continue;
        }
        let need = needs.entry(who).or_default();
        need.lacks = need.lacks.union(finding.lacks());
        need.because.add(binding);
    }
    needs
}

/// Without those whom a new binding to a group of Kubernetes' own covers.
fn without_covered<'f>(
    policy: &Policy,
    mut needs: BTreeMap<&'f Who, Need>,
) -> BTreeMap<&'f Who, Need> {
    if policy.umbrella_groups == UmbrellaGroups::Ignore {
        return needs;
    }
    let groups: Vec<(Who, CompanionSet)> = needs
        .iter()
        .filter(|(who, _)| who.identity().is_umbrella())
        .map(|(who, need)| ((*who).clone(), need.lacks))
        .collect();
    if groups.is_empty() {
        return needs;
    }
    for (who, need) in &mut needs {
        let identity = who.identity();
        let covering = identity
            .umbrella_groups()
            .map(Who::from)
            .chain(identity.namespace_group().map(Who::from));
        for group in covering {
            let given = groups.iter().find(|(known, _)| *known == group);
            if let Some((_, given)) = given {
                need.lacks = need.lacks.without(*given);
            }
        }
    }
    needs.retain(|_, need| !need.lacks.is_empty());
    needs
}

type Lacking<'n> = (&'n &'n Who, &'n Need);

/// Those who lack a companion, shared among bindings.
fn shares<'l, 'n>(lacking: &'l [Lacking<'n>], style: Style) -> Vec<&'l [Lacking<'n>]> {
    let most = match style {
        Style::PerCompanion => MOST_SUBJECTS,
        Style::PerSubject => 1,
    };
    let mut shares = Vec::new();
    let mut rest = lacking;
    while !rest.is_empty() {
        let mut bytes = 0_usize;
        let fitting = rest
            .iter()
            .take(most)
            .take_while(|(who, _)| {
                bytes = bytes.saturating_add(who.bytes());
                bytes <= MOST_BYTES
            })
            .count();
        let (share, others) = rest.split_at(fitting.max(1));
        shares.push(share);
        rest = others;
    }
    shares
}

fn binding(companion: &str, share: &[Lacking<'_>], names: &mut Names<'_>) -> NewBinding {
    let identities: Vec<_> = share.iter().map(|(who, _)| who.identity()).collect();
    let mut because = Because::default();
    for (_, need) in share {
        because.add_all(&need.because);
    }
    NewBinding {
        name: names.free(binding_name(companion, &identities)),
        companion: companion.to_owned(),
        subjects: share.iter().map(|(who, _)| (**who).clone()).collect(),
        because,
    }
}

/// The names that new bindings must not have.
struct Names<'t> {
    taken: &'t HashSet<String>,
    given: HashSet<String>,
}

impl Names<'_> {
    /// The name, or the first free one that begins with it.
    fn free(&mut self, name: String) -> String {
        let is_free = |name: &String| !self.taken.contains(name) && !self.given.contains(name);
        let numbered = (2_u64..).map(|number| format!("{name}-{number}"));
        let free = std::iter::once(name.clone())
            .chain(numbered)
            .find(is_free)
            .unwrap_or(name);
        self.given.insert(free.clone());
        free
    }
}
