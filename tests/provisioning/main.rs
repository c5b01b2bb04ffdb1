//! Who may order companions, held against a real API server.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

#[path = "../random/mod.rs"]
mod random;
#[path = "../support/mod.rs"]
mod support;

mod budget;
mod confinement;
mod garbage;
mod guard;
mod in_place;
mod matrix;
mod moody;
mod orders;
mod rights;
mod stage;
mod watchman;
mod world;
