//! Dry runs of bindings that bindguard should not like.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};

use anyhow::{Context, ensure};
use k8s_openapi::api::rbac::v1::{RoleBinding, RoleRef, Subject};
use kube::Client;
use kube::api::ObjectMeta;

use super::answer::{self, Answer};
use crate::domain::binding::{self, BindingKind, RBAC_GROUP};
use crate::domain::companion_set::CompanionSet;
use crate::domain::identity::{ANONYMOUS, AUTHENTICATED, SubjectKind};
use crate::domain::policy::{Action, Persona, Policy, UmbrellaGroups};
use crate::kubernetes::words::in_words;
use crate::kubernetes::{cluster_role_binding, dry_run};

/// What is tried.
pub(super) struct Attempt<'p> {
    policy: &'p Policy,
    namespace: String,
    name: String,
    kind: SubjectKind,
    subject: String,
    /// Personas that have a say, the strictest first, each with one of its roles.
    candidates: Vec<(&'p Persona, &'p str)>,
    /// The one of the last attempt, if the API server knows it.
    current: usize,
}

impl<'p> Attempt<'p> {
    /// A binding in this namespace that the policy has something to say of.
    pub(super) fn new(policy: &'p Policy, namespace: &str) -> anyhow::Result<Self> {
        ensure!(
            !policy
                .exempt
                .namespaces
                .iter()
                .any(|name| name == namespace),
            "the policy exempts namespace {namespace:?}, so bindguard is never asked about it; \
             name another with --namespace"
        );
        let kind = SubjectKind::ALL
            .into_iter()
            .find(|kind| candidates(policy, *kind).next().is_some())
            .context(
                "the policy's action is Audit for every persona, so nobody can see bindguard \
                 judge; its audit lines tell",
            )?;
        let mut candidates: Vec<_> = candidates(policy, kind).collect();
        candidates.sort_by_key(|(persona, _)| policy.action_for(persona) != Action::Deny);
        let name = made_up();
        Ok(Self {
            policy,
            namespace: namespace.to_owned(),
            subject: name.clone(),
            name,
            kind,
            candidates,
            current: 0,
        })
    }

    /// What is tried, for people.
    pub(super) fn description(&self) -> String {
        format!(
            "RoleBinding {}/{} of {} {} to {}",
            self.namespace,
            self.name,
            self.kind,
            self.subject,
            self.role()
        )
    }

    /// The role of the last attempt.
    pub(super) fn role(&self) -> &'p str {
        self.candidates
            .get(self.current)
            .map_or("", |(_, role)| role)
    }

    /// What the API server says now.
    pub(super) async fn make(&mut self, client: &Client) -> Answer {
        let mut answer = self.ask(client).await;
        // The role that did last time is tried first, and then all the others.
        for _ in 1..self.candidates.len() {
            if !matches!(answer, Answer::NotThisRole(_)) {
                break;
            }
            self.current = (self.current + 1) % self.candidates.len();
            answer = self.ask(client).await;
        }
        if answer == Answer::Silent && self.kind == SubjectKind::User && self.subject != ANONYMOUS {
            // Somebody has given the companions to everyone: then a user who is nobody is needed.
            if self.everyone_is_covered(client).await {
                ANONYMOUS.clone_into(&mut self.subject);
                answer = self.ask(client).await;
            }
        }
        answer
    }

    async fn ask(&self, client: &Client) -> Answer {
        match dry_run::create(client, &self.binding()).await {
            Ok(answer) => answer::read(answer, &self.subject),
            Err(error) => Answer::Busy(in_words(&error)),
        }
    }

    fn binding(&self) -> RoleBinding {
        let is_account = self.kind == SubjectKind::ServiceAccount;
        RoleBinding {
            metadata: ObjectMeta {
                name: Some(self.name.clone()),
                namespace: Some(self.namespace.clone()),
                ..ObjectMeta::default()
            },
            role_ref: RoleRef {
                api_group: Some(RBAC_GROUP.to_owned()),
                kind: "ClusterRole".to_owned(),
                name: self.role().to_owned(),
            },
            subjects: Some(vec![Subject {
                kind: self.kind.as_str().to_owned(),
                api_group: (!is_account).then(|| RBAC_GROUP.to_owned()),
                name: self.subject.clone(),
                namespace: is_account.then(|| self.namespace.clone()),
            }]),
        }
    }

    /// Whether every user has all companions of the persona, as far as we may look.
    async fn everyone_is_covered(&self, client: &Client) -> bool {
        if self.policy.umbrella_groups == UmbrellaGroups::Ignore {
            return false;
        }
        let Some((persona, _)) = self.candidates.get(self.current) else {
            return false;
        };
        let mut given = CompanionSet::EMPTY;
        let mut token = None;
        loop {
            let Ok(page) = cluster_role_binding::page(client, token).await else {
                return false;
            };
            for binding in &page.items {
                let is_for_all = binding
                    .subjects
                    .iter()
                    .any(|subject| subject.kind == "Group" && subject.name == AUTHENTICATED);
                if is_for_all {
                    let role = &binding.role;
                    let role = binding::RoleRef::new(Some(&role.api_group), &role.kind, &role.name);
                    let kind = BindingKind::ClusterRoleBinding;
                    given = given.union(self.policy.companions_given_by(kind, role));
                }
            }
            token = page.metadata.continue_.filter(|token| !token.is_empty());
            if token.is_none() {
                break;
            }
        }
        let needed = self.policy.companions_of(persona);
        needed.without(given).is_empty()
    }
}

/// Personas whose bindings to subjects of this kind are answered in a way that can be seen.
fn candidates(policy: &Policy, kind: SubjectKind) -> impl Iterator<Item = (&Persona, &str)> {
    policy
        .personas
        .iter()
        .filter(move |persona| {
            persona.enforces(kind)
                && policy.action_for(persona) != Action::Audit
                && !policy.companions_of(persona).is_empty()
        })
        .flat_map(|persona| {
            let roles = persona.cluster_roles.iter();
            roles.map(move |role| (persona, role.as_str()))
        })
}

/// A name that nobody has.
fn made_up() -> String {
    format!(
        "bindguard-verify-{:016x}",
        RandomState::new().build_hasher().finish()
    )
}
