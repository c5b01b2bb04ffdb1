//! Certificates that look after themselves, with a real API server that calls by Service.
//!
//! `bindguard serve` and `bindguard controller` run as `ServiceAccounts` with exactly the rights
//! that their help names. The addresses of a Service's endpoints may not be loopback ones, so all
//! of it runs in a network namespace of its own: the one test that is not ignored starts this
//! program there once more, for the others.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

#[path = "../support/mod.rs"]
mod support;

mod authorities;
mod calls;
mod certs;
mod install;
mod lease;
mod objects;
mod repair;
mod trust;
mod world;

use std::os::unix::fs::MetadataExt as _;
use std::time::Duration;

use crate::support::{eventually, fresh_folder, guarded, spawn};

/// How long all of it may take.
const LIMIT: Duration = Duration::from_mins(5);

/// Makes every address from 10.200.0.0 to 10.200.255.255 one of this machine.
const SCRIPT: &str = "ip link set lo up && ip route add local 10.200.0.0/16 dev lo && exec \"$@\"";

#[test]
fn all_of_it_holds_in_a_network_of_its_own() {
    let this = std::env::current_exe().expect("a test has a path");
    let mut command = guarded("unshare");
    let own = std::fs::metadata(fresh_folder("certificates"));
    if own.is_ok_and(|own| own.uid() != 0) {
        // Whoever is not root is so in a user namespace.
        command.args(["--user", "--map-root-user"]);
    }
    command.args(["--net", "--", "sh", "-c", SCRIPT, "sh"]);
    command
        .arg(this)
        .args(["--ignored", "--test-threads=8", "--show-output"]);
    // What was given to this program is not given on, but for the name of a test.
    command.args(std::env::var_os("BINDGUARD_TEST"));
    let mut child = spawn(command).expect("unshare can be started");
    let status = eventually(LIMIT, || {
        child.try_wait().expect("a child can be waited for")
    });
    let status = status.unwrap_or_else(|| {
        let _ = child.kill();
        panic!("it still runs after {LIMIT:?}");
    });
    assert!(status.success(), "{status}");
}
