//! What a change takes away, by subject.

use hashbrown::HashMap;

use super::change::{Change, umbrellas};
use super::evidence::Evidence;
use crate::domain::assess::{Missing, Since};
use crate::domain::companion_set::CompanionSet;
use crate::domain::identity::Identity;
use crate::domain::removal::Removal;

/// A persona subject that loses companions.
#[derive(Clone, Debug)]
pub(super) struct Loser<'e> {
    pub(super) missing: Missing<'e>,
    /// The roles of its persona bindings, each once.
    pub(super) roles: Vec<&'e str>,
    /// How many persona bindings of it there are that need what is lost.
    pub(super) bindings: usize,
    /// Whether the companion binding names it, and not only a group that covers it.
    pub(super) is_direct: bool,
    /// Whether messages may name it: it is direct, and a refusal has read one of its persona
    /// bindings again.
    pub(super) is_named: bool,
}

/// Everybody who loses something, each once.
#[derive(Debug)]
pub(super) struct Losers<'e> {
    pub(super) each: Vec<Loser<'e>>,
    /// The groups that covered others and do so no more.
    pub(super) umbrellas: Vec<Identity<'e>>,
}

impl<'e> Losers<'e> {
    pub(super) fn of(
        change: &'e Change<'_>,
        evidence: &'e Evidence,
        removal: &Removal<'e>,
    ) -> Self {
        let before = change.before(&evidence.snapshot);
        let mut each: Vec<Loser<'e>> = Vec::new();
        let mut places: HashMap<Identity<'e>, usize> = HashMap::new();
        for (position, loss) in removal.losses.iter().enumerate() {
            for missing in &loss.losers {
                let is_direct = before.recipients().contains(&missing.identity);
                let place = *places.entry(missing.identity).or_insert_with(|| {
                    each.push(Loser {
                        missing: Missing {
                            lacks: CompanionSet::EMPTY,
                            since: Since::ThisChange,
                            ..*missing
                        },
                        roles: Vec::new(),
                        bindings: 0,
                        is_direct,
                        is_named: is_direct && position < evidence.named,
                    });
                    each.len() - 1
                });
                let Some(loser) = each.get_mut(place) else {
                    continue;
                };
                loser.missing.lacks = loser.missing.lacks.union(missing.lacks);
                loser.bindings += 1;
                if !loser.roles.contains(&loss.role) {
                    loser.roles.push(loss.role);
                }
            }
        }
        let lost = change.lost(&evidence.snapshot);
        let mut umbrellas: Vec<_> = umbrellas(evidence.snapshot.policy(), &lost).collect();
        umbrellas.sort_unstable();
        Self { each, umbrellas }
    }

    /// Those who may be named.
    pub(super) fn named(&self) -> impl Iterator<Item = &Loser<'e>> {
        self.each.iter().filter(|loser| loser.is_named)
    }

    /// How many only a group covered.
    pub(super) fn indirect(&self) -> usize {
        self.each.iter().filter(|loser| !loser.is_direct).count()
    }
}
