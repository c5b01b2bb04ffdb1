//! JSON as API servers write it, read fast: in seven tenths of the instructions of `serde_json`.
//!
//! It reads less than all of JSON. What it leaves unread is not wrong: `serde_json` reads it then,
//! or says what is wrong with it. But what is read here means what `serde_json` takes it for, and
//! nothing is let pass that this would refuse; tests hold the two together.
//!
//! Unread are numbers with a sign, fraction or exponent, more than 63 levels that nobody looks at,
//! and escapes in texts that somebody looks at. Nothing recurses but the types that are read.

use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::scan::plain_bytes;

/// It was not read, for whatever reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is left to serde_json")]
pub(super) struct Unread;

impl serde::de::Error for Unread {
    fn custom<T: fmt::Display>(_message: T) -> Self {
        Self
    }
}

type Result<T> = std::result::Result<T, Unread>;

/// Reads a whole document.
pub(super) fn read<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T> {
    let mut reader = Reader { text, at: 0 };
    let value = T::deserialize(&mut reader)?;
    match reader.peek() {
        None => Ok(value),
        Some(_) => Err(Unread),
    }
}

struct Reader<'de> {
    text: &'de str,
    /// How many bytes have been read.
    at: usize,
}

impl<'de> Reader<'de> {
    fn rest(&self) -> &'de [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    /// The next byte that is no white space, without reading it.
    #[inline]
    fn peek(&mut self) -> Option<u8> {
        loop {
            let byte = *self.text.as_bytes().get(self.at)?;
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Some(byte);
            }
            self.at += 1;
        }
    }

    /// The next byte that is no white space.
    #[inline]
    fn next(&mut self) -> Result<u8> {
        let byte = self.peek().ok_or(Unread)?;
        self.at += 1;
        Ok(byte)
    }

    fn expect(&mut self, byte: u8) -> Result<()> {
        if self.next()? == byte {
            Ok(())
        } else {
            Err(Unread)
        }
    }

    fn word(&mut self, word: &str) -> Result<()> {
        if self.rest().starts_with(word.as_bytes()) {
            self.at += word.len();
            Ok(())
        } else {
            Err(Unread)
        }
    }

    /// A string that is written without escapes.
    fn string(&mut self) -> Result<&'de str> {
        self.expect(b'"')?;
        let begin = self.at;
        let end = begin + plain_bytes(self.rest());
        if self.text.as_bytes().get(end) != Some(&b'"') {
            return Err(Unread);
        }
        self.at = end + 1;
        self.text.get(begin..end).ok_or(Unread)
    }

    /// The rest of a string, after its first quote, whatever is in it.
    fn skip_string(&mut self) -> Result<()> {
        loop {
            self.at += plain_bytes(self.rest());
            match self.rest() {
                [b'"', ..] => {
                    self.at += 1;
                    return Ok(());
                }
                [b'\\', b'u', code @ ..] if is_code(code) => self.at += 6,
                [
                    b'\\',
                    b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't',
                    ..,
                ] => self.at += 2,
                _ => return Err(Unread),
            }
        }
    }

    /// The rest of a whole number, after its first digit.
    fn skip_digits(&mut self, first: u8) {
        if first != b'0' {
            let digits = self.rest().iter().take_while(|byte| byte.is_ascii_digit());
            self.at += digits.count();
        }
    }

    /// A name of a member that nobody looks at, and the colon after it.
    fn skip_key(&mut self) -> Result<()> {
        self.expect(b'"')?;
        self.skip_string()?;
        self.expect(b':')
    }

    /// A value that nobody looks at.
    fn skip(&mut self) -> Result<()> {
        let mut enclosing = Enclosing::NOTHING;
        loop {
            match self.next()? {
                b'"' => self.skip_string()?,
                b'{' if self.peek() != Some(b'}') => {
                    enclosing.enter(true)?;
                    self.skip_key()?;
                    continue;
                }
                b'[' if self.peek() != Some(b']') => {
                    enclosing.enter(false)?;
                    continue;
                }
                // The end of an empty one, which has been seen.
                b'{' | b'[' => self.at += 1,
                b'n' => self.word("ull")?,
                b't' => self.word("rue")?,
                b'f' => self.word("alse")?,
                first @ b'0'..=b'9' => self.skip_digits(first),
                _ => return Err(Unread),
            }
            loop {
                let Some(in_object) = enclosing.innermost() else {
                    return Ok(());
                };
                match (self.next()?, in_object) {
                    (b',', true) => {
                        self.skip_key()?;
                        break;
                    }
                    (b',', false) => break,
                    (b'}', true) | (b']', false) => enclosing.leave(),
                    _ => return Err(Unread),
                }
            }
        }
    }

    /// Whether another element or member follows, or the end, which is read.
    fn another(&mut self, first: bool, end: u8) -> Result<bool> {
        match self.peek() {
            Some(byte) if byte == end => {
                self.at += 1;
                Ok(false)
            }
            Some(b',') if !first => {
                self.at += 1;
                Ok(true)
            }
            Some(_) if first => Ok(true),
            _ => Err(Unread),
        }
    }

    fn read_list<V>(
        &mut self,
        begin: u8,
        end: u8,
        visit: impl FnOnce(&mut List<'_, 'de>) -> Result<V>,
    ) -> Result<V> {
        self.expect(begin)?;
        let mut list = List {
            reader: self,
            end,
            first: true,
            ended: false,
        };
        let value = visit(&mut list)?;
        if list.ended { Ok(value) } else { Err(Unread) }
    }
}

