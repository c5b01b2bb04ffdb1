//! The image that `make image` builds: what is in it, what it says of itself, and that it answers.
//!
//! The first build compiles the program anew with the profile `dist`, which takes minutes.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a panic is how a test fails, and stderr is where it speaks"
)]

mod built;
mod made_of;
mod running;
#[path = "../support/mod.rs"]
mod support;
