//! Bindings with an order, as a watch brings them.

use std::fmt::Debug;

use futures::StreamExt as _;
use futures::stream::BoxStream;
use k8s_openapi::api::rbac::v1::{ClusterRoleBinding, RoleBinding};
use kube::api::{Api, PartialObjectMeta};
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Client, Resource};
use serde::de::DeserializeOwned;

use super::client::WATCH_TIMEOUT;
use super::role_binding::PAGE;

/// A binding that carries an annotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Annotated {
    /// Its namespace; none, for a `ClusterRoleBinding`.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// Its uid.
    pub uid: String,
    /// The value of the annotation.
    pub value: String,
}

/// Every `RoleBinding` with this annotation, once when the watch begins and after each change. Of
/// the objects nothing but their metadata is asked for.
///
/// After an error the watch goes on by itself where it broke off, and after a while anew.
#[must_use]
pub fn role_bindings(client: &Client, annotation: &'static str) -> Annotations {
    follow::<RoleBinding>(client, annotation)
}

/// The same of `ClusterRoleBindings`.
#[must_use]
pub fn cluster_role_bindings(client: &Client, annotation: &'static str) -> Annotations {
    follow::<ClusterRoleBinding>(client, annotation)
}

/// What such a watch brings.
pub type Annotations = BoxStream<'static, watcher::Result<Annotated>>;

fn follow<K>(client: &Client, annotation: &'static str) -> Annotations
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let api: Api<PartialObjectMeta<K>> = Api::all(client.clone());
    let configuration = watcher::Config::default()
        .page_size(PAGE)
        .timeout(u32::try_from(WATCH_TIMEOUT.as_secs()).unwrap_or(25));
    watcher(api, configuration)
        .filter_map(move |event| {
            let found = event.map(|event| annotated(event, annotation));
            std::future::ready(found.transpose())
        })
        .boxed()
}

fn annotated<K>(event: Event<PartialObjectMeta<K>>, annotation: &str) -> Option<Annotated> {
    let (Event::Apply(object) | Event::InitApply(object)) = event else {
        return None;
    };
    let mut metadata = object.metadata;
    Some(Annotated {
        value: metadata.annotations.as_mut()?.remove(annotation)?,
        namespace: metadata.namespace,
        name: metadata.name?,
        uid: metadata.uid?,
    })
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::rbac::v1::RoleBinding;
    use kube::api::{ObjectMeta, PartialObjectMeta, PartialObjectMetaExt as _};
    use kube::runtime::watcher::Event;

    use super::{Annotated, annotated};

    fn object(annotations: &[(&str, &str)]) -> PartialObjectMeta<RoleBinding> {
        let own = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        let metadata = ObjectMeta {
            name: Some("b".to_owned()),
            uid: Some("u".to_owned()),
            namespace: Some("team-a".to_owned()),
            annotations: Some(annotations.iter().map(own).collect()),
            ..ObjectMeta::default()
        };
        metadata.into_response_partial()
    }

    #[test]
    fn only_what_carries_the_annotation_and_is_there_counts() {
        let found = Annotated {
            namespace: Some("team-a".to_owned()),
            name: "b".to_owned(),
            uid: "u".to_owned(),
            value: "v".to_owned(),
        };
        let with = object(&[("a", "v"), ("other", "w")]);
        assert_eq!(
            annotated(Event::Apply(with.clone()), "a"),
            Some(found.clone())
        );
        assert_eq!(annotated(Event::InitApply(with.clone()), "a"), Some(found));
        assert_eq!(annotated(Event::Delete(with.clone()), "a"), None);
        assert_eq!(
            annotated(Event::InitDone::<PartialObjectMeta<RoleBinding>>, "a"),
            None
        );
        assert_eq!(annotated(Event::Apply(with), "b"), None);
        assert_eq!(annotated(Event::Apply(object(&[])), "a"), None);
    }
}
