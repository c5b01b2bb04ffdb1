//! Bindings of both kinds, with only that decoded which somebody looks at.
//!
//! Labels, managed fields and most annotations are most of an object's bytes and are skipped, not
//! kept.

use std::borrow::Cow;
use std::marker::PhantomData;

use kube::Resource;
use kube::api::{ListParams, ObjectMeta};
use serde::de::MapAccess;
use serde::{Deserialize, Deserializer};

use super::lenient::{Lenient, Shape, fields};

/// A binding as far as it was understood. `K` is the whole type, of which only the kind and the
/// path are used.
#[derive(Clone, Debug, Default)]
pub struct Lean<K> {
    /// Name, namespace, uid and resourceVersion, and nothing else.
    pub metadata: ObjectMeta,
    /// The role that it grants.
    pub role: RoleRef,
    /// Those to whom it grants it.
    pub subjects: Vec<Subject>,
    /// Whether its deletion has begun, and waits for finalizers.
    pub terminating: bool,
    /// What its annotations say of an order for companions.
    pub ordered: OrderAnnotations,
    /// Whether a part was of another form than Kubernetes says, and was left out.
    pub unreadable: bool,
    /// What it is in full.
    pub kind: PhantomData<K>,
}

/// The annotations of a binding that an order for companions is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrderAnnotations {
    /// `bindguard.dev/order`.
    pub order: Option<String>,
    /// `bindguard.dev/ordered-by`.
    pub ordered_by: Option<String>,
    /// `bindguard.dev/provision`.
    pub provision: Option<String>,
}

impl OrderAnnotations {
    /// These, if there is an order among them.
    #[must_use]
    pub fn placed(&self) -> Option<&Self> {
        self.order.is_some().then_some(self)
    }
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

/// What lists nothing but the object of this name. A list and not a read, so that whoever may list
/// and watch needs no further right; for a list, no resourceVersion means the newest state.
pub(super) fn named(name: &str) -> ListParams {
    ListParams::default().fields(&format!("metadata.name={}", escaped(name)))
}

/// A value in a field selector.
///
/// Source: `k8s.io/apimachinery/pkg/fields/selector.go`, `EscapeValue`.
fn escaped(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for character in value.chars() {
        if matches!(character, '\\' | ',' | '=') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

impl<K: Resource<DynamicType = ()>> Resource for Lean<K> {
    type DynamicType = ();
    type Scope = K::Scope;

    fn kind((): &()) -> Cow<'_, str> {
        K::kind(&())
    }

    fn group((): &()) -> Cow<'_, str> {
        K::group(&())
    }

    fn version((): &()) -> Cow<'_, str> {
        K::version(&())
    }

    fn plural((): &()) -> Cow<'_, str> {
        K::plural(&())
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

impl<'de, K> Deserialize<'de> for Lean<K> {
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
    namespace: Lenient<String>,
    uid: Lenient<String>,
    resource_version: Lenient<String>,
    deletion_timestamp: Lenient<String>,
    annotations: Lenient<WireAnnotations>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct WireAnnotations {
    #[serde(rename = "bindguard.dev/order")]
    order: Lenient<String>,
    #[serde(rename = "bindguard.dev/ordered-by")]
    ordered_by: Lenient<String>,
    #[serde(rename = "bindguard.dev/provision")]
    provision: Lenient<String>,
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

impl<'de> Shape<'de> for WireAnnotations {
    fn object<A: MapAccess<'de>>(object: A) -> Result<Option<Self>, A::Error> {
        fields(object)
    }
}

impl<'de> Shape<'de> for WireReference {
    fn object<A: MapAccess<'de>>(object: A) -> Result<Option<Self>, A::Error> {
        fields(object)
    }
}

impl<K> From<Lenient<WireBinding>> for Lean<K> {
    fn from(wire: Lenient<WireBinding>) -> Self {
        let mut unreadable = false;
        let wire = wire.take(&mut unreadable).unwrap_or_default();
        let metadata = wire.metadata.take(&mut unreadable).unwrap_or_default();
        let terminating = !matches!(metadata.deletion_timestamp, Lenient::Absent);
        let annotations = metadata
            .annotations
            .take(&mut unreadable)
            .unwrap_or_default();
        let ordered = OrderAnnotations {
            order: annotations.order.take(&mut unreadable),
            ordered_by: annotations.ordered_by.take(&mut unreadable),
            provision: annotations.provision.take(&mut unreadable),
        };
        let metadata = ObjectMeta {
            name: metadata.name.take(&mut unreadable),
            namespace: metadata.namespace.take(&mut unreadable),
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
            terminating,
            ordered,
            unreadable,
            kind: PhantomData,
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
    use k8s_openapi::api::rbac::v1;
    use serde_json::json;

    use super::{Lean, OrderAnnotations, named};

    #[test]
    fn of_annotations_only_those_of_an_order_are_kept() {
        let object = json!({"metadata": {"name": "b", "annotations": {
            "kubectl.kubernetes.io/last-applied-configuration": "{}",
            "bindguard.dev/order": "o", "bindguard.dev/provision": "true",
        }}});
        let binding: Lean<v1::RoleBinding> = serde_json::from_str(&object.to_string()).unwrap();
        let ordered = OrderAnnotations {
            order: Some("o".to_owned()),
            ordered_by: None,
            provision: Some("true".to_owned()),
        };
        assert_eq!(binding.ordered, ordered);
        assert!(binding.metadata.annotations.is_none() && !binding.unreadable);
        for annotations in [json!([]), json!({"bindguard.dev/order": 1})] {
            let object = json!({"metadata": {"name": "b", "annotations": annotations}});
            let binding: Lean<v1::RoleBinding> = serde_json::from_str(&object.to_string()).unwrap();
            assert!(binding.unreadable && binding.ordered == OrderAnnotations::default());
        }
    }

    #[test]
    fn a_name_cannot_leave_its_field_selector() {
        let selector = named("a,b=c\\d").field_selector;
        assert_eq!(selector.as_deref(), Some("metadata.name=a\\,b\\=c\\\\d"));
    }
}
