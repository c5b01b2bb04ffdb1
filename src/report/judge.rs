//! From a binding to the findings about it.

use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use serde::Serialize;

use super::finding::{BindingName, Fault, Finding, Place, Severity, Who};
use crate::domain::assess::{Assessment, assess};
use crate::domain::binding::Binding;
use crate::domain::conclude::{self, Decision, Evidence, conclude};
use crate::domain::holdings::Holdings;
use crate::domain::identity::Identity;
use crate::domain::policy::Policy;

/// Everything that was found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// What is wrong, the worst first.
    pub findings: Vec<Finding>,
    /// What was looked at.
    pub summary: Summary,
    /// The names of the `ClusterRoleBindings` that there are, which new ones must not have.
    pub taken: HashSet<String>,
    /// What could not be read. It hides no finding elsewhere.
    pub errors: Vec<String>,
}

/// What was looked at, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// How many findings there are.
    pub findings: usize,
    /// How many bindings have findings.
    pub faulty_bindings: usize,
    /// How many persona bindings were judged.
    pub persona_bindings: usize,
    /// How many subjects they have.
    pub subjects: usize,
    /// How many files were read; absent where there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files: Option<usize>,
    /// How much could not be read.
    pub errors: usize,
}

impl Report {
    /// Whether nothing was found.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }

    /// Judges one binding by the rule, concluded without evidence, and keeps what is wrong with
    /// it. `name` and `place` are only asked for a binding with a fault: how it is shown, and
    /// where each of its identities stands.
    pub(super) fn judge<'b>(
        &mut self,
        policy: &Policy,
        binding: &Binding<'b>,
        holdings: &impl Holdings,
        name: impl FnOnce() -> BindingName,
        places: impl FnOnce() -> HashMap<Identity<'b>, Place>,
    ) {
        let assessment = assess(policy, binding, None, holdings);
        if let Assessment::Judged(_) = assessment {
            self.summary.persona_bindings += 1;
            self.summary.subjects += binding.subjects.len();
        }
        let fault = match conclude(policy, assessment, Evidence::default()) {
            Decision::Allow(_) => return,
            Decision::Warn(fault) | Decision::Audit(fault) | Decision::Deny(fault) => fault,
        };
        self.summary.faulty_bindings += 1;
        self.keep(policy, &fault, &Arc::new(name()), &places());
    }

    fn keep(
        &mut self,
        policy: &Policy,
        fault: &conclude::Fault<'_, '_>,
        binding: &Arc<BindingName>,
        places: &HashMap<Identity<'_>, Place>,
    ) {
        let severity = Severity::of(policy.action_for(fault.persona));
        let findings = fault.missing.iter().map(|missing| Finding {
            severity,
            who: Who::from(missing.identity),
            binding: Arc::clone(binding),
            place: places.get(&missing.identity).copied(),
            fault: Fault::Missing(missing.lacks),
        });
        self.findings.extend(findings);
        self.summary.findings = self.findings.len();
    }

    /// This and what was found elsewhere.
    pub(super) fn with(mut self, other: Self) -> Self {
        self.findings.extend(other.findings);
        self.errors.extend(other.errors);
        self.taken.extend(other.taken);
        self.summary.faulty_bindings += other.summary.faulty_bindings;
        self.summary.persona_bindings += other.summary.persona_bindings;
        self.summary.subjects += other.summary.subjects;
        self
    }

    /// Puts the worst first, and otherwise leaves everything in the order in which it was found.
    pub(super) fn finish(mut self) -> Self {
        self.findings.sort_by_key(|finding| finding.severity);
        self.summary.findings = self.findings.len();
        self.summary.errors = self.errors.len();
        self
    }
}
