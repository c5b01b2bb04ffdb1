//! `ClusterRoleBindings`, with only that decoded which the rule needs.

use k8s_openapi::api::rbac::v1;
use kube::Client;
use kube::api::{Api, ListParams};
use kube::core::ObjectList;

use super::lean::{Lean, named};
pub use super::lean::{RoleRef, Subject};

/// How many objects are asked for at a time, as client-go does.
pub const PAGE: u32 = 500;

/// A ClusterRoleBinding as far as it was understood.
pub type ClusterRoleBinding = Lean<v1::ClusterRoleBinding>;

/// One page of all `ClusterRoleBindings`. The first page is the state of the cluster at a moment
/// after this call; those that follow, by the token that the one before ended with, are of the
/// same moment.
///
/// # Errors
///
/// Whatever the API server or the way to it says; 410 when it no longer knows that moment.
pub async fn page(
    client: &Client,
    token: Option<String>,
) -> kube::Result<ObjectList<ClusterRoleBinding>> {
    // No resourceVersion: that is what makes the API server answer with the newest state, and not
    // with what it happens to have in its cache.
    let parameters = ListParams {
        limit: Some(PAGE),
        continue_token: token,
        ..ListParams::default()
    };
    Api::all(client.clone()).list(&parameters).await
}

/// The ClusterRoleBinding of a name as it is at a moment after this call, if there is one.
///
/// # Errors
///
/// Whatever the API server or the way to it says.
pub async fn find(client: &Client, name: &str) -> kube::Result<Option<ClusterRoleBinding>> {
    let found = Api::all(client.clone()).list(&named(name)).await?;
    Ok(found.items.into_iter().next())
}

#[cfg(test)]
mod tests {
    use kube::Resource;
    use kube::core::{ObjectList, WatchEvent};
    use serde_json::{Value, json};

    use super::ClusterRoleBinding;

    fn decode(object: &Value) -> ClusterRoleBinding {
        serde_json::from_str(&object.to_string()).unwrap()
    }

    fn whole() -> Value {
        json!({
            "kind": "ClusterRoleBinding",
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "metadata": {
                "name": "b", "uid": "u", "resourceVersion": "7", "generation": 1,
                "labels": {"a": "b"}, "managedFields": [{"manager": "m", "fieldsV1": {"f:x": {}}}],
            },
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "r"},
            "subjects": [
                {"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "a\u{1b}\"lice"},
                {"kind": "ServiceAccount", "name": "builder", "namespace": "ci"},
            ],
        })
    }

    #[test]
    fn only_what_is_needed_is_decoded() {
        let binding = decode(&whole());
        assert_eq!(binding.metadata.resource_version.as_deref(), Some("7"));
        assert_eq!(binding.metadata.uid.as_deref(), Some("u"));
        assert!(binding.metadata.labels.is_none() && binding.metadata.managed_fields.is_none());
        assert_eq!(binding.role.name, "r");
        assert_eq!(binding.subjects[0].name, "a\u{1b}\"lice");
        assert_eq!(binding.subjects[1].namespace, "ci");
        assert!(!binding.unreadable);
    }

    #[test]
    fn null_and_absent_subjects_are_none_at_all() {
        let mut object = whole();
        object["subjects"] = Value::Null;
        let binding = decode(&object);
        assert!(binding.subjects.is_empty() && !binding.unreadable);
        object.as_object_mut().unwrap().remove("subjects");
        let binding = decode(&object);
        assert!(binding.subjects.is_empty() && !binding.unreadable);
    }

    #[test]
    fn a_subject_that_cannot_be_read_is_left_out_and_the_others_stay() {
        for broken in [
            json!("alice"),
            json!(3),
            json!([1, {"a": 2}]),
            json!({"kind": "User", "name": {"x": [true, 1.5]}}),
            json!({"kind": "ServiceAccount", "name": "a", "namespace": -1}),
        ] {
            let mut object = whole();
            object["subjects"][0] = broken;
            let binding = decode(&object);
            assert!(binding.unreadable);
            assert_eq!(binding.subjects.len(), 1);
            assert_eq!(binding.subjects[0].name, "builder");
        }
    }

    #[test]
    fn any_json_is_some_binding() {
        for object in [json!(null), json!(1), json!("x"), json!([]), json!({})] {
            let binding = decode(&object);
            assert!(binding.subjects.is_empty() && binding.metadata.uid.is_none());
        }
        for field in ["metadata", "roleRef", "subjects"] {
            let mut object = whole();
            object[field] = json!("broken");
            assert!(decode(&object).unreadable, "{field}");
        }
    }

    #[test]
    fn lists_and_watch_events_hold_it() {
        let list = json!({
            "kind": "ClusterRoleBindingList", "apiVersion": "rbac.authorization.k8s.io/v1",
            "metadata": {"resourceVersion": "9", "continue": "t"},
            "items": [whole(), {"metadata": 5}],
        });
        let list: ObjectList<ClusterRoleBinding> = serde_json::from_str(&list.to_string()).unwrap();
        assert_eq!(list.metadata.continue_.as_deref(), Some("t"));
        assert_eq!(list.items[0].subjects.len(), 2);
        assert!(list.items[1].unreadable);

        // Text, because the API server writes the type first.
        let event = format!(r#"{{"type":"MODIFIED","object":{}}}"#, whole());
        let event: WatchEvent<ClusterRoleBinding> = serde_json::from_str(&event).unwrap();
        assert!(matches!(event, WatchEvent::Modified(binding) if binding.subjects.len() == 2));
    }

    #[test]
    fn it_lives_where_the_real_one_does() {
        assert_eq!(
            ClusterRoleBinding::url_path(&(), None),
            "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
        );
    }
}
