//! `kubectl bindguard`, by the real kubectl.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::stage::{platform, stage};
use crate::support::{Output, fresh_folder};

/// A folder with the program under the name that kubectl looks for, and the script that completes.
fn folder() -> PathBuf {
    let folder = fresh_folder("plugin");
    symlink(
        env!("CARGO_BIN_EXE_bindguard"),
        folder.join("kubectl-bindguard"),
    )
    .expect("a link can be made in our own folder");
    let name = "kubectl_complete-bindguard";
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/kubectl-plugin");
    fs::copy(script.join(name), folder.join(name)).expect("the script can be copied");
    folder
}

fn run(text: &str) -> Output {
    let preamble = format!("export PATH='{}':$PATH; ", folder().display());
    stage().plane.bash(platform(), &format!("{preamble}{text}"))
}

#[test]
fn kubectl_runs_the_plugin_which_calls_itself_as_people_do() {
    let help = run("kubectl bindguard fix --help").expect_success();
    assert!(help.contains("Usage: kubectl bindguard fix "), "{help}");
    let call = "  kubectl bindguard fix -f manifests/ >";
    assert!(help.contains(call), "{help}");
    let piped = "| kubectl bindguard fix -f - --with-input | kubectl apply";
    assert!(help.contains(piped), "{help}");

    let told = run("kubectl bindguard scan --outptu json").expect_failure();
    let usage = "Usage: kubectl bindguard scan ";
    assert!(told.contains(usage), "{told}");

    let version = run("kubectl bindguard version").expect_success();
    assert!(version.contains(env!("CARGO_PKG_VERSION")), "{version}");
}

#[test]
fn the_plugin_reads_the_cluster_of_kubectl_under_the_rights_of_whoever_calls() {
    let denied = run(
        "kubectl bindguard check --cluster -f /dev/null --as nobody-in-particular 2>&1 || true",
    );
    let denied = denied.expect_success();
    assert!(denied.contains("nobody-in-particular"), "{denied}");
}

#[test]
fn kubectl_completes_commands_flags_and_values_of_the_plugin() {
    for (words, expected) in [
        ("pol", "policy\n:4\n"),
        ("policy sch", "schema\n:4\n"),
        ("expl", "explain\n:4\n"),
        ("explain --serv", "--serviceaccount\n:4\n"),
        ("serve --lin", "--linger\n:4\n"),
        ("fix --style per-s", "per-subject\n:4\n"),
        ("no-such-command", ":4\n"),
    ] {
        let output = run(&format!("kubectl __complete bindguard {words} 2>/dev/null"));
        assert_eq!(output.expect_success(), expected, "{words}");
    }
}
