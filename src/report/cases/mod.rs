//! Tests of a policy, held against the rule.

mod orders;

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

use serde::Serialize;

use self::orders::{Orders, Why, orders};
use crate::domain::assess::{Missing, NotJudged, assess};
use crate::domain::binding::{Binding, Subject};
use crate::domain::conclude::{Allowed, Because, Decision, Evidence, Fault, conclude};
use crate::domain::policy::Policy;
use crate::domain::shown::ShownIdentity;
use crate::manifest::ManifestBinding;
use crate::policy_file::cases::{Case, Cases, Expected, Lack};
use crate::state::binding_key::BindingKey;
use crate::state::index::Index;

/// A case that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// The name of the case.
    pub case: String,
    /// Its line in its file, from 1.
    pub line: u32,
    /// Its column, from 1.
    pub column: u32,
    /// What it expects.
    pub expected: String,
    /// What the rule says instead, and why.
    pub got: String,
}

impl Display for Failure {
    /// `LINE:COLUMN: NAME: expected THIS, got THAT`
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}:{}: {}: expected {}, got {}",
            self.line, self.column, self.case, self.expected, self.got
        )
    }
}

/// Judges every case as the webhooks would, and gives those that do not hold, in order.
///
/// What the cluster would be asked again before a denial is what the case says: its holdings are
/// all that there is, and what it says of the requester's rights and of the guard is so.
#[must_use]
pub fn failures(cases: &Cases) -> Vec<Failure> {
    let policy = &cases.policy;
    let judged = cases.cases.iter().map(|case| failure(policy, case));
    judged.flatten().collect()
}

fn failure(policy: &Policy, case: &Case) -> Option<Failure> {
    let mut holdings = Index::new();
    for (position, held) in case.holdings.iter().enumerate() {
        let held = held.as_binding();
        let key = BindingKey::in_manifests(position, &held);
        holdings.apply_binding(policy, key, &held);
    }
    let binding = case.binding.as_binding();
    let previous = case.previous.as_ref().map(ManifestBinding::as_binding);
    let requester = case.requester.as_ref();
    let assessment = assess(policy, &binding, previous.as_ref(), &holdings);
    let orders = orders(policy, case, &binding, &assessment);
    let evidence = Evidence {
        requester_exempt: requester
            .is_some_and(|who| policy.exempts_requester(&who.user, &who.groups)),
        dry_run: case.dry_run,
        ordered: match &orders {
            Orders::For(counted) => counted,
            Orders::None(_) => &[],
        },
    };
    let decision = conclude(policy, assessment, evidence);
    let (actual, fault) = match &decision {
        Decision::Allow(_) => (Expected::Allow, None),
        Decision::Warn(fault) => (Expected::Warn, Some(fault)),
        Decision::Audit(fault) => (Expected::Audit, Some(fault)),
        Decision::Deny(fault) => (Expected::Deny, Some(fault)),
    };
    let found = Lacks {
        missing: Some(Lacking::of_fault(policy, fault.map(|fault| &fault.missing))),
        ordered: Some(Lacking::of_fault(policy, fault.map(|fault| &fault.ordered))),
    };
    let wanted = |lacks: &Option<Vec<Lack>>| Some(Lacking::of_case(lacks.as_ref()?, &binding));
    let expected = Lacks {
        missing: wanted(&case.missing),
        ordered: wanted(&case.ordered),
    };
    let is_so =
        |wanted: &Option<Lacking>, found: &Option<Lacking>| wanted.is_none() || wanted == found;
    let holds = actual == case.expected
        && is_so(&expected.missing, &found.missing)
        && is_so(&expected.ordered, &found.ordered);
    if holds {
        return None;
    }
    Some(Failure {
        case: case.name.clone(),
        line: case.position.line,
        column: case.position.column,
        expected: expected.told(case.expected, &[]),
        got: match &decision {
            Decision::Allow(why) => format!("Allow ({})", reason(*why)),
            Decision::Warn(fault) | Decision::Audit(fault) | Decision::Deny(fault) => {
                let no_order = match &orders {
                    Orders::For(_) | Orders::None(Why::NotAsked) => String::new(),
                    Orders::None(why) => why.to_string(),
                };
                found.told(actual, &[softened(fault).to_owned(), no_order])
            }
        },
    })
}

/// What a binding lacks, and what is ordered of it; nothing of what nobody asked.
#[derive(Debug)]
struct Lacks {
    missing: Option<Lacking>,
    ordered: Option<Lacking>,
}

impl Lacks {
    /// A decision with what is missing, what is ordered, and why.
    fn told(&self, decision: Expected, why: &[String]) -> String {
        let ordered = self.ordered.as_ref();
        let is_ordered = ordered.is_some_and(|ordered| !ordered.0.is_empty());
        let mut parts = Vec::new();
        if let Some(missing) = &self.missing {
            match missing.0.is_empty() {
                false => parts.push(missing.to_string()),
                true if !is_ordered => parts.push("nothing is missing".to_owned()),
                true => {}
            }
        }
        match ordered {
            Some(ordered) if is_ordered => parts.push(format!("ordered, since {ordered}")),
            Some(_) if self.missing.is_none() => parts.push("nothing is ordered".to_owned()),
            _ => {}
        }
        parts.extend(why.iter().filter(|part| !part.is_empty()).cloned());
        if parts.is_empty() {
            return decision.as_str().to_owned();
        }
        format!("{} ({})", decision.as_str(), parts.join("; "))
    }
}

/// Who lacks what, by their names as messages show them.
#[derive(Debug, PartialEq, Eq)]
struct Lacking(BTreeMap<String, Vec<String>>);

impl Lacking {
    fn of_fault(policy: &Policy, missing: Option<&Vec<Missing<'_>>>) -> Self {
        Self::of(missing.into_iter().flatten().map(|one| {
            let companions = policy.companion_names(one.lacks).map(str::to_owned);
            (
                ShownIdentity(one.identity).to_string(),
                companions.collect(),
            )
        }))
    }

    fn of_case(lacks: &[Lack], binding: &Binding<'_>) -> Self {
        Self::of(lacks.iter().filter_map(|lack| {
            let subject = Subject {
                kind: lack.kind,
                name: &lack.name,
                namespace: lack.namespace.as_deref(),
            };
            let identity = subject.identity(binding.namespace)?;
            Some((ShownIdentity(identity).to_string(), lack.companions.clone()))
        }))
    }

    fn of(pairs: impl Iterator<Item = (String, Vec<String>)>) -> Self {
        let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (who, companions) in pairs {
            let known = all.entry(who).or_default();
            known.extend(companions);
            known.sort_unstable();
            known.dedup();
        }
        Self(all)
    }
}

impl Display for Lacking {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        for (position, (who, companions)) in self.0.iter().enumerate() {
            let separator = if position == 0 { "" } else { "; " };
            write!(
                formatter,
                "{separator}{who} lacks {}",
                companions.join(", ")
            )?;
        }
        Ok(())
    }
}

const fn reason(why: Allowed) -> &'static str {
    match why {
        Allowed::NotJudged(NotJudged::NotAPersona) => "the role is no persona",
        Allowed::NotJudged(NotJudged::ExemptNamespace) => "the namespace is exempt",
        Allowed::ExemptRequester => "the requester is exempt",
        Allowed::Covered => "nothing is missing",
    }
}

/// What let a binding pass that would be refused.
const fn softened(fault: &Fault<'_, '_>) -> &'static str {
    match fault.because {
        Because::Ratchet => "the previous version lacked it too",
        Because::DryRun => "it is a dry run",
        Because::Action | Because::Order => "",
    }
}
