//! What the controller tells a cluster in objects: reports as OpenReports defines them, and the Event about a broken policy.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

#[path = "../support/mod.rs"]
mod support;

mod definitions;
mod policy;
mod reports;
mod world;
