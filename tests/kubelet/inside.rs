//! A network of the test's own.

use std::process::Stdio;
use std::sync::OnceLock;

use super::network;
use crate::support::{guarded, spawn};

const MARK: &str = "BINDGUARD_TEST_INSIDE";

/// Makes sure that this process runs in a network namespace and a mount namespace of its own: the
/// first call starts the whole test binary again inside of them, and ends with its exit code.
///
/// So that everything, the API server and the test's own connections included, is in the one
/// network, which is gone with its last process.
pub(crate) fn inside() {
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| {
        if std::env::var_os(MARK).is_some() {
            network::prepare();
            return;
        }
        let myself = std::env::current_exe().expect("a process knows its program");
        let mut command = guarded("unshare");
        command
            .args(["--net", "--mount", "--"])
            .arg(myself)
            .args(std::env::args_os().skip(1))
            .env(MARK, "1")
            .stdin(Stdio::null());
        let mut child = spawn(command).expect("unshare is part of every Linux");
        let status = child.wait().expect("our own child can be waited for");
        // Failed tests end with 101.
        if status.code() == Some(1) {
            eprintln!("these tests need what root may do, for `unshare --net --mount`");
        }
        std::process::exit(status.code().unwrap_or(101));
    });
}
