//! The policy: what the rule is told to judge, and how.

use std::time::Duration;

use super::binding::{Binding, BindingKind, RoleKind, RoleRef};
use super::companion_set::{CompanionSet, MAX_COMPANIONS};
use super::identity::{Identity, SERVICE_ACCOUNT_USER_PREFIX, SubjectKind};

/// What happens to a binding that the rule finds fault with. All three are recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Refuse it.
    Deny,
    /// Let it through with warnings.
    Warn,
    /// Let it through silently.
    Audit,
}

/// What a dry run is told that would be denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DryRun {
    /// The same as without it.
    Enforce,
    /// A warning, for GitOps tools that dry-run a whole stage before they apply any of it.
    Warn,
}

/// Whether a companion bound to a group that Kubernetes itself hands out covers the members.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UmbrellaGroups {
    /// It does, as in RBAC.
    Honour,
    /// It does not.
    Ignore,
}

/// When missing companions are provisioned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProvisioningMode {
    /// Never.
    Disabled,
    /// When the persona binding asks for it.
    OnRequest,
    /// For every persona binding whose requester may.
    Always,
}

/// A set of `ClusterRoles` that make their subject a VM user, judged alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Persona {
    /// The name by which the policy calls the set.
    pub name: String,
    /// The `ClusterRoles`.
    pub cluster_roles: Vec<String>,
    /// The kinds of subject that need companions.
    pub subject_kinds: Vec<SubjectKind>,
    /// The action, where it differs from the policy's.
    pub action: Option<Action>,
    /// The companions that these need, as positions in the policy's list, where they are not all.
    pub companions: Option<CompanionSet>,
}

impl Persona {
    /// Whether subjects of this kind need companions.
    #[must_use]
    pub fn enforces(&self, kind: SubjectKind) -> bool {
        self.subject_kinds.contains(&kind)
    }
}

/// A ClusterRole that every persona subject must also hold, by ClusterRoleBinding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Companion {
    /// Its name.
    pub cluster_role: String,
    /// `ClusterRoles` that serve as well when they are bound cluster-wide.
    pub implied_by: Vec<String>,
}

/// A subject as a policy names it, in its canonical form.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PolicySubject {
    /// What kind of subject it is.
    pub kind: SubjectKind,
    /// Its name.
    pub name: String,
    /// The namespace of a ServiceAccount, empty for the other kinds.
    pub namespace: String,
}

impl PolicySubject {
    /// Who this is.
    #[must_use]
    pub fn identity(&self) -> Identity<'_> {
        match self.kind {
            SubjectKind::User => Identity::user(&self.name),
            SubjectKind::Group => Identity::group(&self.name),
            SubjectKind::ServiceAccount => Identity::ServiceAccount {
                namespace: &self.namespace,
                name: &self.name,
            },
        }
    }
}

/// What is never judged.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Exemptions {
    /// Namespaces whose `RoleBindings` are not judged.
    pub namespaces: Vec<String>,
    /// Subjects that need no companion.
    pub subjects: Vec<PolicySubject>,
    /// Requesters whose bindings are not judged.
    pub requesters: Vec<PolicySubject>,
}

/// A ServiceAccount by namespace and name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ServiceAccountName {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl ServiceAccountName {
    /// The user name with which it authenticates.
    #[must_use]
    pub fn username(&self) -> String {
        format!(
            "{SERVICE_ACCOUNT_USER_PREFIX}{}:{}",
            self.namespace, self.name
        )
    }
}

/// How missing companions are provisioned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provisioning {
    /// When.
    pub mode: ProvisioningMode,
    /// The `ServiceAccounts` that may order.
    pub service_accounts: Vec<ServiceAccountName>,
    /// Users and Groups that never order.
    pub not_ordering: Vec<PolicySubject>,
    /// How long an order may wait before it no longer counts.
    pub order_lifetime: Duration,
    /// The most subjects that one binding's order may be for.
    pub max_subjects_per_binding: u32,
    /// The most companions that may exist before no more orders are taken.
    pub max_companions: u32,
}

/// A policy, complete: what a file leaves out has its default here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Its name, for people.
    pub name: String,
    /// What happens to a binding that the rule finds fault with.
    pub action: Action,
    /// The personas. No ClusterRole is in two of them.
    pub personas: Vec<Persona>,
    /// The companions, at most [`MAX_COMPANIONS`].
    pub companions: Vec<Companion>,
    /// Whether a Role with a persona's name is judged like the persona.
    pub match_roles: bool,
    /// What happens when a change to a companion binding would leave a persona subject uncovered.
    pub companion_removal: Action,
    /// What a dry run is told.
    pub dry_run: DryRun,
    /// Whether umbrella groups cover.
    pub umbrella_groups: UmbrellaGroups,
    /// How companions are provisioned.
    pub provisioning: Provisioning,
    /// What is never judged.
    pub exempt: Exemptions,
}

