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
mod denials;
#[expect(unreachable_pub, reason = "a library, when the fuzzer builds it")]
#[path = "../../fuzz/src/lib.rs"]
mod fuzz;
mod inputs;
mod mutate;
mod names;
#[path = "../random/mod.rs"]
mod random;
mod reviews;
mod shell;
#[path = "../support/mod.rs"]
mod support;
