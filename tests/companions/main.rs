//! Orders carried out, from kubectl to companions that are there, by a real controller.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]
#![allow(dead_code, reason = "the world is shared with another suite")]

#[path = "../freshness/proxy.rs"]
mod proxy;
#[path = "../support/mod.rs"]
mod support;
#[path = "../provisioning/world.rs"]
mod world;

mod always;
mod at_once;
mod big;
mod carrying;
mod crew;
mod forged;
mod many;
mod plugin;
mod standing;
