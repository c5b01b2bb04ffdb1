//! Nobody is refused for a companion that exists, and everybody is answered in time, whatever the
//! API server and the way to it do.
//!
//! With `BINDGUARD_SOAK=1` (`make soak`) the API server is started again ten times, and everything
//! that is repeated is repeated more often.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a panic is how a test fails, and stderr is where it speaks"
)]

mod api;
mod asking;
#[path = "../server/client.rs"]
#[allow(dead_code, reason = "the server's tests use all of it")]
mod client;
mod drift;
mod helm;
mod outages;
#[allow(dead_code, reason = "another suite uses the rest")]
mod proxy;
mod slow;
mod stage;
mod stdout;
#[path = "../support/mod.rs"]
mod support;
mod together;

/// Whether there is time for what takes long.
fn soaks() -> bool {
    std::env::var_os("BINDGUARD_SOAK").is_some()
}
