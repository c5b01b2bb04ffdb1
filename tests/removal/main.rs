//! What the built program says to those who take companions away, with a real API server.
//!
//! The tests of `warning` share a control plane and a bindguard with the built-in policy, and keep
//! to names of their own; each of the others has a lab to itself at a time.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

#[path = "../support/mod.rs"]
mod support;

mod faults;
mod lab;
mod refusing;
mod warning;
mod world;
