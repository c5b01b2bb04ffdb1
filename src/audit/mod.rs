//! What is kept of calls that were decided Deny, Warn or Audit.
//!
//! A record is written before its call is answered, so that no denial is lost. Knows nothing of
//! HTTP or of admission reviews.

pub mod line;
pub mod log;
pub mod record;
mod stream;
