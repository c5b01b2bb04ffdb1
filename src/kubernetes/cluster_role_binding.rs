//! `ClusterRoleBindings`, with only that decoded which the holdings need.
//!
//! Labels, annotations and managed fields are most of an object's bytes and are skipped, not kept.

use std::borrow::Cow;

use k8s_openapi::api::rbac::v1;
use kube::api::{Api, ListParams, ObjectMeta};
use kube::core::{ClusterResourceScope, ObjectList};
use kube::{Client, Resource};
use serde::de::MapAccess;
use serde::{Deserialize, Deserializer};

use super::lenient::{Lenient, Shape, fields};

/// How many objects are asked for at a time, as client-go does.
pub const PAGE: u32 = 500;

/// A ClusterRoleBinding as far as it was understood.
#[derive(Clone, Debug, Default)]
pub struct ClusterRoleBinding {
    /// Name, uid and resourceVersion, and nothing else.
    pub metadata: ObjectMeta,
    /// The role that it grants.
    pub role: RoleRef,
    /// Those to whom it grants it.
    pub subjects: Vec<Subject>,
    /// Whether a part was of another form than Kubernetes says, and was left out.
    pub unreadable: bool,
}

/// The role that a binding grants, as written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoleRef {
    /// Its API group.
    pub api_group: String,
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
}

/// A subject of a binding, as written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    /// Its kind.
    pub kind: String,
    /// Its API group.
    pub api_group: String,
    /// Its name.
    pub name: String,
    /// Its namespace, empty if it has none.
    pub namespace: String,
}

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

impl Resource for ClusterRoleBinding {
    type DynamicType = ();
    type Scope = ClusterResourceScope;

    fn kind((): &()) -> Cow<'_, str> {
        v1::ClusterRoleBinding::kind(&())
    }

    fn group((): &()) -> Cow<'_, str> {
        v1::ClusterRoleBinding::group(&())
    }

    fn version((): &()) -> Cow<'_, str> {
        v1::ClusterRoleBinding::version(&())
    }

    fn plural((): &()) -> Cow<'_, str> {
        v1::ClusterRoleBinding::plural(&())
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

impl<'de> Deserialize<'de> for ClusterRoleBinding {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Lenient::<WireBinding>::deserialize(deserializer).map(Self::from)
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct WireBinding {
    metadata: Lenient<WireMetadata>,
    role_ref: Lenient<WireReference>,
    subjects: Lenient<Vec<Lenient<WireReference>>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct WireMetadata {
    name: Lenient<String>,
    uid: Lenient<String>,
    resource_version: Lenient<String>,
}

/// A `roleRef` or a subject; both have these fields.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct WireReference {
    kind: Lenient<String>,
    api_group: Lenient<String>,
    name: Lenient<String>,
    namespace: Lenient<String>,
}

impl<'de> Shape<'de> for WireBinding {
    fn object<A: MapAccess<'de>>(object: A) -> Result<Option<Self>, A::Error> {
        fields(object)
    }
}

impl<'de> Shape<'de> for WireMetadata {
    fn object<A: MapAccess<'de>>(object: A) -> Result<Option<Self>, A::Error> {
        fields(object)
    }
}

impl<'de> Shape<'de> for WireReference {
    fn object<A: MapAccess<'de>>(object: A) -> Result<Option<Self>, A::Error> {
        fields(object)
    }
}

impl From<Lenient<WireBinding>> for ClusterRoleBinding {
    fn from(wire: Lenient<WireBinding>) -> Self {
        let mut unreadable = false;
        let wire = wire.take(&mut unreadable).unwrap_or_default();
        let metadata = wire.metadata.take(&mut unreadable).unwrap_or_default();
        let metadata = ObjectMeta {
            name: metadata.name.take(&mut unreadable),
            uid: metadata.uid.take(&mut unreadable),
            resource_version: metadata.resource_version.take(&mut unreadable),
            ..ObjectMeta::default()
        };
        let role = wire
            .role_ref
            .take(&mut unreadable)
            .and_then(|role| role.whole(&mut unreadable))
            .unwrap_or_default();
        let subjects = wire
            .subjects
            .take(&mut unreadable)
            .unwrap_or_default()
            .into_iter()
            .filter_map(|subject| subject.take(&mut unreadable)?.whole(&mut unreadable))
            .collect();
        Self {
            metadata,
            role: RoleRef {
                api_group: role.api_group,
                kind: role.kind,
                name: role.name,
            },
            subjects,
            unreadable,
        }
    }
}

impl WireReference {
    /// All parts, or nothing if one of them cannot be read: without a namespace, say, this would
    /// be somebody else.
    fn whole(self, unreadable: &mut bool) -> Option<Subject> {
        let mut broken = false;
        let subject = Subject {
            kind: self.kind.take(&mut broken).unwrap_or_default(),
            api_group: self.api_group.take(&mut broken).unwrap_or_default(),
            name: self.name.take(&mut broken).unwrap_or_default(),
            namespace: self.namespace.take(&mut broken).unwrap_or_default(),
        };
        *unreadable |= broken;
        (!broken).then_some(subject)
    }
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
