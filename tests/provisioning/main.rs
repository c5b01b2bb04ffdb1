//! Who may order companions, held against a real API server.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

#[path = "../support/mod.rs"]
mod support;

mod budget;
mod confinement;
mod guard;
mod in_place;
mod matrix;
mod orders;
mod stage;
mod watchman;
mod world;
