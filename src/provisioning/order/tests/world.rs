//! Policies, bindings and times.

use std::sync::OnceLock;

use jiff::{SignedDuration, Timestamp};

use crate::domain::binding::{Binding, BindingKind, RoleKind, RoleRef, Subject};
use crate::domain::identity::{Identity, SubjectKind};
use crate::domain::policy::{Policy, PolicySubject, ServiceAccountName};
use crate::provisioning::guard::epoch::EpochValue;
use crate::provisioning::order::{Conditions, Order};

pub(super) const ALICE: Identity<'_> = Identity::User("alice");
pub(super) const BUILDER: Identity<'_> = Identity::ServiceAccount {
    namespace: "ci",
    name: "builder",
};
pub(super) const EVERYBODY: Identity<'_> = Identity::Group("system:authenticated");

pub(super) fn now() -> Timestamp {
    "2026-11-24T10:00:00.5Z".parse().unwrap()
}

pub(super) fn seconds_ago(seconds: i64) -> Timestamp {
    now() - SignedDuration::from_secs(seconds)
}

pub(super) fn epoch() -> &'static EpochValue {
    static EPOCH: OnceLock<EpochValue> = OnceLock::new();
    EPOCH.get_or_init(|| EpochValue::fresh().unwrap())
}

/// The built-in policy with a ServiceAccount that may order, and some that never do.
pub(super) fn policy() -> Policy {
    let mut policy = Policy::built_in();
    policy.provisioning.service_accounts = vec![ServiceAccountName {
        namespace: "flux".to_owned(),
        name: "kustomize".to_owned(),
    }];
    let outside = |kind, name: &str| PolicySubject {
        kind,
        name: name.to_owned(),
        namespace: String::new(),
    };
    policy.provisioning.not_ordering = vec![
        outside(SubjectKind::User, "robot"),
        outside(SubjectKind::Group, "robots"),
    ];
    policy
}

pub(super) fn conditions(policy: &Policy) -> Conditions<'_> {
    Conditions {
        policy,
        epoch: Ok(epoch()),
        now: now(),
        companions: 0,
    }
}

pub(super) fn order<'i>(identities: impl IntoIterator<Item = Identity<'i>>) -> String {
    order_of(seconds_ago(5), identities)
}

pub(super) fn order_of<'i>(
    time: Timestamp,
    identities: impl IntoIterator<Item = Identity<'i>>,
) -> String {
    Order::new(epoch().clone(), time, identities)
        .encode()
        .unwrap()
}

pub(super) fn subject(identity: Identity<'_>) -> Subject<'_> {
    let (prefix, name) = identity.name();
    assert_eq!(prefix, "");
    Subject {
        kind: identity.kind(),
        name,
        namespace: identity.namespace(),
    }
}

pub(super) fn binding<'a>(identities: &[Identity<'a>]) -> Binding<'a> {
    Binding {
        kind: BindingKind::RoleBinding,
        namespace: Some("team"),
        name: "users",
        role: RoleRef {
            kind: RoleKind::ClusterRole,
            name: "spectro-vm-user",
        },
        subjects: identities.iter().map(|one| subject(*one)).collect(),
    }
}
