//! Where the binaries of the control plane are.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The Go module that pins the control plane.
pub fn module() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/control-plane")
}

/// The folder with etcd, kube-apiserver, kube-controller-manager, kubectl and helm, which are built
/// first if need be; that takes minutes, and says so on stderr.
pub fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let script = module().join("build.sh");
        let output = Command::new(&script)
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output();
        let output =
            output.unwrap_or_else(|error| panic!("cannot run {}: {error}", script.display()));
        assert!(
            output.status.success(),
            "{} failed; it said why on stderr",
            script.display()
        );
        let line = String::from_utf8(output.stdout).expect("the folder's name is UTF-8");
        PathBuf::from(line.trim_end_matches('\n'))
    })
}
