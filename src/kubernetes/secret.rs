//! Reads and writes Secrets, each by its name.

use k8s_openapi::api::core::v1::Secret;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::json;

use super::object_watch::ObjectWatch;

/// The field manager of what the controller writes.
pub const FIELD_MANAGER: &str = "bindguard-controller";

/// What came of a write that must not overwrite another's.
#[derive(Debug)]
pub enum Written {
    /// It is stored so.
    Done(Box<Secret>),
    /// Somebody else has created, changed or deleted it since it was read.
    Conflict,
}

/// A watch on the Secret of this name.
#[must_use]
pub fn watch(client: &Client, namespace: &str, name: &str) -> ObjectWatch<Secret> {
    ObjectWatch::new(Api::namespaced(client.clone(), namespace), "Secret", name)
}

/// The Secret of this name, if there is one.
///
/// # Errors
///
/// If the API server cannot be asked, or refuses.
pub async fn get(client: &Client, namespace: &str, name: &str) -> kube::Result<Option<Secret>> {
    api(client, namespace).get_opt(name).await
}

/// Writes a Secret: creates it if it has no resourceVersion, and else replaces the one that has
/// this.
///
/// # Errors
///
/// If the API server cannot be asked, or refuses for another reason than that somebody was faster.
pub async fn write(client: &Client, namespace: &str, secret: &Secret) -> kube::Result<Written> {
    let api = api(client, namespace);
    let parameters = PostParams {
        field_manager: Some(FIELD_MANAGER.to_owned()),
        ..PostParams::default()
    };
    let written = match (&secret.metadata.resource_version, &secret.metadata.name) {
        (Some(_), Some(name)) => api.replace(name, &parameters, secret).await,
        _ => api.create(&parameters, secret).await,
    };
    let is_replaced = secret.metadata.resource_version.is_some();
    match written {
        Ok(secret) => Ok(Written::Done(Box::new(secret))),
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(Written::Conflict),
        // Deleted since it was read. Without a namespace, a create is answered so as well.
        Err(kube::Error::Api(status)) if status.code == 404 && is_replaced => Ok(Written::Conflict),
        Err(error) => Err(error),
    }
}

/// Sets one annotation of the Secret of this name. Takes the right to `patch` it.
///
/// # Errors
///
/// If there is none, or the API server cannot be asked, or refuses.
pub async fn annotate(
    client: &Client,
    namespace: &str,
    name: &str,
    annotation: &str,
    value: &str,
) -> kube::Result<Secret> {
    let patch = json!({"metadata": {"annotations": {annotation: value}}});
    let parameters = PatchParams::apply("bindguard-certs");
    api(client, namespace)
        .patch(name, &parameters, &Patch::Merge(patch))
        .await
}

fn api(client: &Client, namespace: &str) -> Api<Secret> {
    Api::namespaced(client.clone(), namespace)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http::{Method, Request, Response};
    use k8s_openapi::api::core::v1::Secret;
    use kube::Client;
    use kube::client::Body;
    use serde_json::json;
    use tower::service_fn;

    use super::{Written, write};

    /// Writes a Secret that was read, or is new, to an API server that answers so.
    async fn written(version: Option<&str>, code: u16) -> kube::Result<Written> {
        let is_new = version.is_none();
        let service = service_fn(move |request: Request<Body>| async move {
            let (method, path) = (request.method(), request.uri().path());
            let expected = if is_new {
                (&Method::POST, "/api/v1/namespaces/n/secrets")
            } else {
                (&Method::PUT, "/api/v1/namespaces/n/secrets/s")
            };
            assert_eq!((method, path), expected);
            let body = if code < 400 {
                json!({"metadata": {"name": "s", "resourceVersion": "8"}})
            } else {
                json!({
                    "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                    "message": "no", "reason": "x", "code": code,
                })
            };
            let response = Response::builder().status(code);
            let body = Body::from(body.to_string().into_bytes());
            Ok::<_, Infallible>(response.body(body).unwrap())
        });
        let mut secret = Secret::default();
        secret.metadata.name = Some("s".to_owned());
        secret.metadata.resource_version = version.map(str::to_owned);
        write(&Client::new(service, "other"), "n", &secret).await
    }

    #[tokio::test]
    async fn what_another_wrote_first_is_a_conflict_and_no_error() {
        for (version, code) in [(None, 409), (Some("7"), 409), (Some("7"), 404)] {
            let written = written(version, code).await;
            assert!(
                matches!(written, Ok(Written::Conflict)),
                "{version:?} {code}"
            );
        }
        for version in [None, Some("7")] {
            let Ok(Written::Done(secret)) = written(version, 201).await else {
                panic!("{version:?}");
            };
            assert_eq!(secret.metadata.resource_version.as_deref(), Some("8"));
        }
    }

    #[tokio::test]
    async fn a_missing_namespace_and_a_missing_right_are_errors() {
        for (version, code) in [(None, 404), (None, 403), (Some("7"), 403), (Some("7"), 422)] {
            assert!(written(version, code).await.is_err(), "{version:?} {code}");
        }
    }
}
