//! The built program over real TLS, with a folder of manifests for a cluster.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a panic is how a test fails"
)]

mod audit;
mod bad_input;
mod certificates;
mod client;
#[path = "../contract/mod.rs"]
mod contract;
mod decisions;
mod files;
mod fixtures;
mod hostile;
mod lifecycle;
mod removal;
mod review;
#[path = "../support/mod.rs"]
mod support;
mod world;
