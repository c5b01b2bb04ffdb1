//! A companion binding that is yet to be made, as YAML for people and as JSON for the API server.

use std::fmt::{self, Display, Formatter};
use std::sync::Arc;

use serde_json::{Value, json};

use super::finding::{BindingName, Who};
use super::yaml::Scalar;
use crate::domain::binding::RBAC_GROUP;
use crate::domain::identity::SubjectKind;
use crate::domain::remedy::NewSubject;

/// How many persona bindings a comment names.
const MOST_REASONS: usize = 3;

/// The persona bindings for whose sake something is done: the first few.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Because {
    named: Vec<Arc<BindingName>>,
    others: bool,
}

/// A ClusterRoleBinding that gives subjects a companion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewBinding {
    /// Its name: the same for the same companion and subjects.
    pub name: String,
    /// The companion.
    pub companion: String,
    /// Those to whom it gives it, sorted, never empty.
    pub subjects: Vec<Who>,
    /// What it is for.
    pub because: Because,
}

impl Because {
    pub(super) fn add(&mut self, binding: &Arc<BindingName>) {
        if self.named.contains(binding) {
            return;
        }
        if self.named.len() < MOST_REASONS {
            self.named.push(Arc::clone(binding));
        } else {
            self.others = true;
        }
    }

    pub(super) fn add_all(&mut self, other: &Self) {
        for binding in &other.named {
            self.add(binding);
        }
        self.others |= other.others;
    }
}

impl Display for Because {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        for (position, binding) in self.named.iter().enumerate() {
            let separator = match position {
                0 => "",
                last if last + 1 == self.named.len() && !self.others => " and ",
                _ => ", ",
            };
            write!(formatter, "{separator}{}", binding.shown())?;
        }
        if self.others {
            formatter.write_str(" and others")?;
        }
        Ok(())
    }
}

impl NewBinding {
    /// The object as the API server takes it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let subjects: Vec<Value> = self.subjects.iter().map(subject_json).collect();
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": self.name},
            "roleRef": {"apiGroup": RBAC_GROUP, "kind": "ClusterRole", "name": self.companion},
            "subjects": subjects,
        })
    }
}

fn subject_json(who: &Who) -> Value {
    let subject = NewSubject::of(who.identity());
    let (kind, name) = (subject.kind.as_str(), subject.name);
    match subject.namespace {
        Some(namespace) => json!({"kind": kind, "namespace": namespace, "name": name}),
        None => json!({"apiGroup": RBAC_GROUP, "kind": kind, "name": name}),
    }
}

impl Display for NewBinding {
    /// One document of YAML, with a comment on why, and without a line of dashes.
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "# needed for {}", self.because)?;
        writeln!(formatter, "apiVersion: rbac.authorization.k8s.io/v1")?;
        writeln!(formatter, "kind: ClusterRoleBinding")?;
        writeln!(formatter, "metadata:\n  name: {}", Scalar(&self.name))?;
        writeln!(formatter, "roleRef:\n  apiGroup: {RBAC_GROUP}")?;
        let companion = Scalar(&self.companion);
        writeln!(formatter, "  kind: ClusterRole\n  name: {companion}")?;
        writeln!(formatter, "subjects:")?;
        for who in &self.subjects {
            write_subject(formatter, &NewSubject::of(who.identity()))?;
        }
        Ok(())
    }
}

fn write_subject(formatter: &mut Formatter<'_>, subject: &NewSubject<'_>) -> fmt::Result {
    match subject.kind {
        SubjectKind::User | SubjectKind::Group => {
            writeln!(
                formatter,
                "- apiGroup: {RBAC_GROUP}\n  kind: {}",
                subject.kind
            )?;
        }
        SubjectKind::ServiceAccount => writeln!(formatter, "- kind: {}", subject.kind)?,
    }
    if let Some(namespace) = subject.namespace {
        writeln!(formatter, "  namespace: {}", Scalar(namespace))?;
    }
    writeln!(formatter, "  name: {}", Scalar(&subject.name))
}
