//! OpenReports' own definitions, from its Go module, which `tests/open-reports` pins.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::{ADMIN, ControlPlane};

/// The folder with the definitions.
fn folder() -> PathBuf {
    let module = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/open-reports");
    let output = Command::new("go")
        .args([
            "mod",
            "download",
            "-json",
            "github.com/openreports/reports-api",
        ])
        .current_dir(module)
        .env("GOWORK", "off")
        .env("GOFLAGS", "-mod=readonly")
        .stdin(Stdio::null())
        .output()
        .expect("go can be run");
    assert!(output.status.success(), "{output:?}");
    let told: Value = serde_json::from_slice(&output.stdout).expect("go prints JSON");
    Path::new(told["Dir"].as_str().expect("it is a folder")).join("config/crd")
}

/// Installs OpenReports.
pub(crate) fn install(plane: &ControlPlane) {
    for kind in ["reports", "clusterreports"] {
        let file = folder().join(format!("openreports.io_{kind}.yaml"));
        let text = fs::read_to_string(&file).expect("the definition is there");
        plane.apply(ADMIN, &text).expect_success();
        let crd = format!("crd/{kind}.openreports.io");
        let wait = ["wait", "--for=condition=Established", "--timeout=30s", &crd];
        plane.kubectl(ADMIN, &wait).expect_success();
    }
}
