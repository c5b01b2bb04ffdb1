//! The bindings that say something of a subject.

use std::sync::Arc;

use hashbrown::HashSet;

use super::{Counted, Gives, HasPersona, Membership, NearMiss, Question, Reached, Why, counts};
use crate::domain::binding::{Binding, BindingKind, Subject};
use crate::domain::companion_set::CompanionSet;
use crate::domain::holdings::Holdings;
use crate::domain::identity::{Identity, SubjectKind};
use crate::domain::policy::{Persona, Policy};
use crate::report::finding::{BindingName, Place, Severity, Who};
use crate::state::binding_key::BindingKey;

/// Everything that bindings say of a subject, as they are seen one after the other.
#[derive(Clone, Debug)]
pub struct Gathered<'p> {
    pub(super) policy: &'p Policy,
    pub(super) question: Question,
    pub(super) personas: Vec<HasPersona>,
    pub(super) gives: Vec<Gives>,
    pub(super) near: Vec<NearMiss>,
    /// By companion, the groups that hold it and that nobody says the subject is in, with the
    /// binding by which they do.
    pub(super) other_groups: HashSet<(usize, Who, BindingKey)>,
    /// The names of the `ClusterRoleBindings`.
    pub(super) taken: HashSet<String>,
    /// What could not be read.
    pub errors: Vec<String>,
}

/// A binding, and what is shown of it.
pub(super) struct Seen<'s, 'b> {
    pub(super) binding: &'s Binding<'b>,
    /// What tells it from others.
    pub(super) key: BindingKey,
    /// How it is shown.
    pub(super) name: &'s dyn Fn() -> BindingName,
    /// Where the subject at a position stands.
    pub(super) place: &'s dyn Fn(usize) -> Option<Place>,
}

impl<'p> Gathered<'p> {
    /// Nothing yet.
    #[must_use]
    pub fn nothing(policy: &'p Policy, question: Question) -> Self {
        Self {
            policy,
            question,
            personas: Vec::new(),
            gives: Vec::new(),
            near: Vec::new(),
            other_groups: HashSet::new(),
            taken: HashSet::new(),
            errors: Vec::new(),
        }
    }

    /// Nothing yet, about the same.
    pub(super) fn begun_anew(&self) -> Self {
        Self::nothing(self.policy, self.question.clone())
    }

    /// This and what was gathered elsewhere.
    pub(super) fn with(mut self, other: Self) -> Self {
        self.personas.extend(other.personas);
        self.gives.extend(other.gives);
        self.near.extend(other.near);
        self.other_groups.extend(other.other_groups);
        self.taken.extend(other.taken);
        self.errors.extend(other.errors);
        self
    }

    /// Looks at a binding.
    pub(super) fn see(&mut self, seen: &Seen<'_, '_>) {
        let binding = seen.binding;
        if binding.kind == BindingKind::ClusterRoleBinding {
            self.taken.insert(binding.name.to_owned());
        }
        let policy = self.policy;
        let persona = policy.persona_of(binding.kind, binding.role);
        let everywhere = BindingKind::ClusterRoleBinding;
        let about = policy.companions_given_by(everywhere, binding.role);
        if persona.is_none() && about.is_empty() {
            return;
        }
        let reached = self.reached(seen);
        for through in &reached {
            if let Some(persona) = persona {
                let has = self.persona(persona, binding, through.clone());
                self.personas.push(has);
            }
        }
        if about.is_empty() {
            return;
        }
        if binding.kind == everywhere {
            self.see_companion(seen, about, reached);
        } else {
            let near = reached.into_iter().map(|through| NearMiss {
                binding: through.binding,
                place: through.place,
                about,
                why: Why::OneNamespace,
                key: seen.key,
            });
            self.near.extend(near);
        }
    }

    /// Forgets what a binding gives that another replaces.
    pub(super) fn forget_companion(&mut self, key: BindingKey) {
        self.gives.retain(|one| one.through.key != key);
        self.near.retain(|one| one.key != key);
        self.other_groups.retain(|(_, _, by)| *by != key);
    }

    /// Forgets a binding that another replaces.
    pub(super) fn forget(&mut self, key: BindingKey) {
        self.personas.retain(|one| one.through.key != key);
        self.forget_companion(key);
    }

