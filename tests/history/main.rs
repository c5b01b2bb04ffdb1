//! Who was refused, as the cluster knows it afterwards: every call that clients saw refused has its
//! audit line, its record in the API server's own audit log, and its place in the history, although
//! replicas come and go and die; and nothing that Kubernetes says no to changes an answer.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::format_push_string,
    reason = "a panic is how a test fails, and stderr is where it speaks"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "what these tests say is seen by the wall clock"
)]

#[path = "../kubelet/mod.rs"]
mod kubelet;
#[path = "../install/release.rs"]
#[allow(dead_code, reason = "each test binary uses its own part of it")]
mod release;
#[path = "../support/mod.rs"]
mod support;
#[path = "../install/world.rs"]
#[allow(dead_code, reason = "each test binary uses its own part of it")]
mod world;

mod calls;
mod denials;
mod refused;
mod thousand;
