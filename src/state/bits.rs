//! Sets of companions as numbers, for places where every byte counts.

use crate::domain::companion_set::{CompanionSet, MAX_COMPANIONS};

/// Bit `n` stands for the `n`th companion.
pub(super) fn of_set(set: CompanionSet) -> u16 {
    set.positions()
        .fold(0, |bits, position| bits | 1 << position)
}

/// The set that [`of_set`] made this of.
pub(super) fn to_set(bits: u16) -> CompanionSet {
    (0..MAX_COMPANIONS)
        .filter(|position| bits & (1 << position) != 0)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{of_set, to_set};

    #[test]
    fn every_set_survives_its_bits() {
        for bits in 0..=u16::MAX {
            assert_eq!(of_set(to_set(bits)), bits);
        }
    }
}
