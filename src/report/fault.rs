//! What can be wrong, and how it is called.

use std::sync::Arc;

use crate::domain::companion_set::CompanionSet;
use crate::telemetry::labels::FindingReason;

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The subject of a persona binding lacks companions.
    Missing(CompanionSet),
    /// A companion binding gives companions to a group that Kubernetes itself hands out, so that
    /// none of its members can be found to lack them.
    Umbrella(CompanionSet),
    /// There is no ClusterRole of a companion's name: bindings to it give nothing.
    NoRole(CompanionSet),
    /// The ClusterRole of a companion allows nobody to list anything, which is what it is for.
    RoleWithoutList(CompanionSet),
    /// Bindings are to the ClusterRole of a persona, and there is none: they give nothing.
    NoPersonaRole {
        /// How many; the finding names the first.
        bindings: usize,
    },
    /// A companion binding names subjects whom no persona binding demands it of.
    Unneeded {
        /// The companion.
        companion: CompanionSet,
        /// How many of its subjects those are.
        subjects: usize,
        /// Whether it was made by an order, so that `bindguard prune` takes it away.
        is_ours: bool,
    },
    /// A webhook configuration is not as the policy wants it.
    Drift {
        /// Its kind and name, as they are shown.
        configuration: Arc<str>,
        /// In what, as it is shown.
        difference: Arc<str>,
    },
    /// The order on a persona binding may still be carried out; why it is not yet.
    OrderWaits(Arc<str>),
    /// The order on a persona binding is past its time, and its subjects lack companions.
    OrderExpired,
    /// The order on a persona binding will never be carried out, for this reason.
    OrderDoesNotCount(Arc<str>),
}

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultKind {
    /// One word for it, for programs.
    pub reason: &'static str,
    /// What it is called, for people.
    pub title: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// What it is counted as.
    pub label: FindingReason,
}

impl FaultKind {
    /// All there are.
    pub const ALL: [Self; 10] = [
        MISSING,
        UMBRELLA,
        NO_ROLE,
        ROLE_WITHOUT_LIST,
        NO_PERSONA_ROLE,
        UNNEEDED,
        DRIFT,
        ORDER_WAITS,
        ORDER_EXPIRED,
        ORDER_DOES_NOT_COUNT,
    ];
}

const MISSING: FaultKind = FaultKind {
    reason: "missingCompanions",
    title: "Missing companions",
    meaning: "The subject of a persona binding lacks companions, without which the VM console \
              does not work.",
    label: FindingReason::MissingCompanions,
};

const UMBRELLA: FaultKind = FaultKind {
    reason: "umbrellaGroup",
    title: "Companion for a group of Kubernetes' own",
    meaning: "A companion is bound to a group that Kubernetes itself hands out, so that nobody in \
              it is found to lack the companion.",
    label: FindingReason::UmbrellaGroup,
};

const NO_ROLE: FaultKind = FaultKind {
    reason: "noCompanionRole",
    title: "Companion role does not exist",
    meaning: "There is no ClusterRole of a companion's name, so that bindings to it give nothing.",
    label: FindingReason::NoCompanionRole,
};

const ROLE_WITHOUT_LIST: FaultKind = FaultKind {
    reason: "companionRoleWithoutList",
    title: "Companion role lists nothing",
    meaning: "The ClusterRole of a companion has no rule with the verb list, so that whoever holds \
              it can list nothing.",
    label: FindingReason::CompanionRoleWithoutList,
};

const NO_PERSONA_ROLE: FaultKind = FaultKind {
    reason: "noPersonaRole",
    title: "Persona role does not exist",
    meaning: "Bindings are to a persona of which there is no ClusterRole, so that they give \
              nothing.",
    label: FindingReason::NoPersonaRole,
};

const UNNEEDED: FaultKind = FaultKind {
    reason: "unneededCompanion",
    title: "Companion that nobody needs",
    meaning: "A companion binding names subjects whom no persona binding demands it of, by the \
              policy.",
    label: FindingReason::UnneededCompanion,
};

const DRIFT: FaultKind = FaultKind {
    reason: "configurationDrift",
    title: "Webhook configuration is not as the policy wants it",
    meaning: "The API server does not ask bindguard about all that the policy is about, or in \
              another way.",
    label: FindingReason::ConfigurationDrift,
};

const ORDER_WAITS: FaultKind = FaultKind {
    reason: "orderWaits",
    title: "Order that waits",
    meaning: "The companions that a persona binding orders are not made yet.",
    label: FindingReason::OrderWaits,
};

const ORDER_EXPIRED: FaultKind = FaultKind {
    reason: "orderExpired",
    title: "Order past its time",
    meaning: "The order on a persona binding has expired, and its subjects lack companions.",
    label: FindingReason::OrderExpired,
};

const ORDER_DOES_NOT_COUNT: FaultKind = FaultKind {
    reason: "orderDoesNotCount",
    title: "Order that does not count",
    meaning: "The order on a persona binding will not be carried out.",
    label: FindingReason::OrderDoesNotCount,
};

impl Fault {
    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> FaultKind {
        match self {
            Self::Missing(_) => MISSING,
            Self::Umbrella(_) => UMBRELLA,
            Self::NoRole(_) => NO_ROLE,
            Self::RoleWithoutList(_) => ROLE_WITHOUT_LIST,
            Self::NoPersonaRole { .. } => NO_PERSONA_ROLE,
            Self::Unneeded { .. } => UNNEEDED,
            Self::Drift { .. } => DRIFT,
            Self::OrderWaits(_) => ORDER_WAITS,
            Self::OrderExpired => ORDER_EXPIRED,
            Self::OrderDoesNotCount(_) => ORDER_DOES_NOT_COUNT,
        }
    }

    /// The companions that a subject lacks, if that is what is wrong.
    #[must_use]
    pub const fn lacks(&self) -> CompanionSet {
        match self {
            Self::Missing(lacks) => *lacks,
            _ => CompanionSet::EMPTY,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::FaultKind;
    use crate::telemetry::labels::FindingReason;

    #[test]
    fn programs_and_metrics_have_the_same_word_for_a_fault() {
        let mut words = HashSet::new();
        for kind in FaultKind::ALL {
            let mut snake = String::new();
            for letter in kind.reason.chars() {
                if letter.is_ascii_uppercase() {
                    snake.push('_');
                }
                snake.push(letter.to_ascii_lowercase());
            }
            assert_eq!(kind.label.as_str(), snake);
            assert!(kind.meaning.ends_with('.') && !kind.title.ends_with('.'));
            words.insert(kind.reason);
        }
        assert_eq!(words.len(), FindingReason::COUNT);
    }
}
