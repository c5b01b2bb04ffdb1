//! As much of an API server as bindguard reads from, whose ClusterRoleBindings change all the time.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::get;
use futures::stream;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::api::{RBAC, cluster_role_binding, companion_bindings};
use crate::shared::holdings::user;

/// One change each.
const PERIOD: Duration = Duration::from_millis(1);
/// How many bindings change, in turn. All subjects of each are replaced each time.
const CHANGING: u64 = 1_000;
const SUBJECTS: u32 = 20;
/// Bindings that stay as they are.
const COMPANION_BINDINGS: u32 = 200;

/// Starts it, on the current runtime and in plain HTTP. Where it is.
pub(crate) async fn start() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("a listener has an address");
    let changes = Arc::new(AtomicU64::new(1));
    let router = Router::new()
        .route(&format!("{RBAC}/clusterrolebindings"), get(bindings))
        .route(&format!("{RBAC}/rolebindings"), get(role_bindings))
        .with_state(changes);
    tokio::spawn(async { axum::serve(listener, router).await });
    address
}

async fn bindings(State(changes): State<Arc<AtomicU64>>, request: Request) -> Response {
    if !is_watch(&request) {
        let all = companion_bindings(COMPANION_BINDINGS, SUBJECTS, user)
            .chain((0..CHANGING).map(changed));
        let all = all
            .enumerate()
            .map(|(number, binding)| stored(binding, number));
        return list("ClusterRoleBindingList", &all.collect::<Vec<_>>());
    }
    let mut period = interval(PERIOD);
    // A late change is made up for, so that it stays a thousand a second.
    period.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let events = stream::unfold((period, changes), next_event);
    Response::new(Body::from_stream(events))
}

async fn next_event(
    (mut period, changes): (Interval, Arc<AtomicU64>),
) -> Option<(Result<Bytes, std::io::Error>, (Interval, Arc<AtomicU64>))> {
    period.tick().await;
    let number = changes.fetch_add(1, Ordering::Relaxed);
    let place = COMPANION_BINDINGS as usize + usize::try_from(number % CHANGING).expect("few");
    let mut binding = stored(changed(number), place);
    binding["metadata"]["resourceVersion"] = (number + 1).to_string().into();
    let line = format!("{}\n", json!({"type": "MODIFIED", "object": binding}));
    Some((Ok(line.into()), (period, changes)))
}

/// A binding as its change with this number leaves it.
fn changed(number: u64) -> Value {
    let name = format!("changing-{}", number % CHANGING);
    let first = u32::try_from(number % 1_000_000).expect("below a million") * SUBJECTS;
    // Nobody that a review is about: their numbers begin after all of those.
    let users = (first..first + SUBJECTS).map(|number| user(number + 10_000));
    cluster_role_binding(&name, "spectro-list-namespaces", users)
}

/// The binding as an API server gives it out.
fn stored(mut binding: Value, number: usize) -> Value {
    binding["metadata"]["uid"] = format!("{number:08x}-0000-4000-8000-000000000000").into();
    binding["metadata"]["resourceVersion"] = "1".into();
    binding
}

async fn role_bindings(request: Request) -> Response {
    if is_watch(&request) {
        let silence = stream::pending::<Result<Bytes, std::io::Error>>();
        return Response::new(Body::from_stream(silence));
    }
    list("RoleBindingList", &[])
}

fn is_watch(request: &Request) -> bool {
    let query = request.uri().query().unwrap_or_default();
    query
        .split('&')
        .any(|pair| matches!(pair, "watch=true" | "watch=1"))
}

fn list(kind: &str, items: &[Value]) -> Response {
    let list = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": kind,
        "metadata": {"resourceVersion": "1"},
        "items": items,
    });
    Response::new(Body::from(list.to_string()))
}
