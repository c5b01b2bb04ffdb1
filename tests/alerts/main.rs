//! The alerts and the dashboard: tried with Prometheus' own promtool and parser, against the metrics that the program has, and
//! against real processes.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

#[path = "../support/mod.rs"]
mod support;

mod live;
mod page;
mod promtool;
mod queries;
mod rendered;
mod rules;
mod weaker;
