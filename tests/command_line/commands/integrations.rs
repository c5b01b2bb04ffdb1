//! What other tools are told of the program: each file does what it says.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::sandbox::Sandbox;

const BINDING: &str = "\
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: vm, namespace: dev}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: spectro-vm-user}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: alice}]
";
const EXEMPTS_DEV: &str = "\
apiVersion: bindguard.dev/v1alpha1
kind: BindingPolicy
spec: {exempt: {namespaces: [dev]}}
";

fn root(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// Runs a script as these tools do, with the program on the path.
fn bash(sandbox: &Sandbox, script: &str, environment: &[(&str, &str)]) -> Output {
    let program = Path::new(env!("CARGO_BIN_EXE_bindguard"));
    let folder = program.parent().unwrap().display();
    let path = format!("{folder}:{}", std::env::var("PATH").unwrap());
    Command::new("bash")
        .args(["-eo", "pipefail", "-c", script])
        .current_dir(sandbox.path(""))
        .env("PATH", path)
        .envs(environment.iter().copied())
        .output()
        .unwrap()
}

#[test]
fn the_hook_of_pre_commit_finds_what_is_missing() {
    let hooks: Value = serde_saphyr::from_str(&root(".pre-commit-hooks.yaml")).unwrap();
    let hook = &hooks[0];
    assert_eq!(hook["pass_filenames"], false);
    let mut words = vec![hook["entry"].as_str().unwrap()];
    words.extend(
        hook["args"]
            .as_array()
            .unwrap()
            .iter()
            .map(|word| word.as_str().unwrap()),
    );
    let sandbox = Sandbox::new();
    sandbox.write("m/vm.yaml", BINDING);
    let output = bash(&sandbox, &words.join(" "), &[]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    sandbox.write("m/vm.yaml", BINDING.replace("spectro-vm-user", "other"));
    let output = bash(&sandbox, &words.join(" "), &[]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[test]
fn the_action_annotates_what_is_missing_and_takes_its_inputs() {
    let action: Value = serde_saphyr::from_str(&root("action.yml")).unwrap();
    assert_eq!(action["runs"]["using"], "composite");
    let steps = action["runs"]["steps"].as_array().unwrap();
    let scripts = steps.iter().map(|step| step["run"].as_str().unwrap());
    let script = scripts.collect::<Vec<_>>().join("\n");
    let sandbox = Sandbox::new();
    sandbox.write("one/vm.yaml", BINDING);
    sandbox.write("with spaces/vm.yaml", BINDING);
    sandbox.write("policy.yaml", EXEMPTS_DEV);
    let run = |paths: &str, policy: &str| {
        let output = bash(&sandbox, &script, &[("PATHS", paths), ("POLICY", policy)]);
        let told = String::from_utf8(output.stdout).unwrap();
        (output.status.code(), told.matches("::error ").count())
    };
    assert_eq!(run(".", ""), (Some(1), 2));
    assert_eq!(run("one\nwith spaces\n", ""), (Some(1), 2));
    assert_eq!(run("one", ""), (Some(1), 1));
    assert_eq!(run(".", "policy.yaml"), (Some(0), 0));
}
