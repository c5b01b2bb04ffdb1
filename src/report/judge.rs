//! From a binding to the findings about it.

use std::cell::LazyCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use serde::{Serialize, Serializer};

use super::fault::{Fault, FaultKind};
use super::finding::{BindingName, Finding, Place, Severity, Who};
use crate::audit::history::Tally;
use crate::domain::assess::{Assessment, NotJudged, assess};
use crate::domain::binding::Binding;
use crate::domain::conclude::{self, Decision, Evidence, conclude};
use crate::domain::holdings::Holdings;
use crate::domain::identity::Identity;
use crate::domain::policy::Policy;
use crate::domain::text::ShownName;
use crate::telemetry::labels::FindingReason;

/// Everything that was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// What is wrong, the worst first.
    pub findings: Vec<Finding>,
    /// What was looked at.
    pub summary: Summary,
    /// What is not judged, and why.
    pub exempt: Vec<Exempt>,
    /// By namespace, those who need companions by its `RoleBindings`; everywhere, by
    /// `ClusterRoleBindings`, is the empty name.
    pub namespaces: BTreeMap<String, Coverage>,
    /// The names of the `ClusterRoleBindings` that there are, which new ones must not have.
    pub taken: HashSet<String>,
    /// What could not be read. It hides no finding elsewhere.
    pub errors: Vec<String>,
    /// What was refused, if the history of it was asked for and could be read.
    pub denials: Option<Tally>,
}

/// What is found by looking at something else than bindings and their roles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Elsewhere {
    /// The findings.
    pub findings: Vec<Finding>,
    /// What could not be read.
    pub errors: Vec<String>,
}

/// A persona binding, or a subject of one, that the policy exempts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Exempt {
    /// The cluster that it is in, by the name of its context, where several were looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<Box<str>>,
    /// The binding.
    #[serde(serialize_with = "inner")]
    pub binding: Arc<BindingName>,
    /// The subject, if it is not the whole binding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<Who>,
    /// The field of the policy that says so.
    pub by: &'static str,
}

fn inner<S: Serializer>(binding: &Arc<BindingName>, serializer: S) -> Result<S::Ok, S::Error> {
    binding.as_ref().serialize(serializer)
}

