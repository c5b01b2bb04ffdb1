//! What is wrong in a cluster, found by a controller all the time: in its metrics, on its page, and
//! by `bindguard scan`.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

#[path = "../support/mod.rs"]
mod support;

mod page;
mod standing;
mod world;
