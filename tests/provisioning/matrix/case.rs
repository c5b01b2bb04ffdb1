//! The dimensions of the matrix, and which cases of it are tried.

use std::collections::BTreeSet;

use crate::random::Random;

/// Who writes the binding, by what they may do about companions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Requester {
    None,
    CreateOnly,
    BindOnly,
    /// Holds what the companions allow, and may create bindings, without the verb `bind`.
    Holds,
    /// May do everything in the namespaces, and nothing outside.
    NamespaceAdmin,
    /// Has the rights, and is one whom the policy lists under `notOrdering`.
    Robot,
    UnlistedAccount,
    ListedAccount,
    Both,
    ClusterAdmin,
}

/// The order that the binding has when the requester is done with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Sent {
    Absent,
    ForgedInOwnName,
    ForgedInAnothersName,
    /// From another binding, with a name and namespace of its own.
    Copied,
    DatedAhead,
    OfAnotherCluster,
    /// The word by which the guard is tried.
    Canary,
    /// It stays as it is on a binding to which the requester gives another subject.
    KeptWhileSubjectsChange,
    /// It was on a binding of this very name, which is gone.
    RecreatedAfterDelete,
    /// It was put on the binding while there was no guard, and stays.
    FromBeforeTheGuard,
}

/// Which webhooks are out of the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Away {
    Neither,
    Validating,
    Mutating,
    Both,
}

/// What the policy says of the binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Regime {
    Enforce,
    Warn,
    ExemptNamespace,
    ExemptRequester,
    /// The subject has both companions already.
    Covered,
}

/// The kind of binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    RoleBinding,
    ClusterRoleBinding,
}

pub(super) const REQUESTERS: [Requester; 10] = [
    Requester::None,
    Requester::CreateOnly,
    Requester::BindOnly,
    Requester::Holds,
    Requester::NamespaceAdmin,
    Requester::Robot,
    Requester::UnlistedAccount,
    Requester::ListedAccount,
    Requester::Both,
    Requester::ClusterAdmin,
];
pub(super) const SENT: [Sent; 10] = [
    Sent::Absent,
    Sent::ForgedInOwnName,
    Sent::ForgedInAnothersName,
    Sent::Copied,
    Sent::DatedAhead,
    Sent::OfAnotherCluster,
    Sent::Canary,
    Sent::KeptWhileSubjectsChange,
    Sent::RecreatedAfterDelete,
    Sent::FromBeforeTheGuard,
];
pub(super) const AWAY: [Away; 4] = [Away::Neither, Away::Validating, Away::Mutating, Away::Both];
const REGIMES: [Regime; 5] = [
    Regime::Enforce,
    Regime::Warn,
    Regime::ExemptNamespace,
    Regime::ExemptRequester,
    Regime::Covered,
];
const KINDS: [Kind; 2] = [Kind::RoleBinding, Kind::ClusterRoleBinding];

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Case {
    pub(super) requester: Requester,
    pub(super) sent: Sent,
    pub(super) away: Away,
    pub(super) regime: Regime,
    pub(super) kind: Kind,
}

/// One value of one dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Value {
    Requester(Requester),
    Sent(Sent),
    Away(Away),
    Regime(Regime),
    Kind(Kind),
}

impl Case {
    fn values(self) -> [Value; 5] {
        [
            Value::Requester(self.requester),
            Value::Sent(self.sent),
            Value::Away(self.away),
            Value::Regime(self.regime),
            Value::Kind(self.kind),
        ]
    }

    fn pairs(self) -> impl Iterator<Item = (Value, Value)> {
        let values = self.values();
        let later = move |from: usize| (from + 1..5).map(move |to| (values[from], values[to]));
        (0..5).flat_map(later)
    }

    pub(super) fn is_update(self) -> bool {
        matches!(
            self.sent,
            Sent::KeptWhileSubjectsChange | Sent::FromBeforeTheGuard
        )
    }
}

/// Every case that there is: ClusterRoleBindings are in no namespace that could be exempt.
pub(super) fn all() -> Vec<Case> {
    let mut cases = Vec::new();
    for requester in REQUESTERS {
        for sent in SENT {
            for away in AWAY {
                for regime in REGIMES {
                    for kind in KINDS {
                        if (regime, kind) == (Regime::ExemptNamespace, Kind::ClusterRoleBinding) {
                            continue;
                        }
                        cases.push(Case {
                            requester,
                            sent,
                            away,
                            regime,
                            kind,
                        });
                    }
                }
            }
        }
    }
    cases
}

/// So many of all cases, in which every two values meet that can.
pub(super) fn choose(count: usize, seed: u64) -> Vec<Case> {
    let mut cases = all();
    Random::of(seed, 0).shuffle(&mut cases);
    let mut met = BTreeSet::new();
    let (mut chosen, rest): (Vec<Case>, Vec<Case>) = cases.into_iter().partition(|case| {
        let before = met.len();
        met.extend(case.pairs());
        met.len() > before
    });
    let more = count.saturating_sub(chosen.len());
    chosen.extend(rest.into_iter().take(more));
    chosen
}

#[test]
fn in_the_cases_that_are_chosen_every_two_values_meet_that_can() {
    let pairs = |cases: &[Case]| -> BTreeSet<(Value, Value)> {
        cases.iter().flat_map(|case| case.pairs()).collect()
    };
    let all = all();
    assert_eq!(all.len(), 10 * 10 * 4 * (5 * 2 - 1));
    for seed in 0..20 {
        let chosen = choose(500, seed);
        assert_eq!(chosen.len(), 500);
        assert_eq!(pairs(&chosen), pairs(&all));
        let distinct: BTreeSet<Case> = chosen.into_iter().collect();
        assert_eq!(distinct.len(), 500);
    }
}
