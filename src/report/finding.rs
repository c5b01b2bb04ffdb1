//! Something that is wrong now, and where.

use std::path::Path;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::domain::binding::{Binding, BindingKind};
use crate::domain::companion_set::CompanionSet;
use crate::domain::identity::{Identity, SubjectKind};
use crate::domain::policy::{Action, Policy};
use crate::domain::shown::{ShownBinding, ShownIdentity};
use crate::domain::text::ShownName;

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

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The subject of a persona binding lacks companions.
    Missing(CompanionSet),
    /// A companion binding gives companions to a group that Kubernetes itself hands out, so that
    /// none of its members can be found to lack them.
    Umbrella(CompanionSet),
    /// There is no ClusterRole of a companion's name: bindings to it give nothing.
    NoRole(CompanionSet),
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
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
    /// What a finding may be: its word for programs, its name for people, and what it means.
    pub const KINDS: [(&str, &str, &str); 3] = [
        (
            "missingCompanions",
            "Missing companions",
            "The subject of a persona binding lacks companions, without which the VM console does \
             not work.",
        ),
        (
            "umbrellaGroup",
            "Companion for a group of Kubernetes' own",
            "A companion is bound to a group that Kubernetes itself hands out, so that nobody in \
             it is found to lack the companion.",
        ),
        (
            "noCompanionRole",
            "Companion role does not exist",
            "There is no ClusterRole of a companion's name, so that bindings to it give nothing.",
        ),
    ];

    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> (&'static str, &'static str, &'static str) {
        let [missing, umbrella, no_role] = Self::KINDS;
        match self.fault {
            Fault::Missing(_) => missing,
            Fault::Umbrella(_) => umbrella,
            Fault::NoRole(_) => no_role,
        }
    }

    /// One word for what is wrong, for programs.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        self.kind().0
    }

    /// What it is called, for people.
    #[must_use]
    pub const fn title(&self) -> &'static str {
        self.kind().1
    }

    /// The companions that its subject lacks, if that is what is wrong.
    #[must_use]
    pub const fn lacks(&self) -> CompanionSet {
        match self.fault {
            Fault::Missing(lacks) => lacks,
            Fault::Umbrella(_) | Fault::NoRole(_) => CompanionSet::EMPTY,
        }
    }

    /// The persona that the subject has by the binding, where the binding is to one.
    #[must_use]
    pub fn persona(&self) -> Option<&str> {
        match self.fault {
            Fault::Missing(_) => self.binding.as_ref().map(|binding| binding.role.as_str()),
            Fault::Umbrella(_) | Fault::NoRole(_) => None,
        }
    }

    /// What is wrong, in a few words about the subject, if there is one.
    #[must_use]
    pub fn what(&self, policy: &Policy) -> String {
        let named = |set| policy.companion_names(set).collect::<Vec<_>>().join(", ");
        match self.fault {
            Fault::Missing(lacks) => format!("lacks {}", named(lacks)),
            Fault::Umbrella(given) => {
                format!("holds {}, and so does everybody in it", named(given))
            }
            Fault::NoRole(role) => format!("there is no ClusterRole {}", named(role)),
        }
    }

    /// What is wrong, as a sentence without its full stop.
    #[must_use]
    pub fn message(&self, policy: &Policy) -> String {
        let what = self.what(policy);
        let who = self
            .who
            .as_ref()
            .map(|who| ShownIdentity(who.identity()).to_string());
        let binding = self.binding.as_ref();
        let shown = binding.map(|binding| binding.shown().to_string());
        let (who, shown) = (who.unwrap_or_default(), shown.unwrap_or_default());
        match self.fault {
            Fault::Missing(_) => {
                let role = binding.map_or("", |binding| &binding.role);
                let role = ShownName(role);
                format!(
                    "{who} {what}, without which the VM console does not work: {role} by {shown}"
                )
            }
            Fault::Umbrella(_) => {
                format!("{who} {what}, so that nobody in it is found to lack it: by {shown}")
            }
            Fault::NoRole(_) => format!("{what}: bindings to it give nothing"),
        }
    }

    /// The file that it is in, if it is in one.
    #[must_use]
    pub fn file(&self) -> Option<&Arc<Path>> {
        self.binding.as_ref()?.file.as_ref()
    }
}
