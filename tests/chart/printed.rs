//! What `bindguard manifests` prints for what the chart has rendered.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::chart::{NAMESPACE, Rendering, arguments, documents};
use crate::support::{clean_command, fresh_folder, run};

/// For a release of this name in this namespace, both as most tests have them.
pub(crate) fn printed(rendering: &Rendering) -> Vec<Value> {
    printed_for(rendering, NAMESPACE, "bindguard")
}

/// For names that begin with this one, in this namespace.
pub(crate) fn printed_for(rendering: &Rendering, namespace: &str, name: &str) -> Vec<Value> {
    let folder = fresh_folder("manifests");
    let file = folder.join("policy.yaml");
    fs::write(&file, rendering.policy()).unwrap();
    let mut command = clean_command(Path::new(env!("CARGO_BIN_EXE_bindguard")), &folder);
    command.args([
        "manifests",
        "--service",
        &format!("{namespace}/{name}"),
        "--controller",
        &format!("{namespace}/{name}-controller"),
        "--webhook-configuration",
        name,
        certificates(rendering, name),
        "--policy",
    ]);
    command.arg(&file);
    documents(&run("bindguard manifests".to_owned(), command, "").expect_success())
}

/// Who looks after the certificates, as the controller is told.
pub(crate) fn certificates<'r>(rendering: &'r Rendering, name: &str) -> &'r str {
    let controller = rendering.object("Deployment", &format!("{name}-controller"));
    let told = arguments(controller).into_iter();
    let mut told = told.filter(|argument| argument.starts_with("--certificates="));
    told.next().expect("it is told")
}
