//! What the process says about itself: its log on standard error, and its metrics.
//!
//! Knows nothing of bindings, requests or clusters: callers hand in words and numbers.

pub mod call;
pub mod causes;
pub mod clock;
pub mod labels;
pub mod logging;
pub mod metrics;

mod register;
