//! The frame of an AdmissionReview, around the object.

use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::json::{JsonObject, null_is_default};
use super::requester::Requester;
use super::{API_VERSION, KIND, Operation, Target};
use crate::admission::text::Text;
use crate::domain::binding::{BindingKind, RBAC_GROUP};

/// A whole review. `O` is what its objects are read as.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "O: Deserialize<'de>"))]
pub(super) struct Frame<'a, O> {
    // Read first where they stand first, as in all that the API server sends: of a review of
    // another version it is that which is told, and not what else follows from it.
    #[serde(rename = "apiVersion")]
    _api_version: ApiVersion,
    #[serde(rename = "kind")]
    _kind: ReviewKind,
    #[serde(borrow)]
    pub(super) request: JsonObject<Request<'a, O>>,
}

/// The request in a review, with everything that is needed of it and nothing else.
///
/// Source: <https://kubernetes.io/docs/reference/config-api/apiserver-admission.v1/>
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "O: Deserialize<'de>"))]
pub(super) struct Request<'a, O> {
    #[serde(borrow)]
    pub(super) uid: Text<'a>,
    #[serde(rename = "kind")]
    pub(super) target: Target,
    pub(super) operation: Operation,
    #[serde(default, deserialize_with = "null_is_default")]
    pub(super) sub_resource: Text<'a>,
    #[serde(default, deserialize_with = "null_is_default")]
    pub(super) name: Text<'a>,
    #[serde(default, deserialize_with = "null_is_default")]
    pub(super) namespace: Text<'a>,
    #[serde(default, deserialize_with = "null_is_default")]
    pub(super) user_info: JsonObject<Requester<'a>>,
    #[serde(default, deserialize_with = "null_is_default")]
    pub(super) dry_run: bool,
    pub(super) object: Option<O>,
    pub(super) old_object: Option<O>,
}

struct ApiVersion;

impl<'de> Deserialize<'de> for ApiVersion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        exactly(deserializer, "reviews of version", API_VERSION).map(|()| Self)
    }
}

struct ReviewKind;

impl<'de> Deserialize<'de> for ReviewKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        exactly(deserializer, "objects of kind", KIND).map(|()| Self)
    }
}

fn exactly<'de, D: Deserializer<'de>>(
    deserializer: D,
    what: &str,
    expected: &str,
) -> Result<(), D::Error> {
    let text = Text::deserialize(deserializer)?;
    if text == *expected {
        return Ok(());
    }
    Err(Error::custom(format_args!(
        "{what} {text:?} are not answered, only {expected:?}"
    )))
}

impl<'de> Deserialize<'de> for Operation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Text::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            Error::custom(format_args!(
                "operation {text:?} is none of CREATE, UPDATE, DELETE and CONNECT"
            ))
        })
    }
}

#[derive(Deserialize)]
struct GroupVersionKind<'a> {
    #[serde(borrow)]
    group: Text<'a>,
    version: Text<'a>,
    kind: Text<'a>,
}

impl<'de> Deserialize<'de> for Target {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let JsonObject(written) = JsonObject::<GroupVersionKind<'_>>::deserialize(deserializer)?;
        let kind = BindingKind::parse(&written.kind).filter(|_| written.group == *RBAC_GROUP);
        match kind {
            None => Ok(Self::Other),
            Some(kind) if written.version == *"v1" => Ok(Self::Binding(kind)),
            // To let pass what cannot be read would be a silent permission.
            Some(kind) => Err(Error::custom(format_args!(
                "version {:?} of {kind} is not judged, only \"v1\", \
                 which matchPolicy Equivalent sends",
                written.version,
            ))),
        }
    }
}
