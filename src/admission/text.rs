//! Text that stays where it came from when it can.

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::ops::Deref;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// A string of a JSON document: borrowed from the document where it is written there without
/// escapes, owned otherwise.
///
/// `Cow<str>` with `#[serde(borrow)]` does this only as a field of its own; inside `Option`,
/// `Vec` and maps it is always owned (<https://github.com/serde-rs/serde/issues/1852>), and `&str`
/// fails on the first escape.
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Text<'a>(Cow<'a, str>);

impl Text<'_> {
    /// The text itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text, or nothing if it is empty: Kubernetes means the same by both.
    #[must_use]
    pub fn non_empty(&self) -> Option<&str> {
        Some(self.as_str()).filter(|text| !text.is_empty())
    }

    /// Whether the text still lies in the document.
    #[must_use]
    pub fn is_borrowed(&self) -> bool {
        matches!(self.0, Cow::Borrowed(_))
    }
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Text<'_> {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Text<'_> {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self(Cow::Borrowed(text))
    }
}

impl From<String> for Text<'_> {
    fn from(text: String) -> Self {
        Self(Cow::Owned(text))
    }
}

impl PartialEq<str> for Text<'_> {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Text<'_> {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, formatter)
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, formatter)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a string")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Text(Cow::Owned(text.to_owned())))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Self::Value, E> {
        Ok(Text(Cow::Owned(text)))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::Text;

    #[test]
    fn text_without_escapes_is_borrowed_wherever_it_stands() {
        let texts: BTreeMap<Text<'_>, Option<Vec<Text<'_>>>> =
            serde_json::from_str(r#"{"key": ["plain", "höher"]}"#).unwrap();
        let (key, values) = texts.first_key_value().unwrap();
        assert!(key.is_borrowed());
        assert!(values.iter().flatten().all(Text::is_borrowed));
    }

    #[test]
    fn text_with_escapes_is_owned_and_unescaped() {
        let texts: Vec<Text<'_>> =
            serde_json::from_str(r#"["tab\there", "\ud83d\ude00", "\u0000"]"#).unwrap();
        assert_eq!(texts, ["tab\there", "😀", "\0"]);
        assert!(!texts.iter().any(Text::is_borrowed));
    }

    #[test]
    fn anything_but_a_string_is_refused() {
        for other in ["5", "null", "true", "[]", "{}", r#""\ud800""#] {
            serde_json::from_str::<Text<'_>>(other).unwrap_err();
        }
    }

    #[test]
    fn empty_text_counts_as_absent() {
        assert_eq!(Text::default().non_empty(), None);
        assert_eq!(Text::from("a").non_empty(), Some("a"));
    }

    proptest! {
        #[test]
        fn text_is_what_serde_json_itself_reads(text in any::<String>()) {
            let document = serde_json::to_string(&[&text]).unwrap();
            let read: Vec<Text<'_>> = serde_json::from_str(&document).unwrap();
            prop_assert_eq!(read, [text.as_str()]);
        }
    }
}