/// How many of those who need companions have them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// How many there are, binding by binding.
    pub subjects: usize,
    /// How many of them lack something.
    pub lacking: usize,
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
    /// it. `name` and `places` are only asked where there is something to say: how it is shown,
    /// and where each of its identities stands.
    pub(super) fn judge<'b>(
        &mut self,
        policy: &Policy,
        binding: &Binding<'b>,
        holdings: &impl Holdings,
        name: impl FnOnce() -> BindingName,
        places: impl FnOnce() -> HashMap<Identity<'b>, Place>,
    ) {
        let name = LazyCell::new(|| Arc::new(name()));
        let assessment = assess(policy, binding, None, holdings);
        match &assessment {
            Assessment::NotJudged(NotJudged::NotAPersona) => return,
            Assessment::NotJudged(NotJudged::ExemptNamespace) => {
                self.exempt.push(Exempt {
                    cluster: None,
                    binding: Arc::clone(&name),
                    subject: None,
                    by: "exempt.namespaces",
                });
            }
            Assessment::Judged(judged) => {
                self.count(binding, judged.missing.len());
                let exempt: HashSet<Identity<'_>> = binding
                    .identities()
                    .filter(|one| {
                        judged.persona.enforces(one.kind()) && policy.exempts_subject(*one)
                    })
                    .collect();
                self.exempt.extend(exempt.into_iter().map(|one| Exempt {
                    cluster: None,
                    binding: Arc::clone(&name),
                    subject: Some(Who::from(one)),
                    by: "exempt.subjects",
                }));
            }
        }
        let fault = match conclude(policy, assessment, Evidence::default()) {
            Decision::Allow(_) => return,
            Decision::Warn(fault) | Decision::Audit(fault) | Decision::Deny(fault) => fault,
        };
        self.summary.faulty_bindings += 1;
        self.keep(policy, &fault, &name, &places());
    }

    fn count(&mut self, binding: &Binding<'_>, lacking: usize) {
        let subjects = binding.subjects.len();
        self.summary.persona_bindings += 1;
        self.summary.subjects += subjects;
        let namespace = binding.namespace.unwrap_or_default();
        let coverage = match self.namespaces.get_mut(namespace) {
            Some(coverage) => coverage,
            None => self.namespaces.entry(namespace.to_owned()).or_default(),
        };
        coverage.subjects += subjects;
        coverage.lacking += lacking;
    }

    fn keep(
        &mut self,
        policy: &Policy,
        fault: &conclude::Fault<'_, '_>,
        binding: &Arc<BindingName>,
        places: &HashMap<Identity<'_>, Place>,
    ) {
        let severity = Severity::of(policy.action_for(fault.persona));
        let findings = fault.missing.iter().map(|missing| {
            let fault = Fault::Missing(missing.lacks);
            let finding = Finding::new(severity, Some(Arc::clone(binding)), fault);
            Finding {
                place: places.get(&missing.identity).copied(),
                ..finding.about(Who::from(missing.identity))
            }
        });
        self.findings.extend(findings);
        self.summary.findings = self.findings.len();
    }

    /// This and what was found elsewhere.
    pub(super) fn with(mut self, other: Self) -> Self {
        self.findings.extend(other.findings);
        self.errors.extend(other.errors);
        self.taken.extend(other.taken);
        self.exempt.extend(other.exempt);
        for (namespace, found) in other.namespaces {
            let coverage = self.namespaces.entry(namespace).or_default();
            coverage.subjects += found.subjects;
            coverage.lacking += found.lacking;
        }
        self.summary.faulty_bindings += other.summary.faulty_bindings;
        self.summary.persona_bindings += other.summary.persona_bindings;
        self.summary.subjects += other.summary.subjects;
        self
    }

    /// How many findings of each kind there are, those of which there is none included.
    #[must_use]
    pub fn counts(&self) -> Vec<(FindingReason, usize)> {
        let count = |kind: FaultKind| {
            let findings = self.findings.iter();
            let found = findings.filter(|finding| finding.fault.kind() == kind);
            (kind.label, found.count())
        };
        FaultKind::ALL.map(count).into()
    }

    /// This and what was found elsewhere in the same cluster.
    #[must_use]
    pub fn and(mut self, elsewhere: Elsewhere) -> Self {
        self.findings.extend(elsewhere.findings);
        self.errors.extend(elsewhere.errors);
        self.finish()
    }

    /// The reports of several clusters as one, each cluster's behind that before. Of a cluster
    /// that could not be looked at there is the error.
    #[must_use]
    pub fn of_clusters(
        reports: impl IntoIterator<Item = (Arc<str>, Result<Self, String>)>,
    ) -> Self {
        let mut whole = Self::default();
        for (cluster, report) in reports {
            let report = report.unwrap_or_else(|error| Self {
                errors: vec![error],
                ..Self::default()
            });
            whole = whole.with(report.in_cluster(&cluster));
        }
        whole.summary.findings = whole.findings.len();
        whole.summary.errors = whole.errors.len();
        whole
    }

    fn in_cluster(mut self, cluster: &Arc<str>) -> Self {
        for finding in &mut self.findings {
            finding.cluster = Some(Arc::clone(cluster));
        }
        for exempt in &mut self.exempt {
            exempt.cluster = Some(Box::from(&**cluster));
        }
        let shown = ShownName(cluster);
        for error in &mut self.errors {
            *error = format!("cluster {shown}: {error}");
        }
        let namespaces = std::mem::take(&mut self.namespaces);
        let name = |(name, coverage): (String, Coverage)| match &*name {
            "" => (format!("cluster {shown}"), coverage),
            name => (format!("cluster {shown}: {name}"), coverage),
        };
        self.namespaces = namespaces.into_iter().map(name).collect();
        self
    }

    /// Puts the worst first, and otherwise leaves everything in the order in which it was found.
    pub(super) fn finish(mut self) -> Self {
        self.exempt.sort_by(|one, other| {
            let key = |exempt: &Exempt| (exempt.by, exempt.subject.clone());
            key(one).cmp(&key(other))
        });
        self.findings.sort_by_key(|finding| finding.severity);
        self.summary.findings = self.findings.len();
        self.summary.errors = self.errors.len();
        self
    }
}
