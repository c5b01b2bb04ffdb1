//! A policy in the shape of the file, and the defaults, which are the built-in policy in it.

use crate::domain::policy::{self, Policy, PolicySubject, ServiceAccountName};

use super::{
    Companion, Coverage, Exempt, Metadata, OutsideSubject, Persona, PolicyDocument, Provisioning,
    ServiceAccount, Spec, Subject,
};
use crate::policy_file::words::{OutsideKind, Word};
use crate::policy_file::{API_VERSION, KIND, duration};

impl From<&Policy> for PolicyDocument {
    fn from(policy: &Policy) -> Self {
        Self {
            api_version: API_VERSION,
            kind: KIND,
            metadata: Metadata {
                name: policy.name.clone(),
            },
            spec: Spec::from(policy),
        }
    }
}

impl From<&Policy> for Spec {
    fn from(policy: &Policy) -> Self {
        let personas = policy.personas.iter();
        let companions = policy.companions.iter();
        Self {
            action: Word(policy.action),
            personas: personas
                .map(|persona| Persona::of(policy, persona))
                .collect(),
            companions: companions.map(Companion::from).collect(),
            match_roles: policy.match_roles,
            companion_removal: Word(policy.companion_removal),
            dry_run: Word(policy.dry_run),
            coverage: Coverage {
                umbrella_groups: Word(policy.umbrella_groups),
            },
            provisioning: Provisioning::from(&policy.provisioning),
            exempt: Exempt::from(&policy.exempt),
        }
    }
}

impl Persona {
    fn of(policy: &Policy, persona: &policy::Persona) -> Self {
        let names = |set| policy.companion_names(set).map(str::to_owned).collect();
        Self {
            name: persona.name.clone(),
            cluster_roles: persona.cluster_roles.clone(),
            subject_kinds: persona.subject_kinds.iter().copied().map(Word).collect(),
            action: persona.action.map(Word),
            companions: persona.companions.map(names),
        }
    }
}

impl From<&policy::Companion> for Companion {
    fn from(companion: &policy::Companion) -> Self {
        Self {
            cluster_role: companion.cluster_role.clone(),
            implied_by: companion.implied_by.clone(),
        }
    }
}

impl From<&policy::Provisioning> for Provisioning {
    fn from(provisioning: &policy::Provisioning) -> Self {
        let accounts = provisioning.service_accounts.iter();
        let outside = provisioning.not_ordering.iter();
        Self {
            mode: Word(provisioning.mode),
            service_accounts: accounts.map(ServiceAccount::from).collect(),
            not_ordering: outside.map(OutsideSubject::from).collect(),
            order_lifetime: duration::write(provisioning.order_lifetime),
            max_subjects_per_binding: provisioning.max_subjects_per_binding,
            max_companions: provisioning.max_companions,
        }
    }
}

impl From<&policy::Exemptions> for Exempt {
    fn from(exempt: &policy::Exemptions) -> Self {
        Self {
            namespaces: exempt.namespaces.clone(),
            subjects: exempt.subjects.iter().map(Subject::from).collect(),
            requesters: exempt.requesters.iter().map(Subject::from).collect(),
        }
    }
}

impl From<&ServiceAccountName> for ServiceAccount {
    fn from(account: &ServiceAccountName) -> Self {
        Self {
            namespace: account.namespace.clone(),
            name: account.name.clone(),
        }
    }
}

impl From<&PolicySubject> for Subject {
    fn from(subject: &PolicySubject) -> Self {
        let namespace = Some(&subject.namespace).filter(|namespace| !namespace.is_empty());
        Self {
            kind: Word(subject.kind),
            name: subject.name.clone(),
            namespace: namespace.cloned(),
            api_group: None,
        }
    }
}

impl From<&PolicySubject> for OutsideSubject {
    fn from(subject: &PolicySubject) -> Self {
        Self {
            kind: Word(OutsideKind(subject.kind)),
            name: subject.name.clone(),
            api_group: None,
        }
    }
}

/// The built-in policy is the default of everything that has one.
fn built_in() -> PolicyDocument {
    PolicyDocument::from(&Policy::built_in())
}

impl Default for Metadata {
    fn default() -> Self {
        built_in().metadata
    }
}

impl Default for Spec {
    fn default() -> Self {
        built_in().spec
    }
}

impl Default for Coverage {
    fn default() -> Self {
        Spec::default().coverage
    }
}

impl Default for Provisioning {
    fn default() -> Self {
        Spec::default().provisioning
    }
}

impl Default for Exempt {
    fn default() -> Self {
        Spec::default().exempt
    }
}
