//! The Helm chart: what it renders over a matrix of values, what it refuses, and what a real API
//! server says of it. What is kept in files beside it is written anew by `UPDATE=1`.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a panic is how a test fails, and stderr is where it speaks"
)]

#[path = "../support/mod.rs"]
mod support;

mod accepted;
mod cert_manager;
mod chart;
mod commands;
mod configurations;
mod defaults;
mod docs;
mod guards;
mod hooks;
mod kept;
mod matrix;
mod names;
mod notes;
mod pack;
mod pack_rules;
mod policies;
mod printed;
mod readme;
mod rights;
mod running;
mod schema;
mod wiring;
mod wrong_values;
