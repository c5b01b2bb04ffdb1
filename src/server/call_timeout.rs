//! How long the API server waits for an answer: the `timeout` of its query.

use std::time::Duration;

/// What the API server waits where a webhook configuration says nothing, and what counts when the
/// query says nothing that can be read.
const DEFAULT: Duration = Duration::from_secs(10);
/// Kubernetes allows `timeoutSeconds` from 1 to 30; shorter ones come from tests and from hand.
const SHORTEST: Duration = Duration::from_millis(1);
const LONGEST: Duration = Duration::from_secs(30);

/// The time that the caller gives, from a query like `timeout=10s`.
pub(super) fn from_query(query: Option<&str>) -> Duration {
    query
        .unwrap_or_default()
        .split('&')
        .find_map(|pair| pair.strip_prefix("timeout="))
        .and_then(parse)
        .unwrap_or(DEFAULT)
        .clamp(SHORTEST, LONGEST)
}

/// A duration as Go prints and parses it: `10s`, `1m30s`, `1.5s`. Absurd lengths are cut, negative
/// ones refused.
///
/// Source: <https://pkg.go.dev/time#ParseDuration>
fn parse(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let (mut total, mut rest) = (Duration::ZERO, text);
    loop {
        let (part, behind) = parse_part(rest)?;
        total = total.saturating_add(part);
        if behind.is_empty() {
            return Some(total);
        }
        rest = behind;
    }
}

/// One number with its unit, and what follows it.
fn parse_part(text: &str) -> Option<(Duration, &str)> {
    let (whole, rest) = split_digits(text);
    let (fraction, rest) = rest.strip_prefix('.').map_or(("", rest), split_digits);
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let end_of_unit = rest
        .find(|letter: char| letter == '.' || letter.is_ascii_digit())
        .unwrap_or(rest.len());
    let (unit, rest) = rest.split_at_checked(end_of_unit)?;
    let unit = nanoseconds(unit)?;
    let whole = whole.bytes().fold(0_u64, |number, digit| {
        number.saturating_mul(10).saturating_add(value(digit))
    });
    let (fraction, _) = fraction.bytes().fold((0, unit), |(sum, unit), digit| {
        let tenth = unit / 10;
        (sum + tenth * value(digit), tenth)
    });
    let nanoseconds = whole.saturating_mul(unit).saturating_add(fraction);
    Some((Duration::from_nanos(nanoseconds), rest))
}

fn split_digits(text: &str) -> (&str, &str) {
    let end = text
        .find(|letter: char| !letter.is_ascii_digit())
        .unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

fn value(digit: u8) -> u64 {
    u64::from(digit.saturating_sub(b'0'))
}

fn nanoseconds(unit: &str) -> Option<u64> {
    match unit {
        "ns" => Some(1),
        "us" => Some(1_000),
        "ms" => Some(1_000_000),
        "s" => Some(1_000_000_000),
        "m" => Some(60_000_000_000),
        "h" => Some(3_600_000_000_000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, from_query};

    #[track_caller]
    fn expect(query: &str, milliseconds: u64) {
        let expected = Duration::from_millis(milliseconds);
        assert_eq!(from_query(Some(query)), expected, "{query}");
    }

    #[test]
    fn a_duration_is_read_as_go_writes_it() {
        expect("timeout=10s", 10_000);
        expect("timeout=500ms", 500);
        expect("timeout=1.5s", 1_500);
        expect("timeout=.5s", 500);
        expect("timeout=2.s", 2_000);
        expect("timeout=0m5.25s", 5_250);
        expect("timeout=2s500ms", 2_500);
        expect("timeout=2500us500000ns", 3);
        expect("dryRun=All&timeout=3s&x", 3_000);
    }

    #[test]
    fn what_is_longer_or_shorter_than_kubernetes_allows_is_cut() {
        for query in [
            "timeout=30s",
            "timeout=1m",
            "timeout=1m30s",
            "timeout=9999999999999h",
        ] {
            expect(query, 30_000);
        }
        for query in ["timeout=0", "timeout=0s", "timeout=1ns"] {
            expect(query, 1);
        }
    }

    #[test]
    fn what_cannot_be_read_is_ten_seconds() {
        assert_eq!(from_query(None), Duration::from_secs(10));
        for query in [
            "",
            "timeout",
            "timeout=",
            "timeout=s",
            "timeout=10",
            "timeout=-1s",
            "timeout=+1s",
            "timeout=.s",
            "timeout=1x",
            "timeout=1s1",
            "timeout=1 s",
            "timeout=é",
            "timeout=1é",
            "timeout=1..5s",
            "Timeout=1s",
            "xtimeout=1s",
        ] {
            expect(query, 10_000);
        }
    }
}
