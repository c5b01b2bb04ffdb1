//! What all bindings together say of a subject.

use hashbrown::HashSet;

use super::{Gathered, Gives, HasPersona, Membership, NearMiss, Question};
use crate::domain::companion_set::CompanionSet;
use crate::domain::holdings::{Holdings, lacking};
use crate::domain::identity::SubjectKind;
use crate::domain::policy::Policy;
use crate::report::fault::Fault;
use crate::report::finding::{Finding, Who};
use crate::report::plan::{Plan, Style, plan};

/// How many groups are named that hold a companion.
const MOST_GROUPS: usize = 5;

/// A subject, explained.
#[derive(Clone, Debug)]
pub struct Explanation<'p> {
    /// The policy by which it is.
    pub policy: &'p Policy,
    /// Who it is, and the groups that count.
    pub question: Question,
    /// Its personas: those that ask nothing last.
    pub personas: Vec<HasPersona>,
    /// Every companion of the policy, in its order.
    pub companions: Vec<Covering>,
    /// What adds what is missing.
    pub fix: Plan,
    /// What could not be read. Nothing is guessed of it.
    pub errors: Vec<String>,
}

/// What there is of one companion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Covering {
    /// Its name.
    pub companion: String,
    /// Whether the subject has it.
    pub state: State,
    /// The bindings that give it, those that count first.
    pub by: Vec<Gives>,
    /// Those that look as if they did.
    pub near: Vec<NearMiss>,
    /// Some of the groups that hold it and of which nobody said whether the subject is in.
    pub groups: Vec<Who>,
    /// How many more there are.
    pub more_groups: usize,
    /// Whether there is a ClusterRole of its name; nothing where that is not known.
    pub exists: Option<bool>,
}

/// Whether a subject has a companion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It does not, and needs it.
    Missing,
    /// It does, if it is in the groups that whoever asks says it is in.
    Assumed,
    /// It does.
    Covered,
    /// It does not, and does not need it.
    NotNeeded,
}

impl State {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Assumed => "assumed",
            Self::Covered => "covered",
            Self::NotNeeded => "notNeeded",
        }
    }
}

impl<'p> Gathered<'p> {
    /// What follows from all of it. `exists` says whether there is a ClusterRole of a companion's
    /// name.
    #[must_use]
    pub fn explained(mut self, exists: impl Fn(&str) -> Option<bool>) -> Explanation<'p> {
        let policy = self.policy;
        let by_the_rule = |needed| lacking(policy, &self, self.subject(), needed);
        let assumed = self.assumed();
        let judged: Vec<(CompanionSet, CompanionSet)> = self
            .personas
            .iter()
            .map(|has| by_the_rule(has.needs))
            .map(|lacks| (lacks.without(assumed), lacks.intersection(assumed)))
            .collect();
        let all = policy.all_companions();
        let uncovered = by_the_rule(all);
        for (has, (lacks, assumed)) in self.personas.iter_mut().zip(judged) {
            (has.lacks, has.assumed) = (lacks, assumed);
        }
        self.personas.sort_by_key(|has| {
            let nothing = has.needs.is_empty() && has.exempt.is_some();
            (nothing, has.through.named.by)
        });
        let needed = union(self.personas.iter().map(|has| has.needs));
        let companions = all
            .positions()
            .filter_map(|position| {
                let companion = policy.companions.get(position)?;
                let state = if !uncovered.contains(position) {
                    State::Covered
                } else if assumed.contains(position) {
                    State::Assumed
                } else if needed.contains(position) {
                    State::Missing
                } else {
                    State::NotNeeded
                };
                Some(self.covering(position, &companion.cluster_role, state, &exists))
            })
            .collect();
        Explanation {
            policy,
            fix: self.fix(),
            companions,
            personas: self.personas,
            question: self.question,
            errors: self.errors,
        }
    }

    /// What the groups hold that the subject is said to be in.
    fn assumed(&self) -> CompanionSet {
        let groups = self.question.assumed();
        union(groups.map(|group| self.held_by(group.identity())))
    }

    fn covering(
        &self,
        position: usize,
        companion: &str,
        state: State,
        exists: &impl Fn(&str) -> Option<bool>,
    ) -> Covering {
        let by = self.gives.iter().filter(|one| one.given.contains(position));
        let mut by: Vec<Gives> = by.cloned().collect();
        by.sort_by_key(|one| (!one.counts, one.through.named.by));
        let is_open = matches!(state, State::Missing | State::NotNeeded);
        let near = self.near.iter().filter(|one| one.about.contains(position));
        let held = self.other_groups.iter();
        let groups: HashSet<&Who> = held
            .filter(|(companion, _, _)| *companion == position)
            .map(|(_, who, _)| who)
            .collect();
        // Kubernetes alone says in which groups a ServiceAccount is, and groups are in none.
        let may_be_in = is_open && self.subject().kind() == SubjectKind::User;
        let mut groups: Vec<&Who> = groups.into_iter().filter(|_| may_be_in).collect();
        groups.sort_unstable();
        Covering {
            companion: companion.to_owned(),
            state,
            by,
            near: near.filter(|_| is_open).cloned().collect(),
            more_groups: groups.len().saturating_sub(MOST_GROUPS),
            groups: groups.into_iter().take(MOST_GROUPS).cloned().collect(),
            exists: exists(companion),
        }
    }

    /// What adds what is missing: to whom the persona bindings name, but to the subject alone where
    /// they name a group that Kubernetes hands out to very many.
    fn fix(&self) -> Plan {
        let subject = &self.question.subject;
        let mut mended = CompanionSet::EMPTY;
        let mut findings = Vec::new();
        // The subject's own come before those of groups, and may be enough.
        let mut lacking: Vec<&HasPersona> = self.personas.iter().collect();
        lacking.sort_by_key(|has| has.through.named.by);
        for has in lacking {
            let lacks = has.lacks.without(mended);
            let who = match has.through.named.by {
                Membership::Itself | Membership::Kubernetes => {
                    mended = mended.union(lacks);
                    subject
                }
                Membership::Assumed => &has.through.named.who,
            };
            if lacks.is_empty() {
                continue;
            }
            findings.push(Finding {
                cluster: None,
                severity: has.severity,
                who: Some(who.clone()),
                binding: Some(has.through.binding.clone()),
                place: None,
                fault: Fault::Missing(lacks),
            });
        }
        plan(self.policy, &findings, &self.taken, Style::PerCompanion)
    }
}

impl Explanation<'_> {
    /// Everything that is missing.
    #[must_use]
    pub fn lacks(&self) -> CompanionSet {
        union(self.personas.iter().map(|has| has.lacks))
    }

    /// What only groups cover that the subject is said to be in.
    #[must_use]
    pub fn assumed(&self) -> CompanionSet {
        union(self.personas.iter().map(|has| has.assumed))
    }
}

fn union(sets: impl Iterator<Item = CompanionSet>) -> CompanionSet {
    sets.fold(CompanionSet::EMPTY, CompanionSet::union)
}
