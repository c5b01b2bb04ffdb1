use std::collections::VecDeque;
use std::future::{Ready, ready};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use http::{Request, Response};
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};
use tower::Service;

use super::{ATTEMPTS, ClusterSource};
use crate::domain::binding::{Binding, BindingKind, RoleRef};
use crate::domain::companion_set::CompanionSet;
use crate::domain::holdings::Holdings;
use crate::domain::identity::Identity;
use crate::domain::policy::Policy;
use crate::state::fixtures::{NAMESPACES, TEMPLATES};
use crate::state::index::Index;
use crate::state::personas::PersonaBinding;
use crate::state::reread::PersonaSource;
use crate::state::source::{Source, SourceError};

/// An API server that gives the prepared answers one after the other and remembers the questions.
#[derive(Clone, Default)]
struct Server {
    answers: Arc<Mutex<VecDeque<(u16, Value)>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Service<Request<Body>> for Server {
    type Response = Response<Body>;
    type Error = std::io::Error;
    type Future = Ready<Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        self.asked.lock().unwrap().push(request.uri().to_string());
        let Some((status, body)) = self.answers.lock().unwrap().pop_front() else {
            return ready(Err(std::io::Error::other("nothing prepared")));
        };
        let body = Body::from(body.to_string().into_bytes());
        ready(Ok(Response::builder().status(status).body(body).unwrap()))
    }
}

fn page(token: &str, items: &[(&str, &str)]) -> (u16, Value) {
    let items: Vec<_> = items
        .iter()
        .map(|(role, user)| {
            json!({
                "metadata": {"name": "b", "uid": format!("{role}/{user}"), "resourceVersion": "1"},
                "roleRef": {"kind": "ClusterRole", "name": role},
                "subjects": [{"kind": "User", "name": user}],
            })
        })
        .collect();
    let metadata = json!({"resourceVersion": "5", "continue": token});
    (200, json!({"metadata": metadata, "items": items}))
}

fn expired() -> (u16, Value) {
    let message = "The provided continue parameter is too old";
    (
        410,
        json!({"status": "Failure", "code": 410, "reason": "Expired", "message": message}),
    )
}

async fn read(answers: Vec<(u16, Value)>) -> (Result<Index, SourceError>, Vec<String>) {
    let server = Server::default();
    server.answers.lock().unwrap().extend(answers);
    let asked = Arc::clone(&server.asked);
    let source = ClusterSource::new(Client::new(server, "default"));
    let read = source.read(Arc::new(Policy::built_in())).await;
    let asked = asked.lock().unwrap().clone();
    (read, asked)
}

fn held(index: &Index, user: &str) -> CompanionSet {
    index.held_by(Identity::User(user))
}

#[tokio::test]
async fn pages_are_read_to_the_end_and_without_a_resource_version() {
    let (index, asked) = read(vec![
        page("more", &[(NAMESPACES, "alice"), ("view", "alice")]),
        page("", &[(TEMPLATES, "alice"), (TEMPLATES, "bob")]),
    ])
    .await;
    let index = index.unwrap();
    assert_eq!(held(&index, "alice").len(), 2);
    assert_eq!(held(&index, "bob"), CompanionSet::of(1));
    assert_eq!(
        asked,
        [
            "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings?&limit=500",
            "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings?&limit=500&continue=more"
        ]
    );
}

#[tokio::test]
async fn a_list_that_expires_in_the_middle_begins_again() {
    let (index, asked) = read(vec![
        page("more", &[(NAMESPACES, "gone")]),
        expired(),
        page("", &[(NAMESPACES, "alice")]),
    ])
    .await;
    let index = index.unwrap();
    assert!(held(&index, "gone").is_empty());
    assert_eq!((held(&index, "alice").len(), asked.len()), (1, 3));
}

#[tokio::test]
async fn a_list_that_always_expires_is_an_error() {
    let (index, asked) = read(vec![expired(); 9]).await;
    assert!(matches!(index, Err(SourceError::Expired(ATTEMPTS))));
    assert_eq!(asked.len(), ATTEMPTS as usize);
}

#[tokio::test]
async fn persona_bindings_are_read_again_one_by_one() {
    let server = Server::default();
    server.answers.lock().unwrap().extend([
        page("", &[("view", "carol")]),
        page("", &[]),
        expired(),
    ]);
    let source = ClusterSource::new(Client::new(server.clone(), "default"));
    let known = |kind, namespace, name| {
        PersonaBinding::of(&Binding {
            kind,
            namespace,
            name,
            role: RoleRef::new(None, "ClusterRole", "view"),
            subjects: Vec::new(),
        })
    };
    let found = source
        .reread(vec![
            known(BindingKind::RoleBinding, Some("dev"), "b"),
            known(BindingKind::ClusterRoleBinding, None, "a=b"),
        ])
        .await
        .unwrap();
    let [found] = found.as_slice() else {
        panic!("{found:?}");
    };
    let subjects = found.as_binding().subjects.len();
    assert_eq!((found.as_binding().name, subjects), ("b", 1));
    assert_eq!(
        *server.asked.lock().unwrap(),
        [
            "/apis/rbac.authorization.k8s.io/v1/namespaces/dev/rolebindings\
             ?&fieldSelector=metadata.name%3Db",
            "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings\
             ?&fieldSelector=metadata.name%3Da%5C%3Db",
        ]
    );
    let again = source.reread(vec![known(BindingKind::RoleBinding, Some("dev"), "b")]);
    assert!(matches!(again.await, Err(SourceError::Single(_))));
}

#[tokio::test]
async fn any_other_error_is_no_empty_list() {
    let forbidden =
        json!({"status": "Failure", "code": 403, "reason": "Forbidden", "message": "no"});
    let (index, _) = read(vec![page("more", &[]), (403, forbidden)]).await;
    let SourceError::List(error) = index.unwrap_err() else {
        panic!("not a list error");
    };
    assert!(error.to_string().contains("Forbidden"));
    let (index, _) = read(vec![]).await;
    assert!(matches!(index, Err(SourceError::List(_))));
}
