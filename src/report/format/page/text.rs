//! Texts in HTML.

use std::fmt::{self, Display, Formatter};

use sha2::{Digest, Sha256};

use crate::domain::text::needs_escape;

/// A text in HTML, between tags or in an attribute. What nobody would see is told as `\u{…}`.
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => formatter.write_str("&amp;")?,
                '<' => formatter.write_str("&lt;")?,
                '>' => formatter.write_str("&gt;")?,
                '"' => formatter.write_str("&quot;")?,
                '\'' => formatter.write_str("&#39;")?,
                '\n' => formatter.write_str("\n")?,
                hidden if needs_escape(hidden) || matches!(hidden, '\u{fffe}' | '\u{ffff}') => {
                    write!(formatter, "\\u{{{:x}}}", u32::from(hidden))?;
                }
                other => write!(formatter, "{other}")?,
            }
        }
        Ok(())
    }
}

/// The SHA-256 of a text in base64, as a content security policy has it.
pub(super) fn digest(text: &str) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bytes = <[u8; 32]>::from(Sha256::digest(text));
    let mut encoded = String::with_capacity(44);
    for three in bytes.chunks(3) {
        let byte = |at: usize| u32::from(three.get(at).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..=three.len() {
            let index = bits >> (18 - 6 * digit) & 63;
            let letter = usize::try_from(index)
                .ok()
                .and_then(|index| ALPHABET.get(index));
            encoded.extend(letter.copied().map(char::from));
        }
    }
    encoded.extend(std::iter::repeat_n('=', (4 - encoded.len() % 4) % 4));
    encoded
}

#[cfg(test)]
mod tests {
    use super::digest;

    #[test]
    fn a_digest_is_in_base64() {
        // printf abc | openssl dgst -sha256 -binary | base64
        assert_eq!(
            digest("abc"),
            "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="
        );
    }
}
