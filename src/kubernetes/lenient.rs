//! Decoding that puts up with values of another form than expected.
//!
//! kube gives up a whole page of a list, or loses a watch event, when one object in it cannot be
//! decoded. With these types every JSON value can be, and says how far it was understood.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A value that may be of the expected form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Lenient<T> {
    /// Not there, or null.
    #[default]
    Absent,
    /// Of the expected form.
    Read(T),
    /// Of another form.
    Unreadable,
}

impl<T> Lenient<T> {
    /// The value, if it was read. What cannot be read raises the flag.
    pub(super) fn take(self, unreadable: &mut bool) -> Option<T> {
        match self {
            Self::Read(value) => Some(value),
            Self::Absent => None,
            Self::Unreadable => {
                *unreadable = true;
                None
            }
        }
    }
}

/// What a type makes of the forms that a JSON value can have; `None` if it is not of that form.
pub(super) trait Shape<'de>: Sized {
    fn text(_text: &str) -> Option<Self> {
        None
    }

    fn list<A: SeqAccess<'de>>(mut list: A) -> Result<Option<Self>, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn object<A: MapAccess<'de>>(mut object: A) -> Result<Option<Self>, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

impl Shape<'_> for String {
    fn text(text: &str) -> Option<Self> {
        Some(text.to_owned())
    }
}

impl<'de, T: Deserialize<'de>> Shape<'de> for Vec<T> {
    fn list<A: SeqAccess<'de>>(mut list: A) -> Result<Option<Self>, A::Error> {
        let mut items = Self::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Some(items))
    }
}

/// Reads an object whose fields are all lenient.
pub(super) fn fields<'de, T, A>(object: A) -> Result<Option<T>, A::Error>
where
    T: Deserialize<'de>,
    A: MapAccess<'de>,
{
    T::deserialize(MapAccessDeserializer::new(object)).map(Some)
}

impl<'de, T: Shape<'de>> Deserialize<'de> for Lenient<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyForm(PhantomData))
    }
}

struct AnyForm<T>(PhantomData<T>);

impl<'de, T: Shape<'de>> Visitor<'de> for AnyForm<T> {
    type Value = Lenient<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any value")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(read(T::text(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        T::list(list).map(read)
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Self::Value, A::Error> {
        T::object(object).map(read)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Lenient::Absent)
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Lenient::Absent)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Lenient::Unreadable)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Lenient::Unreadable)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Lenient::Unreadable)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Lenient::Unreadable)
    }
}

fn read<T>(value: Option<T>) -> Lenient<T> {
    value.map_or(Lenient::Unreadable, Lenient::Read)
}
