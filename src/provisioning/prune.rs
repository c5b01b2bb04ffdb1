//! Companions that were made by an order, and that nobody needs any more.

use hashbrown::HashSet;
use k8s_openapi::api::rbac::v1::ClusterRoleBinding;
use kube::Client;
use kube::api::ObjectMeta;

use super::companion::{digest, name};
use super::{ORDERED_BY, ORDERED_FOR, PART_OF, PART_OF_LABEL};
use crate::domain::assess::{Assessment, assess};
use crate::domain::binding::{Binding, Subject};
use crate::domain::identity::{Identity, SubjectKind};
use crate::domain::policy::Policy;
use crate::kubernetes::companion;
use crate::state::index::Index;
use crate::state::listing::{self, ListError, Listed};

/// A companion binding that nobody needs.
#[derive(Clone, Debug, PartialEq)]
pub struct Unneeded {
    /// Its metadata, as it was read.
    pub metadata: ObjectMeta,
    /// The companion that it gives.
    pub companion: String,
    /// The kind of the one to whom it gives it.
    pub kind: String,
    /// Their namespace, if it is a ServiceAccount.
    pub namespace: Option<String>,
    /// Their name.
    pub name: String,
}

/// Why it is not known which companions are needed.
#[derive(Debug, thiserror::Error)]
pub enum PruneError {
    /// Something could not be listed.
    #[error(transparent)]
    List(#[from] ListError),
    /// A binding is in another form than Kubernetes says: who it is for is not known.
    #[error("{0} could be read only in part, so that it is not known which companions it needs")]
    Unreadable(String),
}

impl Unneeded {
    /// By whose order it was made, as it says.
    #[must_use]
    pub fn ordered_by(&self) -> &str {
        self.annotation(ORDERED_BY)
    }

    /// For which persona binding it was made, as it says.
    #[must_use]
    pub fn ordered_for(&self) -> &str {
        self.annotation(ORDERED_FOR)
    }

    fn annotation(&self, key: &str) -> &str {
        let annotations = self.metadata.annotations.as_ref();
        let value = annotations.and_then(|annotations| annotations.get(key));
        value.map(String::as_str).unwrap_or_default()
    }
}

/// The companion bindings that bindguard made, and that no persona binding needs, in the order of
/// their names. One that is needed counts as needed also if another gives the same.
///
/// # Errors
///
/// If not everything can be read: what was not read may need any of them.
pub async fn unneeded(client: &Client, policy: &Policy) -> Result<Vec<Unneeded>, PruneError> {
    // First what there is, then what is needed: who is bound in between needs theirs.
    let ours = companion::labelled(client, PART_OF_LABEL, PART_OF).await;
    let ours = ours.map_err(|error| ListError::Failed {
        what: "ClusterRoleBindings",
        error: Box::new(error),
    })?;
    let gather = |needed: &mut Needed, listed: Listed<'_>| {
        let binding = listed.binding();
        needed.add(policy, &binding, listed.is_unreadable());
    };
    let mut needed = listing::cluster_role_bindings(client, Needed::default, gather).await?;
    let others = listing::role_bindings(client, None, Needed::default, gather).await?;
    needed.extend(others);
    if let Some(place) = needed.unreadable {
        return Err(PruneError::Unreadable(place));
    }
    let mut unneeded: Vec<Unneeded> = ours
        .into_iter()
        .filter_map(|binding| made_by_order(binding, &needed))
        .collect();
    unneeded.sort_by(|one, other| one.metadata.name.cmp(&other.metadata.name));
    Ok(unneeded)
}

/// Takes one away, unless it has changed since it was read. Whether it was still there.
///
/// # Errors
///
/// If the API server cannot be asked, or refuses.
pub async fn remove(client: &Client, unneeded: &Unneeded) -> kube::Result<bool> {
    companion::delete(client, &unneeded.metadata).await
}

/// Who needs which companions, by the policy, whoever gives them.
#[derive(Debug, Default)]
pub struct Needed {
    /// A digest for each pair, since there may be very many.
    pairs: HashSet<u128>,
    unreadable: Option<String>,
}

impl Needed {
    /// Takes in what a binding demands. `is_unreadable` says that a part of it was left out.
    pub fn add(&mut self, policy: &Policy, binding: &Binding<'_>, is_unreadable: bool) {
        if is_unreadable && policy.persona_of(binding.kind, binding.role).is_some() {
            let place = super::companion::place(binding);
            self.unreadable.get_or_insert(place);
        }
        let nothing = Index::new();
        let Assessment::Judged(judged) = assess(policy, binding, None, &nothing) else {
            return;
        };
        for missing in &judged.missing {
            for companion in policy.companion_names(missing.lacks) {
                self.pairs.insert(digest(companion, missing.identity));
            }
        }
    }

