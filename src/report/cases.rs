//! Tests of a policy, held against the rule.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

use serde::Serialize;

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

/// Judges every case as the webhook would, and gives those that do not hold, in order.
///
/// What the cluster would be asked again before a denial is what the case says: its holdings are
/// all that there is, and nothing is ordered.
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
    let evidence = Evidence {
        requester_exempt: requester
            .is_some_and(|who| policy.exempts_requester(&who.user, &who.groups)),
        dry_run: case.dry_run,
        ordered: &[],
    };
    let assessment = assess(policy, &binding, previous.as_ref(), &holdings);
    let decision = conclude(policy, assessment, evidence);
    let (actual, fault) = match &decision {
        Decision::Allow(_) => (Expected::Allow, None),
        Decision::Warn(fault) => (Expected::Warn, Some(fault)),
        Decision::Audit(fault) => (Expected::Audit, Some(fault)),
        Decision::Deny(fault) => (Expected::Deny, Some(fault)),
    };
    let lacking = Lacking::of_fault(policy, fault);
    let wanted = case.missing.as_ref();
    let wanted = wanted.map(|lacks| Lacking::of_case(lacks, &binding));
    let holds = actual == case.expected && wanted.as_ref().is_none_or(|wanted| *wanted == lacking);
    if holds {
        return None;
    }
    let expected = case.expected.as_str();
    Some(Failure {
        case: case.name.clone(),
        line: case.position.line,
        column: case.position.column,
        expected: match wanted {
            None => expected.to_owned(),
            Some(wanted) => format!("{expected} ({wanted})"),
        },
        got: match &decision {
            Decision::Allow(why) => format!("Allow ({})", reason(*why)),
            Decision::Warn(fault) | Decision::Audit(fault) | Decision::Deny(fault) => {
                format!("{} ({lacking}{})", actual.as_str(), softened(fault))
            }
        },
    })
}

/// Who lacks what, by their names as messages show them.
#[derive(Debug, PartialEq, Eq)]
struct Lacking(BTreeMap<String, Vec<String>>);

impl Lacking {
    fn of_fault(policy: &Policy, fault: Option<&Fault<'_, '_>>) -> Self {
        let missing = fault.map_or(&[] as &[Missing<'_>], |fault| &fault.missing);
        Self::of(missing.iter().map(|one| {
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
        if self.0.is_empty() {
            return formatter.write_str("nothing is missing");
        }
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
        Because::Action => "",
        Because::Ratchet => "; the previous version lacked it too",
        Because::DryRun => "; it is a dry run",
        Because::Order => "; it is ordered",
    }
}
