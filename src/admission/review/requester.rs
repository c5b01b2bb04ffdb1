//! Who made the request under review, as the API server authenticated them.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

use super::json::null_is_default;
use crate::admission::text::Text;

/// Who made the request. What is absent or null is empty.
///
/// Only a claim, unless the caller has proved to be the API server.
///
/// Source: <https://kubernetes.io/docs/reference/config-api/apiserver-admission.v1/>, `userInfo`
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Requester<'a> {
    /// The user name.
    #[serde(borrow, deserialize_with = "null_is_default")]
    pub username: Text<'a>,
    /// The uid that the authenticator gave, which says nothing about the name's next bearer.
    #[serde(deserialize_with = "null_is_default")]
    pub uid: Text<'a>,
    /// The groups.
    #[serde(deserialize_with = "null_is_default")]
    pub groups: Vec<Text<'a>>,
    /// Whatever else the authenticator gave. An authorizer may look at it, so whoever asks one
    /// on the requester's behalf hands it on.
    #[serde(deserialize_with = "null_lists_are_empty")]
    pub extra: BTreeMap<Text<'a>, Vec<Text<'a>>>,
}

/// Go writes a nil slice as `null`, and authenticators are free to give one.
fn null_lists_are_empty<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<Text<'de>, Vec<Text<'de>>>, D::Error> {
    type Written<'a> = Option<BTreeMap<Text<'a>, Option<Vec<Text<'a>>>>>;
    let written = Written::deserialize(deserializer)?.unwrap_or_default();
    Ok(written
        .into_iter()
        .map(|(key, values)| (key, values.unwrap_or_default()))
        .collect())
}