impl Policy {
    /// The policy that applies without a file.
    #[must_use]
    pub fn built_in() -> Self {
        Self {
            name: "vmo".to_owned(),
            action: Action::Deny,
            personas: built_in_personas(),
            companions: ["spectro-list-namespaces", "spectro-list-vmtemplates"]
                .map(|name| Companion {
                    cluster_role: name.to_owned(),
                    implied_by: Vec::new(),
                })
                .into(),
            match_roles: false,
            companion_removal: Action::Warn,
            dry_run: DryRun::Enforce,
            umbrella_groups: UmbrellaGroups::Honour,
            provisioning: Provisioning::default(),
            exempt: Exemptions {
                namespaces: vec!["kube-system".to_owned()],
                subjects: ["system:masters", "kubeadm:cluster-admins"]
                    .map(|name| PolicySubject {
                        kind: SubjectKind::Group,
                        name: name.to_owned(),
                        namespace: String::new(),
                    })
                    .into(),
                requesters: Vec::new(),
            },
        }
    }

    /// Every companion of the policy.
    #[must_use]
    pub fn all_companions(&self) -> CompanionSet {
        (0..self.companions.len().min(MAX_COMPANIONS)).collect()
    }

    /// The names of the companions in a set, in the policy's order.
    pub fn companion_names(&self, set: CompanionSet) -> impl Iterator<Item = &str> {
        set.positions()
            .filter_map(|position| self.companions.get(position))
            .map(|companion| companion.cluster_role.as_str())
    }

    /// The persona that a binding makes its subjects, if it is a persona binding.
    #[must_use]
    pub fn persona_of(&self, kind: BindingKind, role: RoleRef<'_>) -> Option<&Persona> {
        let judged = match (role.kind, kind) {
            (RoleKind::ClusterRole, _) => true,
            (RoleKind::Role, BindingKind::RoleBinding) => self.match_roles,
            (RoleKind::Role, BindingKind::ClusterRoleBinding) | (RoleKind::Other, _) => false,
        };
        if !judged {
            return None;
        }
        self.personas
            .iter()
            .find(|persona| persona.cluster_roles.iter().any(|name| name == role.name))
    }

    /// The companions that a persona's subjects need.
    #[must_use]
    pub fn companions_of(&self, persona: &Persona) -> CompanionSet {
        persona.companions.unwrap_or_else(|| self.all_companions())
    }

    /// What happens to a faulty binding of a persona.
    #[must_use]
    pub fn action_for(&self, persona: &Persona) -> Action {
        persona.action.unwrap_or(self.action)
    }

    /// The companions that a binding gives to its subjects: its own role, or those that its role
    /// implies. Empty unless it is a ClusterRoleBinding to a ClusterRole.
    #[must_use]
    pub fn companions_given_by(&self, kind: BindingKind, role: RoleRef<'_>) -> CompanionSet {
        match (kind, role.kind) {
            (BindingKind::ClusterRoleBinding, RoleKind::ClusterRole) => self
                .companions
                .iter()
                .enumerate()
                .filter(|(_, companion)| companion.is_given_by(role.name))
                .map(|(position, _)| position)
                .collect(),
            (BindingKind::ClusterRoleBinding, RoleKind::Role | RoleKind::Other)
            | (BindingKind::RoleBinding, _) => CompanionSet::EMPTY,
        }
    }

    /// Whether a subject needs no companion whatever it is bound to.
    #[must_use]
    pub fn exempts_subject(&self, identity: Identity<'_>) -> bool {
        self.exempt
            .subjects
            .iter()
            .any(|exempt| exempt.identity() == identity)
    }

    /// Whether a binding's namespace is exempt.
    #[must_use]
    pub fn exempts_namespace_of(&self, binding: &Binding<'_>) -> bool {
        binding
            .namespace
            .is_some_and(|namespace| self.exempt.namespaces.iter().any(|name| name == namespace))
    }

    /// Whether what a requester writes is not judged: the requester or one of its groups is
    /// exempt.
    #[must_use]
    pub fn exempts_requester(&self, username: &str, groups: &[impl AsRef<str>]) -> bool {
        let user = Identity::user(username);
        self.exempt.requesters.iter().any(|exempt| {
            let exempt = exempt.identity();
            exempt == user
                || groups
                    .iter()
                    .any(|group| Identity::group(group.as_ref()) == exempt)
        })
    }
}

impl Companion {
    /// Whether a ClusterRoleBinding to this ClusterRole gives the companion.
    fn is_given_by(&self, cluster_role: &str) -> bool {
        self.cluster_role == cluster_role || self.implied_by.iter().any(|name| name == cluster_role)
    }
}

impl Default for Provisioning {
    fn default() -> Self {
        Self {
            mode: ProvisioningMode::OnRequest,
            service_accounts: Vec::new(),
            not_ordering: Vec::new(),
            order_lifetime: Duration::from_mins(10),
            max_subjects_per_binding: 20,
            max_companions: 50_000,
        }
    }
}

fn built_in_personas() -> Vec<Persona> {
    let persona = |name: &str, cluster_roles: &[&str], subject_kinds: &[SubjectKind]| Persona {
        name: name.to_owned(),
        cluster_roles: cluster_roles
            .iter()
            .map(|name| (*name).to_owned())
            .collect(),
        subject_kinds: subject_kinds.to_vec(),
        action: None,
        companions: None,
    };
    vec![
        persona(
            "vm",
            &[
                "spectro-vm-admin",
                "spectro-vm-power-user",
                "spectro-vm-user",
                "spectro-vm-viewer",
            ],
            &SubjectKind::ALL,
        ),
        // Operators bind ServiceAccounts to these all the time.
        persona(
            "kubernetes",
            &["cluster-admin", "admin", "edit", "view"],
            &[SubjectKind::User, SubjectKind::Group],
        ),
    ]
}
