//! The HTML page, as the built program writes it, in a real browser.
//!
//! Whatever a test does with the page, nothing may be logged as an error and nothing fetched.
//! `PAGE_PICTURES=DIR cargo test --test page` keeps pictures of what it looked like.
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
    reason = "the texts are short, and read better so"
)]

mod browser;
mod denials;
mod look;
mod manifests;
#[path = "../command_line/sandbox.rs"]
#[allow(dead_code, reason = "it is shared with another suite")]
mod sandbox;
#[path = "../support/mod.rs"]
mod support;
mod usage;
