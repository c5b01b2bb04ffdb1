//! What the tests of this module have in common.

use std::marker::PhantomData;
use std::sync::{Arc, Mutex};

use kube::api::ObjectMeta;

use super::event::{Observer, StateEvent};
use crate::domain::binding::RBAC_GROUP;
use crate::kubernetes::cluster_role_binding::ClusterRoleBinding;
use crate::kubernetes::lean::{Lean, OrderAnnotations, RoleRef, Subject};
use crate::kubernetes::role_binding::RoleBinding;

pub(super) const NAMESPACES: &str = "spectro-list-namespaces";
pub(super) const TEMPLATES: &str = "spectro-list-vmtemplates";

/// A ClusterRoleBinding of users to the first companion.
pub(super) fn binding(uid: &str, users: &[&str]) -> ClusterRoleBinding {
    lean("binding", None, uid, NAMESPACES, users)
}

/// A RoleBinding of users, whose uid is its name.
pub(super) fn role_binding(name: &str, role: &str, users: &[&str]) -> RoleBinding {
    lean(name, Some("dev"), name, role, users)
}

fn lean<K>(name: &str, namespace: Option<&str>, uid: &str, role: &str, users: &[&str]) -> Lean<K> {
    Lean {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            namespace: namespace.map(ToOwned::to_owned),
            uid: Some(uid.to_owned()),
            resource_version: Some("1".to_owned()),
            ..ObjectMeta::default()
        },
        role: RoleRef {
            api_group: RBAC_GROUP.to_owned(),
            kind: "ClusterRole".to_owned(),
            name: role.to_owned(),
        },
        subjects: users
            .iter()
            .map(|name| Subject {
                kind: "User".to_owned(),
                api_group: RBAC_GROUP.to_owned(),
                name: (*name).to_owned(),
                namespace: String::new(),
            })
            .collect(),
        terminating: false,
        ordered: OrderAnnotations::default(),
        unreadable: false,
        kind: PhantomData,
    }
}

/// An observer that remembers.
pub(super) fn remembering() -> (Observer, Arc<Mutex<Vec<StateEvent>>>) {
    let events = Arc::new(Mutex::new(Vec::new()));
    let written = Arc::clone(&events);
    let observer = Observer::new(move |event| written.lock().unwrap().push(event));
    (observer, events)
}

/// How often it happened.
pub(super) fn count(events: &Arc<Mutex<Vec<StateEvent>>>, event: StateEvent) -> usize {
    let events = events.lock().unwrap();
    events.iter().filter(|other| **other == event).count()
}