    /// The subject, or groups that count for it, that a binding names: each once.
    fn reached(&self, seen: &Seen<'_, '_>) -> Vec<Reached> {
        let mut binding = None;
        let mut reached = Vec::new();
        for named in self.question.counted() {
            let identity = named.who.identity();
            let namespace = seen.binding.namespace;
            let mut subjects = seen.binding.subjects.iter();
            let is_it = |one: &Subject<'_>| one.identity(namespace) == Some(identity);
            let Some(position) = subjects.position(is_it) else {
                continue;
            };
            let name = binding.get_or_insert_with(|| Arc::new((seen.name)()));
            reached.push(Reached {
                binding: Arc::clone(name),
                place: (seen.place)(position),
                named,
                key: seen.key,
            });
        }
        reached
    }

    fn persona(&self, persona: &Persona, binding: &Binding<'_>, through: Reached) -> HasPersona {
        let policy = self.policy;
        let exempt = self.exempt(persona, binding, &through.named);
        let own = policy.companions_given_by(binding.kind, binding.role);
        HasPersona {
            through,
            set: persona.name.clone(),
            severity: Severity::of(policy.action_for(persona)),
            exempt,
            needs: match exempt {
                None => policy.companions_of(persona).without(own),
                Some(_) => CompanionSet::EMPTY,
            },
            lacks: CompanionSet::EMPTY,
            assumed: CompanionSet::EMPTY,
        }
    }

    /// By which field of the policy a binding asks nothing of the subject.
    fn exempt(
        &self,
        persona: &Persona,
        binding: &Binding<'_>,
        named: &Counted,
    ) -> Option<&'static str> {
        let both = [named.who.identity(), self.subject()];
        let either = |is: &dyn Fn(Identity<'_>) -> bool| both.iter().any(|one| is(*one));
        if self.policy.exempts_namespace_of(binding) {
            Some("exempt.namespaces")
        } else if either(&|one| !persona.enforces(one.kind())) {
            Some("personas.subjectKinds")
        } else if either(&|one| self.policy.exempts_subject(one)) {
            Some("exempt.subjects")
        } else {
            None
        }
    }

    fn see_companion(&mut self, seen: &Seen<'_, '_>, given: CompanionSet, reached: Vec<Reached>) {
        let (policy, namespace) = (self.policy, seen.binding.namespace);
        let names_itself = reached.iter().any(|one| one.named.by == Membership::Itself);
        for (position, subject) in seen.binding.subjects.iter().enumerate() {
            let Some(identity) = subject.identity(namespace) else {
                continue;
            };
            if !names_itself && self.is_like_the_subject(identity) {
                self.near.push(NearMiss {
                    binding: Arc::new((seen.name)()),
                    place: (seen.place)(position),
                    about: given,
                    why: Why::NamesAnother(Who::from(identity)),
                    key: seen.key,
                });
            }
            let is_group = identity.kind() == SubjectKind::Group && !identity.is_umbrella();
            let is_counted = |one: &Reached| one.named.who.identity() == identity;
            if is_group && !reached.iter().any(is_counted) {
                let who = Who::from(identity);
                let each = given.positions().map(|one| (one, who.clone(), seen.key));
                self.other_groups.extend(each);
            }
        }
        let subject = self.question.subject.clone();
        self.gives.extend(reached.into_iter().map(|through| Gives {
            counts: counts(policy, subject.identity(), &through.named),
            through,
            given,
        }));
    }

    pub(super) fn subject(&self) -> Identity<'_> {
        self.question.subject.identity()
    }

    /// Whether this is somebody else whose name is the subject's but for kind or case.
    fn is_like_the_subject(&self, other: Identity<'_>) -> bool {
        let subject = self.subject();
        if subject == other {
            return false;
        }
        let spelled = |identity: Identity<'_>| {
            let ((prefix, name), namespace) = (identity.name(), identity.namespace());
            let kept = namespace.filter(|_| identity.kind() == subject.kind());
            (
                kept.map(str::to_lowercase),
                format!("{prefix}{name}").to_lowercase(),
            )
        };
        let same_kind = subject.kind() == other.kind();
        let ((here, name), (there, other)) = (spelled(subject), spelled(other));
        name == other && (!same_kind || here == there)
    }
}

impl Holdings for Gathered<'_> {
    fn held_by(&self, identity: Identity<'_>) -> CompanionSet {
        let named = |one: &&Gives| one.through.named.who.identity() == identity;
        let gives = self.gives.iter().filter(named);
        gives.fold(CompanionSet::EMPTY, |held, one| held.union(one.given))
    }
}
