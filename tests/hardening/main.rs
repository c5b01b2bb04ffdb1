//! The built program among clients that are slow, broken or hostile, and short of what it needs.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a panic is how a test fails, and stderr is where it speaks"
)]

mod attack;
mod client_ca;
mod crowd;
mod descriptors;
mod ending;
mod endpoint;
mod hostile;
mod lab;
mod steady;
#[path = "../support/mod.rs"]
mod support;
