//! The history of denials in the cluster: one ConfigMap that every replica merges into.
//!
//! It answers "who was refused, when and why" without a log stack, and is bounded: the whole list
//! of calls is in the audit lines. What is refused is counted here by key, with when it was seen
//! first and last.

mod collect;
mod keep;
mod stored;
mod tally;

pub use collect::Denials;
pub use keep::Keeper;
pub use stored::{DENIALS_KEY, Stored};
pub use tally::{Bounds, Seen, Tally};
