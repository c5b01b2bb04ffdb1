//! What an unquoted scalar means to Kubernetes.
//!
//! Source: `resolve.go` of `go.yaml.in/yaml/v2`, which `sigs.k8s.io/yaml` reads with. Timestamps
//! come out of that reader as strings, so they are strings here.

use std::borrow::Cow;

use super::node::Value;

/// The value of an unquoted, untagged scalar.
pub(super) fn resolve(text: Cow<'_, str>) -> Value<'_> {
    match text.as_ref() {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Value::Boolean { value: true, text }
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Value::Boolean { value: false, text }
        }
        other if is_number(other) => Value::Number(text),
        _ => Value::String(text),
    }
}

fn is_number(text: &str) -> bool {
    match text.as_bytes().first() {
        Some(b'0'..=b'9' | b'+' | b'-') => {
            let plain: Cow<'_, str> = if text.contains('_') {
                text.replace('_', "").into()
            } else {
                text.into()
            };
            is_special_float(text) || is_integer(&plain) || is_float(&plain)
        }
        Some(b'.') => is_special_float(text) || is_float(text),
        _ => false,
    }
}

fn is_special_float(text: &str) -> bool {
    matches!(text, ".nan" | ".NaN" | ".NAN")
        || matches!(
            text.strip_prefix(['+', '-']).unwrap_or(text),
            ".inf" | ".Inf" | ".INF"
        )
}

/// Whether Go's `ParseInt` or `ParseUint` with base 0 takes it. Those too long for it are no
/// numbers but strings, unless they are decimal.
fn is_integer(text: &str) -> bool {
    let (negative, digits) = match text.strip_prefix(['+', '-']) {
        Some(digits) => (text.starts_with('-'), digits),
        None => (false, text),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, digits.get(2..)),
        [b'0', b'o' | b'O', ..] => (8, digits.get(2..)),
        [b'0', b'b' | b'B', ..] => (2, digits.get(2..)),
        [b'0', _, ..] => (8, digits.get(1..)),
        _ => (10, Some(digits)),
    };
    let Some(digits) = digits.filter(|digits| !digits.starts_with(['+', '-'])) else {
        return false;
    };
    u64::from_str_radix(digits, radix)
        .is_ok_and(|value| !negative || value <= i64::MIN.unsigned_abs())
}

/// `^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`, within a double's range.
fn is_float(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mantissa_fits =
        all_digits(whole) && all_digits(fraction) && !(whole.is_empty() && fraction.is_empty());
    let exponent_fits = exponent.is_none_or(|exponent| {
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !digits.is_empty() && all_digits(digits)
    });
    mantissa_fits && exponent_fits && text.parse::<f64>().is_ok_and(f64::is_finite)
}

#[cfg(test)]
mod tests {
    use super::{Value, resolve};

    #[test]
    fn every_boolean_of_yaml_1_1_is_a_boolean() {
        for (text, expected) in [
            ("true", true),
            ("On", true),
            ("y", true),
            ("YES", true),
            ("False", false),
            ("off", false),
            ("N", false),
            ("no", false),
        ] {
            assert!(
                matches!(resolve(text.into()), Value::Boolean { value, .. } if value == expected),
                "{text}"
            );
        }
    }

    #[test]
    fn what_go_reads_as_a_number_is_a_number() {
        for text in [
            "0",
            "-12",
            "+7",
            "1_000",
            "0777",
            "0899",
            "0x1F",
            "0o17",
            "0b101",
            "-0b1",
            "1.5",
            "1.",
            ".5",
            "1e5",
            "1E-5",
            "-.inf",
            ".NaN",
            "123456789012345678901234567890",
            "18446744073709551615",
        ] {
            assert_eq!(resolve(text.into()), Value::Number(text.into()), "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_something_else_is_a_string() {
        for text in [
            "oN",
            "yEs",
            "nULL",
            "0xZ",
            "0x",
            "-",
            "+",
            ".",
            "1.2.3",
            "12:30:45",
            "2026-11-24",
            "1e",
            "1e999",
            "--1",
            "0x-1",
            "10m",
            "٣",
            "<<",
            "=",
            "0xFFFFFFFFFFFFFFFFFF",
        ] {
            assert_eq!(resolve(text.into()), Value::String(text.into()), "{text}");
        }
    }

    #[test]
    fn nothing_is_null() {
        for text in ["", "~", "null", "Null", "NULL"] {
            assert_eq!(resolve(text.into()), Value::Null, "{text}");
        }
    }
}
