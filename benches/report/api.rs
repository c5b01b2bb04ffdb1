//! Objects for an API server, and a client that makes many of them.

use std::path::Path;

use bindguard::kubernetes::client::{ClientOptions, connect};
use futures::StreamExt as _;
use http::Request;
use kube::Client;
use serde_json::{Value, json};

pub(crate) const RBAC: &str = "/apis/rbac.authorization.k8s.io/v1";
const GROUP: &str = "rbac.authorization.k8s.io";
const COMPANIONS: [&str; 2] = ["spectro-list-namespaces", "spectro-list-vmtemplates"];
/// Enough to keep a local API server busy.
const IN_FLIGHT: usize = 16;

/// So many companion bindings of so many users each, half of them to each companion: the users
/// from 0 on hold both.
pub(crate) fn companion_bindings(
    count: u32,
    subjects: u32,
    user: fn(u32) -> String,
) -> impl Iterator<Item = Value> {
    (0..count).map(move |number| {
        let first = number / 2 * subjects;
        let companion = COMPANIONS[number as usize % 2];
        let name = format!("{companion}-{first}");
        cluster_role_binding(&name, companion, (first..first + subjects).map(user))
    })
}

/// A ClusterRoleBinding of users.
pub(crate) fn cluster_role_binding(
    name: &str,
    role: &str,
    users: impl Iterator<Item = String>,
) -> Value {
    let mut binding = role_binding(name, role, users);
    binding["kind"] = "ClusterRoleBinding".into();
    binding
}

/// A RoleBinding of users to a ClusterRole.
pub(crate) fn role_binding(name: &str, role: &str, users: impl Iterator<Item = String>) -> Value {
    let subjects: Vec<Value> = users
        .map(|user| json!({"kind": "User", "apiGroup": GROUP, "name": user}))
        .collect();
    json!({
        "apiVersion": format!("{GROUP}/v1"),
        "kind": "RoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": role},
        "subjects": subjects,
    })
}

/// A client that keeps its connections.
#[derive(Clone)]
pub(crate) struct Api(Client);

impl Api {
    /// A client for the cluster of a kubeconfig. Must be called within a tokio runtime.
    pub(crate) async fn connect(kubeconfig: &Path) -> Self {
        let options = ClientOptions {
            kubeconfig: Some(kubeconfig.to_owned()),
            ..ClientOptions::default()
        };
        Self(connect(&options).await.expect("the kubeconfig is good"))
    }

    /// The client itself.
    pub(crate) fn client(&self) -> Client {
        self.0.clone()
    }

    /// Creates one object.
    pub(crate) async fn create(&self, path: &str, object: &Value) -> kube::Result<()> {
        let request = Request::post(path)
            .header("content-type", "application/json")
            .body(object.to_string().into_bytes())
            .expect("paths are good");
        self.0.request_text(request).await.map(drop)
    }

    /// Creates all objects, many at a time.
    pub(crate) async fn create_all(&self, objects: impl Iterator<Item = (String, Value)>) {
        futures::stream::iter(objects)
            .for_each_concurrent(IN_FLIGHT, |(path, object)| async move {
                let made = self.create(&path, &object).await;
                made.unwrap_or_else(|error| panic!("cannot create {object}: {error}"));
            })
            .await;
    }
}
