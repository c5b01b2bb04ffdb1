//! Durations as people write them: 500ms, 90s, 2160h.

use std::time::Duration;

/// The longest life of a certificate: a hundred years.
pub(super) const LONGEST: Duration = Duration::from_hours(100 * 365 * 24);

/// Reads a duration of at least and at most so much.
pub(super) fn parse(text: &str, shortest: Duration, longest: Duration) -> Result<Duration, String> {
    let span: jiff::SignedDuration = text
        .parse()
        .map_err(|_| "write a duration like 90s or 2160h".to_owned())?;
    Duration::try_from(span)
        .ok()
        .filter(|duration| (shortest..=longest).contains(duration))
        .ok_or_else(|| format!("it must be from {} to {}", shown(shortest), shown(longest)))
}

fn shown(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 => "0s".to_owned(),
        _ if seconds.is_multiple_of(3600) => format!("{}h", seconds / 3600),
        _ if seconds.is_multiple_of(60) => format!("{}m", seconds / 60),
        _ => format!("{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{LONGEST, parse};

    #[test]
    fn a_duration_is_read_and_its_bounds_are_told() {
        let read = |text| parse(text, Duration::from_mins(1), LONGEST);
        assert_eq!(read("2160h"), Ok(Duration::from_hours(2160)));
        assert_eq!(read("60s"), Ok(Duration::from_mins(1)));
        for wrong in ["59s", "-1h", "876001h"] {
            let error = read(wrong).unwrap_err();
            assert_eq!(error, "it must be from 1m to 876000h", "{wrong}");
        }
        assert_eq!(
            read("soon").unwrap_err(),
            "write a duration like 90s or 2160h"
        );
    }
}
