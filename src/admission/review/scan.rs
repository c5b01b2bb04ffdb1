//! How far a JSON string is plain, eight bytes at a time.

/// One in each byte.
const ONES: u64 = u64::MAX / 255;
/// The highest bit of each byte.
const HIGHEST: u64 = ONES << 7;

/// How many bytes come before the first that is a quote, a backslash or a control character; all
/// if none is.
#[inline]
pub(super) fn plain_bytes(bytes: &[u8]) -> usize {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut plain = 0;
    for word in words {
        let found = special(u64::from_le_bytes(*word));
        if found != 0 {
            return plain + found.trailing_zeros() as usize / 8;
        }
        plain += 8;
    }
    let in_rest = rest.iter().position(|byte| is_special(*byte));
    plain + in_rest.unwrap_or(rest.len())
}

fn is_special(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | ..=0x1f)
}

/// A word whose lowest set bit is in the first of its bytes that is special; zero if none is. Bits
/// above that mean nothing: a subtraction borrows from the next byte.
///
/// With its second bit turned a quote comes next to the control characters, which stay among
/// themselves.
///
/// Source: <https://graphics.stanford.edu/~seander/bithacks.html#HasLessInWord>
const fn special(word: u64) -> u64 {
    let turned = word ^ (ONES * 2);
    let backslash = word ^ (ONES * b'\\' as u64);
    let is_quote_or_control = turned.wrapping_sub(ONES * 0x21) & !turned;
    let is_backslash = backslash.wrapping_sub(ONES) & !backslash;
    (is_quote_or_control | is_backslash) & HIGHEST
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::{prop_assert_eq, proptest};
    use proptest::sample::select;

    use super::{is_special, plain_bytes};

    #[test]
    fn every_byte_is_told_at_every_place() {
        for byte in 0..=u8::MAX {
            for place in 0..20 {
                let mut text = [b'a'; 20];
                text[place] = byte;
                let plain = if is_special(byte) { place } else { 20 };
                assert_eq!(plain_bytes(&text), plain, "{byte} at {place}");
            }
        }
    }

    proptest! {
        #[test]
        fn the_first_special_byte_is_found_whatever_stands_beside_it(
            text in vec(select(b"\x00\x1f !\"#[\\]\x7f\x80\xa0\xa2\xdc\xffabcdefghijkl".to_vec()), 0..40),
        ) {
            let first = text.iter().position(|byte| is_special(*byte));
            prop_assert_eq!(plain_bytes(&text), first.unwrap_or(text.len()));
        }
    }
}
