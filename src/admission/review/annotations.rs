//! The annotations in a review.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::admission::text::Text;
use crate::provisioning::{ORDER, ORDERED_BY, PROVISION};

/// The annotations of an object: those that are bindguard's own, and how much room all take.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Annotations<'a> {
    /// What is ordered, and for whom.
    pub order: Option<Text<'a>>,
    /// Who ordered it.
    pub ordered_by: Option<Text<'a>>,
    /// Whether the binding asks for an order.
    pub provision: Option<Text<'a>>,
    /// At least as many bytes as the keys and values of all take together. The others are not
    /// decoded, and an escape is longer than what it stands for.
    pub bytes: usize,
}

impl<'de: 'a, 'a> Deserialize<'de> for Annotations<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(AnnotationsVisitor)
    }
}

struct AnnotationsVisitor;

impl<'de> Visitor<'de> for AnnotationsVisitor {
    type Value = Annotations<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut annotations = Annotations::default();
        let mut seen = Vec::new();
        while let Some(key) = map.next_key::<Text<'de>>()? {
            let own = match &*key {
                ORDER => &mut annotations.order,
                ORDERED_BY => &mut annotations.ordered_by,
                PROVISION => &mut annotations.provision,
                _ => {
                    let value: &RawValue = map.next_value()?;
                    annotations.bytes += key.len() + value.get().len();
                    continue;
                }
            };
            if seen.contains(&key) {
                return Err(A::Error::custom(format_args!("duplicate field `{key}`")));
            }
            *own = map.next_value()?;
            annotations.bytes += key.len() + own.as_ref().map_or(0, |value| value.len());
            seen.push(key);
        }
        Ok(annotations)
    }
}

#[cfg(test)]
mod tests {
    use super::Annotations;

    #[test]
    fn those_of_others_are_weighed_and_not_read() {
        let text = r#"{"a": "b\"c", "bindguard.dev/order": "o", "x": {"not": ["a string", 1e9]},
                       "bindguard.dev/provision": null, "bindguard.dev/ordered-by": "me"}"#;
        let read: Annotations<'_> = serde_json::from_str(text).unwrap();
        assert_eq!(read.order.as_deref(), Some("o"));
        assert_eq!(read.ordered_by.as_deref(), Some("me"));
        assert_eq!(read.provision, None);
        let whole = 1 + 3 + 19 + 1 + 1 + 23 + 24 + 2;
        assert!((whole..whole + 40).contains(&read.bytes), "{}", read.bytes);
    }

    #[test]
    fn one_that_stands_twice_is_refused() {
        let text = r#"{"bindguard.dev/order": null, "bindguard.dev/order": "b"}"#;
        let error = serde_json::from_str::<Annotations<'_>>(text).unwrap_err();
        assert!(error.to_string().starts_with("duplicate field"), "{error}");
    }
}
