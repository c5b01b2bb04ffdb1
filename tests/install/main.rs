//! bindguard as a cluster has it: its chart, installed by Helm into a real control plane, its Pods
//! real processes under the chart's own ServiceAccounts, called through the chart's Service.
//!
//! The tests need a network of their own, for which the test binary starts itself again inside of
//! one; see `tests/kubelet`. `BINDGUARD_SOAK=1` makes them long.
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
#[path = "../support/mod.rs"]
mod support;

mod cert_manager;
mod guards;
mod harness;
mod installing;
mod inventory;
mod load;
mod release;
mod rolling;
mod trouble;
mod without;
mod world;

/// Whether the long forms of tests are asked for.
fn is_soak() -> bool {
    std::env::var_os("BINDGUARD_SOAK").is_some()
}
