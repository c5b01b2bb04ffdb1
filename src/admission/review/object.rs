//! The binding in a review, as the API server writes it.

use serde::Deserialize;

use super::annotations::Annotations;
use super::json::{JsonObject, null_is_default};
use crate::admission::text::Text;
use crate::domain::binding::{Binding, BindingKind, RBAC_GROUP, RoleRef, Subject};
use crate::domain::identity::SubjectKind;

/// A RoleBinding or ClusterRoleBinding: the part of it that matters here.
///
/// Source: <https://kubernetes.io/docs/reference/kubernetes-api/authorization-resources/role-binding-v1/>
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Object<'a> {
    #[serde(borrow, default, deserialize_with = "null_is_default")]
    metadata: JsonObject<Metadata<'a>>,
    role_ref: JsonObject<WrittenRole<'a>>,
    #[serde(default, deserialize_with = "null_is_default")]
    subjects: Vec<JsonObject<WrittenSubject<'a>>>,
}

/// The metadata of an object: the part of it that matters here. What is absent or null is empty.
///
/// Source: <https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/object-meta/>
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Metadata<'a> {
    /// The name; empty while `generateName` has not been carried out.
    #[serde(borrow, deserialize_with = "null_is_default")]
    pub name: Text<'a>,
    /// What the API server begins the name with that it makes up.
    #[serde(deserialize_with = "null_is_default")]
    pub generate_name: Text<'a>,
    /// The namespace, as the object says. The request's comes first.
    #[serde(deserialize_with = "null_is_default")]
    pub namespace: Text<'a>,
    /// The uid; empty where the object has not got one yet.
    #[serde(deserialize_with = "null_is_default")]
    pub uid: Text<'a>,
    /// The resource version; empty where the object has not got one yet.
    #[serde(deserialize_with = "null_is_default")]
    pub resource_version: Text<'a>,
    /// When the object's deletion began, if it did.
    pub deletion_timestamp: Option<Text<'a>>,
    annotations: Option<Annotations<'a>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WrittenRole<'a> {
    #[serde(borrow)]
    api_group: Option<Text<'a>>,
    kind: Text<'a>,
    name: Text<'a>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct WrittenSubject<'a> {
    #[serde(borrow)]
    api_group: Option<Text<'a>>,
    kind: Text<'a>,
    name: Text<'a>,
    namespace: Option<Text<'a>>,
}

impl<'a> Object<'a> {
    /// Its metadata.
    #[must_use]
    pub fn metadata(&self) -> &Metadata<'a> {
        &self.metadata.0
    }

    /// How many of its subjects RBAC does not know, by kind or API group, and a [`Binding`] leaves
    /// out. The API server refuses such a binding, but only after the mutating webhooks.
    #[must_use]
    pub fn unknown_subjects(&self) -> usize {
        self.subjects
            .iter()
            .filter(|subject| subject.0.kind().is_none())
            .count()
    }

    /// The binding, in the words of the rule.
    pub(super) fn binding<'b>(
        &'b self,
        kind: BindingKind,
        namespace: Option<&'b str>,
        name: &'b str,
    ) -> Binding<'b> {
        let role = &self.role_ref.0;
        Binding {
            kind,
            namespace,
            name,
            role: RoleRef::new(role.api_group.as_deref(), &role.kind, &role.name),
            subjects: self.subjects().collect(),
        }
    }

    fn subjects(&self) -> impl Iterator<Item = Subject<'_>> {
        self.subjects.iter().filter_map(|JsonObject(subject)| {
            Some(Subject {
                kind: subject.kind()?,
                name: &subject.name,
                namespace: subject.namespace.as_ref().and_then(Text::non_empty),
            })
        })
    }
}

impl<'a> Metadata<'a> {
    /// The annotations, if there is a map of them at all.
    #[must_use]
    pub fn annotations(&self) -> Option<&Annotations<'a>> {
        self.annotations.as_ref()
    }
}

impl WrittenSubject<'_> {
    /// The kind, if RBAC knows it in this API group: it compares both when it looks for a
    /// requester's bindings, and the API server refuses what it does not know.
    ///
    /// Source: `k8s.io/kubernetes/pkg/apis/rbac/validation`, `ValidateRoleBindingSubject`.
    fn kind(&self) -> Option<SubjectKind> {
        let group = self.api_group.as_deref().unwrap_or_default();
        SubjectKind::parse(&self.kind).filter(|kind| match kind {
            SubjectKind::User | SubjectKind::Group => matches!(group, "" | RBAC_GROUP),
            SubjectKind::ServiceAccount => group.is_empty(),
        })
    }
}
