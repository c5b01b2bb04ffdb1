//! The API server, asked without a process for each call.

use std::path::Path;

use bindguard::kubernetes::client::{ClientOptions, connect};
use k8s_openapi::api::rbac::v1::{ClusterRoleBinding, RoleBinding, RoleRef, Subject};
use kube::api::{Api, DeleteParams, ObjectMeta, PostParams};
use kube::{Client, Error};

pub(crate) const NAMESPACES: &str = "spectro-list-namespaces";
pub(crate) const TEMPLATES: &str = "spectro-list-vmtemplates";
const RBAC: &str = "rbac.authorization.k8s.io";

/// Somebody who talks to the API server over connections of their own.
#[derive(Clone)]
pub(crate) struct Somebody(Client);

impl Somebody {
    pub(crate) async fn with(kubeconfig: &Path) -> Self {
        let options = ClientOptions {
            kubeconfig: Some(kubeconfig.to_owned()),
            ..ClientOptions::default()
        };
        Self(
            connect(&options)
                .await
                .expect("a kubeconfig of a test is good"),
        )
    }

    /// Makes both companion bindings of a user.
    pub(crate) async fn create_companions(&self, user: &str) {
        for role in [NAMESPACES, TEMPLATES] {
            let binding = ClusterRoleBinding {
                metadata: named(&companion(role, user)),
                role_ref: role_ref(role),
                subjects: Some(vec![subject(user)]),
            };
            let api: Api<ClusterRoleBinding> = Api::all(self.0.clone());
            let created = api.create(&PostParams::default(), &binding).await;
            created.unwrap_or_else(|error| panic!("companions are never refused: {error}"));
        }
    }

    /// Removes them.
    pub(crate) async fn delete_companions(&self, user: &str) {
        for role in [NAMESPACES, TEMPLATES] {
            let api: Api<ClusterRoleBinding> = Api::all(self.0.clone());
            let name = companion(role, user);
            let deleted = api.delete(&name, &DeleteParams::default()).await;
            deleted.unwrap_or_else(|error| panic!("{name} cannot be deleted: {error}"));
        }
    }

    /// Makes a persona binding for a user.
    pub(crate) async fn create_persona_binding(
        &self,
        namespace: &str,
        name: &str,
        user: &str,
    ) -> Result<(), Error> {
        let binding = RoleBinding {
            metadata: named(name),
            role_ref: role_ref("spectro-vm-user"),
            subjects: Some(vec![subject(user)]),
        };
        let api: Api<RoleBinding> = Api::namespaced(self.0.clone(), namespace);
        api.create(&PostParams::default(), &binding).await.map(drop)
    }
}

fn companion(role: &str, user: &str) -> String {
    format!("{role}-{user}")
}

fn named(name: &str) -> ObjectMeta {
    ObjectMeta {
        name: Some(name.to_owned()),
        ..ObjectMeta::default()
    }
}

fn role_ref(role: &str) -> RoleRef {
    RoleRef {
        api_group: Some(RBAC.to_owned()),
        kind: "ClusterRole".to_owned(),
        name: role.to_owned(),
    }
}

fn subject(user: &str) -> Subject {
    Subject {
        api_group: Some(RBAC.to_owned()),
        kind: "User".to_owned(),
        name: user.to_owned(),
        namespace: None,
    }
}

/// Does something asynchronous to its end.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(future)
}