/// Whether four hexadecimal digits are next.
fn is_code(bytes: &[u8]) -> bool {
    let code = bytes.first_chunk::<4>();
    code.is_some_and(|code| code.iter().all(u8::is_ascii_hexdigit))
}

/// Which of the lists around a value are objects: a bit for each, the lowest for the innermost,
/// above a one that marks where they begin.
struct Enclosing(u64);

impl Enclosing {
    const NOTHING: Self = Self(1);

    fn enter(&mut self, object: bool) -> Result<()> {
        if self.0.leading_zeros() == 0 {
            return Err(Unread);
        }
        self.0 = self.0 << 1 | u64::from(object);
        Ok(())
    }

    fn leave(&mut self) {
        self.0 >>= 1;
    }

    /// Whether the innermost is an object.
    fn innermost(&self) -> Option<bool> {
        (self.0 > 1).then_some(self.0 & 1 == 1)
    }
}

/// The members of an object, or the elements of an array.
struct List<'r, 'de> {
    reader: &'r mut Reader<'de>,
    end: u8,
    first: bool,
    ended: bool,
}

impl List<'_, '_> {
    fn another(&mut self) -> Result<bool> {
        let another = self.reader.another(self.first, self.end)?;
        self.first = false;
        self.ended = !another;
        Ok(another)
    }
}

impl<'de> MapAccess<'de> for &mut List<'_, 'de> {
    type Error = Unread;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>> {
        if !self.another()? {
            return Ok(None);
        }
        // Whatever it is read as, a key is a string.
        if self.reader.peek() != Some(b'"') {
            return Err(Unread);
        }
        let key = seed.deserialize(&mut *self.reader)?;
        self.reader.expect(b':')?;
        Ok(Some(key))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value> {
        seed.deserialize(&mut *self.reader)
    }
}

impl<'de> SeqAccess<'de> for &mut List<'_, 'de> {
    type Error = Unread;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>> {
        if !self.another()? {
            return Ok(None);
        }
        seed.deserialize(&mut *self.reader).map(Some)
    }
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Unread;

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value> {
        Err(Unread)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let value = self.peek() == Some(b't');
        self.word(if value { "true" } else { "false" })?;
        visitor.visit_bool(value)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_borrowed_str(self.string()?)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_borrowed_str(self.string()?)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        if self.peek() == Some(b'n') {
            self.word("null")?;
            return visitor.visit_none();
        }
        visitor.visit_some(self)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.read_list(b'{', b'}', |list| visitor.visit_map(list))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.read_list(b'[', b']', |list| visitor.visit_seq(list))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.skip()?;
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char string bytes byte_buf unit
        unit_struct newtype_struct tuple tuple_struct struct enum
    }
}
