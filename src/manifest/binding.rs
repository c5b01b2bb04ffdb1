//! A binding as a manifest has it.

use std::collections::BTreeMap;

use crate::domain::binding::{Binding, BindingKind, RoleRef, Subject};
use crate::domain::identity::SubjectKind;
use crate::yaml::Position;

/// A binding that owns what it says, with where it says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestBinding {
    /// Which of the two kinds it is.
    pub kind: BindingKind,
    /// Its name; empty if `generate_name` is to give it one.
    pub name: String,
    /// What its name is to begin with.
    pub generate_name: Option<String>,
    /// The namespace of a RoleBinding; nothing if the manifest leaves it open.
    pub namespace: Option<String>,
    /// Its uid, in what was read from a cluster.
    pub uid: Option<String>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
    /// The role that it grants.
    pub role: ManifestRole,
    /// Those to whom it grants it, duplicates included. Those of kinds that RBAC does not know
    /// are problems instead.
    pub subjects: Vec<ManifestSubject>,
    /// Where it begins: its document, or its item of a list.
    pub position: Position,
    /// Which document of the text it is in, from 0. Empty ones count.
    pub document: usize,
}

/// The role that a binding grants, as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestRole {
    /// Its API group; files often leave it out.
    pub api_group: Option<String>,
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
}

/// A subject of a binding, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestSubject {
    /// What kind of subject it is.
    pub kind: SubjectKind,
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: Option<String>,
    /// Where it begins.
    pub position: Position,
}

impl ManifestBinding {
    /// The binding as the rule looks at it.
    #[must_use]
    pub fn as_binding(&self) -> Binding<'_> {
        let role = &self.role;
        Binding {
            kind: self.kind,
            namespace: self.namespace.as_deref(),
            name: &self.name,
            role: RoleRef::new(role.api_group.as_deref(), &role.kind, &role.name),
            subjects: self
                .subjects
                .iter()
                .map(ManifestSubject::as_subject)
                .collect(),
        }
    }
}

impl ManifestSubject {
    /// The subject as the rule looks at it.
    #[must_use]
    pub fn as_subject(&self) -> Subject<'_> {
        Subject {
            kind: self.kind,
            name: &self.name,
            namespace: self.namespace.as_deref(),
        }
    }
}