    /// Takes in what others demand.
    pub fn extend(&mut self, other: Self) {
        self.pairs.extend(other.pairs);
        self.unreadable = self.unreadable.take().or(other.unreadable);
    }

    /// Whether somebody needs a companion.
    #[must_use]
    pub fn contains(&self, companion: &str, identity: Identity<'_>) -> bool {
        self.pairs.contains(&digest(companion, identity))
    }

    /// Whether every persona binding could be read in full, so that nobody else needs anything.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.unreadable.is_none()
    }
}

/// Whether a binding of this name that gives a companion to somebody was made by an order.
#[must_use]
pub fn is_made_by_order(binding: &str, companion: &str, identity: Identity<'_>) -> bool {
    binding == name(companion, identity)
}

/// The binding, if it is one that an order made, and nobody needs it.
fn made_by_order(binding: ClusterRoleBinding, needed: &Needed) -> Option<Unneeded> {
    let subjects = binding.subjects.unwrap_or_default();
    let [subject] = <[_; 1]>::try_from(subjects).ok()?;
    let companion = binding.role_ref.name;
    let identity = identity(&subject.kind, subject.namespace.as_deref(), &subject.name)?;
    let name = binding.metadata.name.as_deref().unwrap_or_default();
    let is_ours = is_made_by_order(name, &companion, identity);
    (is_ours && !needed.contains(&companion, identity)).then_some(Unneeded {
        metadata: binding.metadata,
        companion,
        kind: subject.kind,
        namespace: subject.namespace,
        name: subject.name,
    })
}

fn identity<'a>(kind: &str, namespace: Option<&'a str>, name: &'a str) -> Option<Identity<'a>> {
    let kind = SubjectKind::parse(kind)?;
    let subject = Subject {
        kind,
        name,
        namespace,
    };
    subject.identity(None)
}

#[cfg(test)]
mod tests {
    use super::{Needed, made_by_order};
    use crate::domain::binding::{Binding, BindingKind, RoleKind, RoleRef, Subject};
    use crate::domain::identity::{Identity, SubjectKind};
    use crate::domain::policy::Policy;
    use crate::provisioning::companion::object;

    const NAMESPACES: &str = "spectro-list-namespaces";

    fn persona_binding(role: &'static str) -> Binding<'static> {
        Binding {
            kind: BindingKind::RoleBinding,
            namespace: Some("team-a"),
            name: "vm-users",
            role: RoleRef {
                kind: RoleKind::ClusterRole,
                name: role,
            },
            subjects: vec![Subject {
                kind: SubjectKind::User,
                name: "alice",
                namespace: None,
            }],
        }
    }

    #[test]
    fn what_a_persona_binding_demands_is_needed_whoever_else_gives_it() {
        let policy = Policy::built_in();
        let mut needed = Needed::default();
        needed.add(&policy, &persona_binding("spectro-vm-user"), false);
        needed.add(&policy, &persona_binding("some-role"), true);
        let alice = Identity::user("alice");
        assert_eq!(needed.pairs.len(), 2);
        assert!(needed.contains(NAMESPACES, alice) && needed.is_whole());
        assert!(!needed.contains(NAMESPACES, Identity::group("alice")));
        needed.add(&policy, &persona_binding("spectro-vm-admin"), true);
        assert!(!needed.is_whole());
        let made = object(NAMESPACES, alice, &persona_binding("view"), "boris");
        assert_eq!(made_by_order(made, &needed), None);
    }

    #[test]
    fn only_what_has_the_name_of_what_it_gives_was_made_by_an_order() {
        let binding = persona_binding("spectro-vm-user");
        let made = object(NAMESPACES, Identity::user("alice"), &binding, "boris");
        let made_by_order = |made| made_by_order(made, &Needed::default());
        let ours = made_by_order(made.clone()).unwrap();
        assert_eq!((ours.ordered_by(), &*ours.name), ("boris", "alice"));
        assert_eq!(ours.ordered_for(), "RoleBinding team-a/vm-users");
        let mut other = made.clone();
        other.role_ref.name = "cluster-admin".to_owned();
        assert_eq!(made_by_order(other), None);
        let mut other = made.clone();
        other.subjects.as_mut().unwrap()[0].name = "bob".to_owned();
        assert_eq!(made_by_order(other), None);
        let mut other = made;
        other.subjects = None;
        assert_eq!(made_by_order(other), None);
    }
}
