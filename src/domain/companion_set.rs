//! A set of companions, as positions in the policy's list.

use std::fmt;

/// The most companions a policy may name.
///
/// Kubernetes evaluates the order guard within a fixed cost: one authorizer check costs 350,000
/// of the 10,000,000 that a whole `ValidatingAdmissionPolicy` may spend, so some 28 checks fit.
/// Sixteen leave room for the rest of the guard.
pub const MAX_COMPANIONS: usize = 16;

/// A set of companions of one policy: bit `n` stands for the `n`th companion of the policy's list.
///
/// A set means nothing without the policy that it was made for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct CompanionSet(u16);

impl CompanionSet {
    /// The set with nothing in it.
    pub const EMPTY: Self = Self(0);

    /// The set of one companion, by its position. Positions past [`MAX_COMPANIONS`] give the
    /// empty set; no policy has any.
    #[must_use]
    pub const fn of(position: usize) -> Self {
        if position < MAX_COMPANIONS {
            Self(1 << position)
        } else {
            Self::EMPTY
        }
    }

    /// Everything that is in either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Everything that is in this set and not in the other.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Everything that is in both sets.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether nothing is in the set.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// How many companions are in the set.
    #[must_use]
    pub const fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Whether the companion at the position is in the set.
    #[must_use]
    pub const fn contains(self, position: usize) -> bool {
        !self.intersection(Self::of(position)).is_empty()
    }

    /// The positions in the set, in rising order.
    pub fn positions(self) -> impl Iterator<Item = usize> {
        (0..MAX_COMPANIONS).filter(move |position| self.contains(*position))
    }
}

impl FromIterator<usize> for CompanionSet {
    fn from_iter<I: IntoIterator<Item = usize>>(positions: I) -> Self {
        positions
            .into_iter()
            .fold(Self::EMPTY, |set, position| set.union(Self::of(position)))
    }
}

impl fmt::Debug for CompanionSet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.positions()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::{CompanionSet, MAX_COMPANIONS};

    #[test]
    fn positions_come_back_in_rising_order() {
        let set: CompanionSet = [5, 0, 15, 5].into_iter().collect();
        assert_eq!(set.positions().collect::<Vec<_>>(), [0, 5, 15]);
        assert_eq!(set.len(), 3);
    }

    #[test]
    fn a_position_past_the_limit_is_in_no_set() {
        assert!(CompanionSet::of(MAX_COMPANIONS).is_empty());
        assert!(!CompanionSet::of(MAX_COMPANIONS - 1).is_empty());
    }

    #[test]
    fn without_takes_away_only_what_is_there() {
        let both: CompanionSet = [0, 1].into_iter().collect();
        assert_eq!(both.without(CompanionSet::of(1)), CompanionSet::of(0));
        assert_eq!(CompanionSet::of(0).without(both), CompanionSet::EMPTY);
    }
}
