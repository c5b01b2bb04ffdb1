//! Durations as people write them.

use std::time::Duration;

use jiff::fmt::friendly::{Designator, Spacing, SpanParser, SpanPrinter};

/// The longest duration that the policy takes.
const LONGEST: Duration = Duration::from_hours(24);
/// The shortest. The times that it is compared with count seconds.
const SHORTEST: Duration = Duration::from_secs(1);

/// Reads a duration like `10m`, `90s` or `1h30m`.
///
/// # Errors
///
/// What a message says of the text after naming it.
pub(super) fn parse(text: &str) -> Result<Duration, &'static str> {
    let duration = SpanParser::new()
        .parse_duration(text)
        .map_err(|_| "is not a duration; write one like 10m, 90s or 1h30m")?;
    Duration::try_from(duration)
        .ok()
        .filter(|duration| (SHORTEST..=LONGEST).contains(duration))
        .ok_or("is not between 1s and 24h")
}

/// Writes a duration so that [`parse`] reads it back.
pub(super) fn write(duration: Duration) -> String {
    SpanPrinter::new()
        .designator(Designator::Compact)
        .spacing(Spacing::None)
        .unsigned_duration_to_string(&duration)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{parse, write};

    #[test]
    fn durations_read_as_they_are_written() {
        for (text, seconds) in [
            ("10m", 600),
            ("90s", 90),
            ("1h30m", 5400),
            ("1h 30m", 5400),
            ("24h", 86_400),
            ("1s", 1),
            ("1440m", 86_400),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        assert_eq!(write(Duration::from_mins(10)), "10m");
        assert_eq!(write(Duration::from_mins(90)), "1h30m");
    }

    #[test]
    fn what_is_no_duration_or_out_of_range_is_refused() {
        for text in ["", "10", "m", "ten minutes", "10x", "1d", "PT10M"] {
            assert!(
                parse(text).unwrap_err().starts_with("is not a duration"),
                "{text}"
            );
        }
        for text in ["0s", "-10m", "10m ago", "500ms", "24h1s", "9999999h"] {
            assert_eq!(parse(text), Err("is not between 1s and 24h"), "{text}");
        }
    }
}
