//! Hostile input: reviews that no API server would send, and names that it does.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a panic is how a test fails, and its output is where it speaks"
)]

mod client;
#[path = "../contract/mod.rs"]
mod contract;
mod mutate;
#[path = "../random/mod.rs"]
mod random;
mod reviews;
#[path = "../support/mod.rs"]
mod support;
