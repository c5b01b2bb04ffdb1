//! The harness of the integration tests: a real control plane, users, and a running bindguard.
//!
//! Everything here blocks, so that any style of test can use it, and panics with what it saw, so
//! that a failure in the set-up reads like a failed test. Nothing it starts outlives the test
//! process, however that ends. Set `BINDGUARD_KEEP=1` to keep the folder with data and logs.
#![allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    reason = "each test binary compiles the harness and uses its own part of it"
)]
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::must_use_candidate,
    reason = "a panic is how a test fails, and stderr is where it speaks"
)]

mod accounts;
mod assets;
mod authority;
mod bindguard;
mod command;
mod control_plane;
mod controller;
mod controller_manager;
mod der;
mod etcd;
mod folder;
mod http;
mod kubeconfig;
mod kubectl;
mod ports;
mod process;
mod registration;
mod roles;
mod user;
mod wait;

use std::sync::atomic::{AtomicU32, Ordering};

pub use accounts::Accounts;
pub use assets::folder as assets_folder;
pub use authority::Authority;
pub use bindguard::{Bindguard, Serve, clean_command};
pub use command::{Output, run};
pub use control_plane::{ControlPlane, FROM_PODS};
pub use controller::Controller;
pub use folder::fresh_folder;
pub use http::{get as http_get, get_at as http_get_at, post as http_post};
pub use kubeconfig::by_way_of;
pub use ports::reserve_port;
pub use process::{Process, guarded, send_signal, spawn};
pub use registration::Registration;
pub use user::{ADMIN, User};
pub use wait::eventually;

/// A name that starts with `prefix` and that no other test uses, in this process or another.
pub fn unique(prefix: &str) -> String {
    static COUNTER: AtomicU32 = AtomicU32::new(1);
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    format!("{prefix}-{}-{number}", std::process::id())
}
