use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use super::{Directory, DirectoryContent, watch_directory};
use crate::domain::binding::{Binding, BindingKind, RoleRef, Subject};
use crate::domain::companion_set::CompanionSet;
use crate::domain::holdings::Holdings;
use crate::domain::identity::{Identity, SubjectKind};
use crate::domain::policy::{Action, Policy};
use crate::state::event::StateEvent;
use crate::state::fixtures::{NAMESPACES, TEMPLATES, count, remembering};
use crate::state::handle::State;
use crate::state::source::{Source, SourceError};

/// A binding in a file: its name, its role and its only user.
#[derive(Clone)]
struct Kept(&'static str, &'static str, &'static str);

#[expect(
    clippy::unnecessary_wraps,
    reason = "a directory may have nothing there"
)]
fn binding(kept: &Kept) -> Option<Binding<'_>> {
    Some(Binding {
        kind: BindingKind::ClusterRoleBinding,
        namespace: None,
        name: kept.0,
        role: RoleRef::new(None, "ClusterRole", kept.1),
        subjects: vec![Subject {
            kind: SubjectKind::User,
            name: kept.2,
            namespace: None,
        }],
    })
}

/// What is in the directory at the moment; nothing when it cannot be read.
type Disk = Arc<Mutex<Option<DirectoryContent<Kept>>>>;

fn content(fingerprint: u8, bindings: &[Kept], errors: &[&str]) -> DirectoryContent<Kept> {
    DirectoryContent {
        bindings: bindings.to_vec(),
        errors: errors.iter().map(|error| (*error).to_owned()).collect(),
        fingerprint: [fingerprint; 32],
    }
}

fn directory(disk: &Disk) -> Directory<Kept> {
    let disk = Arc::clone(disk);
    let read = move || {
        disk.lock()
            .unwrap()
            .clone()
            .ok_or("no such directory".into())
    };
    Directory::new(read, binding)
}

fn disk(bindings: &[Kept]) -> Disk {
    Arc::new(Mutex::new(Some(content(0, bindings, &[]))))
}

/// Runs for a time in which the directory is looked at some times.
async fn a_while(watching: impl Future) {
    timeout(Duration::from_millis(3500), watching)
        .await
        .map(|_| ())
        .unwrap_err();
}

fn held(state: &State, user: &str) -> CompanionSet {
    let snapshot = state.current().unwrap();
    snapshot.held_by(Identity::User(user))
}

fn policies() -> (watch::Sender<Arc<Policy>>, watch::Receiver<Arc<Policy>>) {
    watch::channel(Arc::new(Policy::built_in()))
}

#[tokio::test]
async fn a_directory_that_cannot_be_read_at_the_start_stops_the_start() {
    let nothing = Arc::new(Mutex::new(None));
    let (observer, _) = remembering();
    let (_sender, receiver) = policies();
    let state = State::new();
    let started = watch_directory(directory(&nothing), state.clone(), receiver, observer).await;
    assert!(matches!(started.err(), Some(SourceError::Manifests(_))));
    assert!(state.current().is_none());
}

#[tokio::test(start_paused = true)]
async fn changed_content_is_taken_in_within_seconds_and_errors_are_told_once() {
    let disk = disk(&[Kept("a", NAMESPACES, "alice")]);
    let (observer, events) = remembering();
    let (_sender, receiver) = policies();
    let state = State::new();
    let watching = watch_directory(directory(&disk), state.clone(), receiver, observer)
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(held(&state, "alice"), CompanionSet::of(0));

    let broken = content(1, &[Kept("b", NAMESPACES, "bob")], &["c.yaml: line 3"]);
    *disk.lock().unwrap() = Some(broken);
    a_while(watching).await;
    assert!(held(&state, "alice").is_empty());
    assert_eq!(held(&state, "bob"), CompanionSet::of(0));
    assert_eq!(count(&events, StateEvent::ObjectUnreadable), 1);
    assert_eq!(count(&events, StateEvent::Listed), 2);
}

#[tokio::test(start_paused = true)]
async fn a_directory_that_disappears_leaves_the_last_state() {
    let disk = disk(&[Kept("a", NAMESPACES, "alice")]);
    let (observer, events) = remembering();
    // Nobody will send another policy; that must not matter.
    let (_, receiver) = policies();
    let state = State::new();
    let watching = watch_directory(directory(&disk), state.clone(), receiver, observer)
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    let before = disk.lock().unwrap().take();
    let mut watching = Box::pin(watching);
    a_while(&mut watching).await;
    assert_eq!(held(&state, "alice"), CompanionSet::of(0));
    assert_eq!(count(&events, StateEvent::SourceFailed), 3);
    assert!(state.failing_since().is_some());

    *disk.lock().unwrap() = before;
    a_while(&mut watching).await;
    assert!(state.failing_since().is_none());
    assert_eq!(count(&events, StateEvent::SourceRecovered), 1);
}

#[tokio::test(start_paused = true)]
async fn another_policy_gets_another_index() {
    let disk = disk(&[Kept("a", TEMPLATES, "alice")]);
    let (observer, _) = remembering();
    let (sender, receiver) = policies();
    let state = State::new();
    let watching = watch_directory(directory(&disk), state.clone(), receiver, observer)
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    let mut policy = Policy {
        action: Action::Warn,
        ..Policy::built_in()
    };
    policy.companions.reverse();
    sender.send(Arc::new(policy)).unwrap();
    a_while(watching).await;
    assert_eq!(state.current().unwrap().policy().action, Action::Warn);
    assert_eq!(held(&state, "alice"), CompanionSet::of(0));
}

#[tokio::test]
async fn a_confirming_read_sees_what_is_on_disk_now() {
    let disk = disk(&[]);
    let directory = directory(&disk);
    *disk.lock().unwrap() = Some(content(1, &[Kept("a", NAMESPACES, "alice")], &[]));
    let index = directory.read(Arc::new(Policy::built_in())).await.unwrap();
    assert_eq!(index.held_by(Identity::User("alice")), CompanionSet::of(0));
}

#[tokio::test]
async fn two_documents_of_one_name_and_role_are_one_binding() {
    let disk = disk(&[
        Kept("a", NAMESPACES, "alice"),
        Kept("a", NAMESPACES, "bob"),
        Kept("a", TEMPLATES, "carol"),
        Kept("", NAMESPACES, "dave"),
        Kept("", NAMESPACES, "erin"),
    ]);
    let directory = directory(&disk);
    let index = directory.read(Arc::new(Policy::built_in())).await.unwrap();
    assert!(index.held_by(Identity::User("alice")).is_empty());
    for user in ["bob", "carol", "dave", "erin"] {
        assert_eq!(index.held_by(Identity::User(user)).len(), 1, "{user}");
    }
}
