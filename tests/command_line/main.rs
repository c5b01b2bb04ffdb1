//! The commands of the built program, in a clean environment and a folder of their own.
//!
//! What people read is kept in two files beside this one: `bad_configuration.txt` and `help.txt`.
//! `UPDATE=1 cargo test --test command_line` writes them anew; read the difference.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a panic is how a test fails"
)]
#![allow(
    clippy::format_collect,
    clippy::format_push_string,
    reason = "the texts are short, and read better so"
)]

mod bad_configuration;
mod case;
mod commands;
mod environment;
mod help;
mod pems;
mod reference;
mod sandbox;
mod snapshot;
#[path = "../support/mod.rs"]
mod support;
