//! `bindguard check` and `bindguard fix` on manifests of every form.
//!
//! Each case is files and what the built program says of them. Cases stand in `cases`, what is said
//! in the text of the same name beside them; `UPDATE=1 cargo test --test manifests` writes the
//! texts anew; read the difference.
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
    clippy::too_many_lines,
    reason = "the texts are short, and read better so"
)]

mod case;
mod cases;
mod command;
mod explain;
mod fix;
mod formats;
mod generated;
mod krm;
mod large;
mod laws;
mod page;
#[path = "../random/mod.rs"]
mod random;
#[path = "../command_line/sandbox.rs"]
#[allow(dead_code, reason = "it is shared with another suite")]
mod sandbox;
mod sarif;
#[path = "../support/mod.rs"]
mod support;
