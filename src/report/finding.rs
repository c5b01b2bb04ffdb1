//! Something that is wrong now, and where.

use std::path::Path;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use super::fault::Fault;
use crate::domain::binding::{Binding, BindingKind};
use crate::domain::companion_set::CompanionSet;
use crate::domain::identity::{Identity, SubjectKind};
use crate::domain::policy::Action;
use crate::domain::shown::ShownBinding;

/// An identity that owns its name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Who {
    kind: SubjectKind,
    namespace: Option<Box<str>>,
    name: Box<str>,
}

/// How bad a finding is: what the webhook does to a new binding like it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// It is refused.
    Error,
    /// It passes with a warning.
    Warning,
    /// It passes silently and is recorded.
    Note,
}

/// The binding that a finding is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BindingName {
    /// Which of the two kinds it is.
    pub kind: BindingKind,
    /// The namespace of a RoleBinding.
    pub namespace: Option<String>,
    /// Its name, or what its name is to begin with.
    pub name: String,
    /// The role that it grants.
    pub role: String,
    /// The file that it is in, if it is in one.
    pub file: Option<Arc<Path>>,
    /// Its uid in the cluster that it is in, if it is in one.
    pub uid: Option<Box<str>>,
}

/// Where in a file something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The document, from 1. Empty ones count.
    pub document: usize,
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The cluster that it is in, by the name of its context, where several were looked at.
    pub cluster: Option<Arc<str>>,
    /// How bad it is.
    pub severity: Severity,
    /// With whom, where it is about somebody.
    pub who: Option<Who>,
    /// In which binding, where it is about one.
    pub binding: Option<Arc<BindingName>>,
    /// Where the subject stands, in a file.
    pub place: Option<Place>,
    /// What.
    pub fault: Fault,
}

impl Who {
    /// Who this is.
    #[must_use]
    pub fn identity(&self) -> Identity<'_> {
        match (self.kind, &self.namespace) {
            (SubjectKind::ServiceAccount, Some(namespace)) => Identity::ServiceAccount {
                namespace,
                name: &self.name,
            },
            (SubjectKind::Group, _) => Identity::group(&self.name),
            (SubjectKind::User | SubjectKind::ServiceAccount, _) => Identity::user(&self.name),
        }
    }
}

impl Who {
    /// How many bytes its name and namespace have.
    pub(super) fn bytes(&self) -> usize {
        self.name.len()
            + self
                .namespace
                .as_ref()
                .map_or(0, |namespace| namespace.len())
    }
}

impl From<Identity<'_>> for Who {
    fn from(identity: Identity<'_>) -> Self {
        let (prefix, name) = identity.name();
        Self {
            kind: identity.kind(),
            namespace: identity.namespace().map(Box::from),
            name: [prefix, name].concat().into(),
        }
    }
}

impl Serialize for Who {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Named {
            kind: self.kind.as_str(),
            namespace: self.namespace.as_deref(),
            name: &self.name,
        }
        .serialize(serializer)
    }
}

impl Serialize for BindingName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Named {
            kind: self.kind.as_str(),
            namespace: self.namespace.as_deref(),
            name: &self.name,
        }
        .serialize(serializer)
    }
}

/// How subjects and bindings are written in JSON and YAML.
#[derive(Serialize)]
struct Named<'a> {
    kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a str>,
    name: &'a str,
}

impl Severity {
    /// What a fault under this action is.
    #[must_use]
    pub const fn of(action: Action) -> Self {
        match action {
            Action::Deny => Self::Error,
            Action::Warn => Self::Warning,
            Action::Audit => Self::Note,
        }
    }

    /// As SARIF spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

impl BindingName {
    /// The name of a binding; `shown_name` is what its name begins with while it has none.
    #[must_use]
    pub fn of(binding: &Binding<'_>, shown_name: &str, file: Option<Arc<Path>>) -> Self {
        Self {
            kind: binding.kind,
            namespace: binding.namespace.map(str::to_owned),
            name: shown_name.to_owned(),
            role: binding.role.name.to_owned(),
            file,
            uid: None,
        }
    }

    /// The name of a binding in a cluster.
    #[must_use]
    pub fn in_cluster(binding: &Binding<'_>, uid: Option<&str>) -> Self {
        Self {
            uid: uid.map(Box::from),
            ..Self::of(binding, binding.name, None)
        }
    }

    /// As messages show it.
    #[must_use]
    pub fn shown(&self) -> ShownBinding<'_> {
        ShownBinding {
            kind: self.kind,
            namespace: self.namespace.as_deref(),
            name: &self.name,
        }
    }
}

impl Finding {
    /// A finding that is about no subject, and in no file.
    #[must_use]
    pub fn new(severity: Severity, binding: Option<Arc<BindingName>>, fault: Fault) -> Self {
        Self {
            cluster: None,
            severity,
            who: None,
            binding,
            place: None,
            fault,
        }
    }

    /// The same about somebody.
    #[must_use]
    pub fn about(self, who: Who) -> Self {
        Self {
            who: Some(who),
            ..self
        }
    }

    /// One word for what is wrong, for programs.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        self.fault.kind().reason
    }

    /// What it is called, for people.
    #[must_use]
    pub const fn title(&self) -> &'static str {
        self.fault.kind().title
    }

    /// The companions that its subject lacks, if that is what is wrong.
    #[must_use]
    pub const fn lacks(&self) -> CompanionSet {
        self.fault.lacks()
    }

    /// The persona that the binding is to, where that is what it is about.
    #[must_use]
    pub fn persona(&self) -> Option<&str> {
        match self.fault {
            Fault::Missing(_)
            | Fault::NoPersonaRole { .. }
            | Fault::OrderWaits(_)
            | Fault::OrderExpired
            | Fault::OrderDoesNotCount(_) => {
                self.binding.as_ref().map(|binding| binding.role.as_str())
            }
            _ => None,
        }
    }

    /// The file that it is in, if it is in one.
    #[must_use]
    pub fn file(&self) -> Option<&Arc<Path>> {
        self.binding.as_ref()?.file.as_ref()
    }
}
