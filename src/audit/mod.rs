//! What is kept of calls that were decided Deny, Warn or Audit.
//!
//! A record is written before its call is answered, so that no denial is lost. Denials go, in
//! batches and behind the answers, into the history in the cluster and into Events as well. Knows
//! nothing of admission reviews.

pub mod denial;
pub mod events;
pub mod history;
pub mod line;
pub mod log;
pub mod read;
pub mod record;
mod stream;
