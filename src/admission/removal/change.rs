//! What a call does to a companion binding.

use hashbrown::HashSet;

use crate::admission::review::{Operation, Review, Target};
use crate::domain::binding::{Binding, BindingKind};
use crate::domain::holdings::Holdings;
use crate::domain::identity::Identity;
use crate::domain::overlay::With;
use crate::domain::policy::{Policy, UmbrellaGroups};
use crate::state::binding_key::BindingKey;
use crate::state::snapshot::{Snapshot, Without};

/// Controllers that try a refused deletion again for ever, and hold up their other work with it.
///
/// The garbage collector deletes what the owners of are gone, and with foreground deletion the owner
/// stays until it may. Without `--use-service-account-credentials` both go by the third name.
///
/// Source: `k8s.io/kubernetes/cmd/kube-controller-manager/names`.
const CONTROLLERS: [&str; 3] = [
    "system:serviceaccount:kube-system:generic-garbage-collector",
    "system:serviceaccount:kube-system:namespace-controller",
    "system:kube-controller-manager",
];
/// The group whose members may do everything.
const MASTERS: &str = "system:masters";

/// An update or deletion of a ClusterRoleBinding.
#[derive(Debug)]
pub(super) struct Change<'r> {
    pub(super) review: &'r Review<'r>,
    /// The version that is there.
    pub(super) previous: Binding<'r>,
    /// The version that replaces it, if one does.
    pub(super) next: Option<Binding<'r>>,
    /// What the index may know the binding by: its uid in a cluster, its name in manifests.
    keys: [BindingKey; 2],
}

impl<'r> Change<'r> {
    /// Whether a review may be about such a change at all.
    pub(super) fn may_be_in(review: &Review<'_>) -> bool {
        review.target == Target::Binding(BindingKind::ClusterRoleBinding)
            && matches!(review.operation, Operation::Update | Operation::Delete)
    }

    /// The change that a review is about, if it may take a companion away.
    pub(super) fn of(review: &'r Review<'r>, policy: &Policy) -> Option<Self> {
        if !Self::may_be_in(review) {
            return None;
        }
        let metadata = review.old_object()?.metadata();
        if metadata.deletion_timestamp.is_some() {
            // Its deletion was judged when it began. What is left to do are finalizers.
            return None;
        }
        let previous = review.previous()?;
        if previous.subjects.is_empty() || gives_nothing(policy, &previous) {
            return None;
        }
        let by_name = BindingKey::of_binding(&previous);
        let by_uid = metadata.uid.non_empty().map_or(by_name, BindingKey::of_uid);
        Some(Self {
            review,
            keys: [by_uid, by_name],
            next: review.binding(),
            previous,
        })
    }

    /// The holdings as they are.
    ///
    /// What the index knows of this binding is left out, and what the review says of it put in:
    /// the API server has just read it, and the index may lag.
    pub(super) fn before<'s>(&'s self, snapshot: &'s Snapshot) -> With<'r, Without<'s>> {
        let others = snapshot.without(&self.keys);
        With::binding(snapshot.policy(), &self.previous, others)
    }

    /// The holdings as this change leaves them.
    pub(super) fn after<'s>(&'s self, snapshot: &'s Snapshot) -> With<'r, Without<'s>> {
        let others = snapshot.without(&self.keys);
        match &self.next {
            Some(next) => With::binding(snapshot.policy(), next, others),
            None => With::nothing(others),
        }
    }

    /// Who holds less afterwards.
    pub(super) fn lost(&self, snapshot: &Snapshot) -> HashSet<Identity<'r>> {
        let (before, after) = (self.before(snapshot), self.after(snapshot));
        before
            .recipients()
            .iter()
            .copied()
            .filter(|identity| {
                let left = after.held_by(*identity);
                !before.held_by(*identity).without(left).is_empty()
            })
            .collect()
    }

    /// Whether the requester is only warned, whatever the policy says.
    pub(super) fn is_never_refused(&self, policy: &Policy) -> bool {
        let requester = &self.review.requester;
        requester.groups.iter().any(|group| group == MASTERS)
            || CONTROLLERS.contains(&requester.username.as_str())
            || policy.exempts_requester(&requester.username, &requester.groups)
    }

    /// Whether this is the binding under review. It is not among those that lose something: what
    /// it binds, it binds no more, or still gives.
    pub(super) fn is_of(&self, binding: &Binding<'_>) -> bool {
        binding.kind == BindingKind::ClusterRoleBinding && binding.name == self.previous.name
    }
}

/// Those of the identities that cover others.
pub(super) fn umbrellas<'r>(
    policy: &Policy,
    lost: &HashSet<Identity<'r>>,
) -> impl Iterator<Item = Identity<'r>> {
    let honoured = policy.umbrella_groups == UmbrellaGroups::Honour;
    lost.iter()
        .copied()
        .filter(move |identity| honoured && identity.is_umbrella())
}

fn gives_nothing(policy: &Policy, binding: &Binding<'_>) -> bool {
    policy
        .companions_given_by(binding.kind, binding.role)
        .is_empty()
}
