//! The one place that reads the clock. Everything else takes the time as an argument.

use jiff::Timestamp;

/// The wall clock's time.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
pub fn now() -> Timestamp {
    Timestamp::now()
}
