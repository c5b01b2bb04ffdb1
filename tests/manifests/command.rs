//! How `bindguard check` is called, and how it ends.

use std::fs;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use super::sandbox::Sandbox;
use super::support::{Output, clean_command, run};

pub(crate) const BINDING: &str = "\
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: vm, namespace: dev}
roleRef: {kind: ClusterRole, name: spectro-vm-user}
subjects:
- {kind: User, name: alice}
";

/// Runs bindguard with this on its standard input.
pub(crate) fn piped(sandbox: &Sandbox, arguments: &[&str], input: &str) -> Output {
    let mut command = clean_command(env!("CARGO_BIN_EXE_bindguard").as_ref(), &sandbox.path(""));
    command.args(arguments);
    run(format!("bindguard {}", arguments.join(" ")), command, input)
}

#[test]
fn standard_input_is_a_file_called_dash() {
    let sandbox = Sandbox::new();
    let output = piped(&sandbox, &["check", "-f", "-"], BINDING);
    assert_eq!(output.status.code(), Some(1), "{output}");
    assert!(output.stdout.contains("  -:6:3\n"), "{output}");
    let twice = piped(&sandbox, &["check", "-f", "-", "-f", "-"], BINDING);
    assert_eq!(twice.status.code(), Some(2), "{twice}");
    assert!(
        twice
            .stderr
            .contains("standard input can be read only once"),
        "{twice}"
    );
}

#[test]
fn several_places_are_judged_together_and_no_file_twice() {
    let sandbox = Sandbox::new();
    sandbox.write("m/a.yaml", BINDING);
    let companions = ["spectro-list-namespaces", "spectro-list-vmtemplates"].map(|role| {
        BINDING
            .replace("RoleBinding", "ClusterRoleBinding")
            .replace("name: vm, namespace: dev", &format!("name: {role}"))
            .replace("spectro-vm-user", role)
    });
    sandbox.write("c.yaml", companions.join("---\n"));
    let together = ["check", "-f", "m", "-f", "c.yaml", "-f", "m/a.yaml"];
    let told = sandbox.run(&together).expect_success();
    assert_eq!(
        told,
        "no findings: 1 subject of 1 persona binding in 2 files\n"
    );
    let both = piped(
        &sandbox,
        &["check", "-f", "m", "-f", "-"],
        &companions.join("---\n"),
    );
    assert!(both.succeeded(), "{both}");
}

#[test]
fn a_file_that_is_named_is_read_whatever_its_name() {
    let sandbox = Sandbox::new();
    sandbox.write(".hidden", BINDING);
    let output = sandbox.run(&["check", "-f", ".hidden"]);
    assert_eq!(output.status.code(), Some(1), "{output}");
}

#[test]
fn what_cannot_be_read_is_an_error_and_hides_no_finding() {
    let sandbox = Sandbox::new();
    sandbox.write("m/a.yaml", BINDING);
    sandbox.write("m/locked.yaml", BINDING);
    sandbox.set_mode("m/locked.yaml", 0o000);
    sandbox.make_folder("m/closed");
    sandbox.set_mode("m/closed", 0o000);
    let output = sandbox.run(&["check", "-f", "missing.yaml", "-f", "m"]);
    assert_eq!(output.status.code(), Some(2), "{output}");
    assert_eq!(
        output.stderr,
        "error: missing.yaml: No such file or directory (os error 2)\n\
         error: m/closed: Permission denied (os error 13)\n\
         error: m/locked.yaml: Permission denied (os error 13)\n"
    );
    assert!(output.stdout.contains("m/a.yaml:6:3"), "{output}");
    sandbox.set_mode("m/closed", 0o755);
}

#[test]
fn a_reader_that_stops_early_is_no_error() {
    let sandbox = Sandbox::new();
    let many: String = (0..20_000)
        .map(|number| format!("- {{kind: User, name: u{number}}}\n"))
        .collect();
    sandbox.write(
        "m.yaml",
        BINDING.replace("- {kind: User, name: alice}\n", &many),
    );
    let script = "set -o pipefail; \"$0\" check -f m.yaml | head -n 2; exit ${PIPESTATUS[0]}";
    let mut command = clean_command("bash".as_ref(), &sandbox.path(""));
    command.args(["-c", script, env!("CARGO_BIN_EXE_bindguard")]);
    let output = run("bindguard check | head".to_owned(), command, "");
    assert_eq!(output.status.code(), Some(1), "{output}");
    assert_eq!(output.stderr, "");
}

/// Runs bindguard on a terminal, with an input that takes a while to come.
fn on_a_terminal(sandbox: &Sandbox, wait: Duration) -> String {
    let binary = env!("CARGO_BIN_EXE_bindguard");
    let fifo = sandbox.path("input");
    let mut make = clean_command("mkfifo".as_ref(), &sandbox.path(""));
    assert!(make.arg(&fifo).status().unwrap().success());
    let mut command = clean_command("script".as_ref(), &sandbox.path(""));
    // `script` gives the command a terminal, on which all that it writes arrives.
    let line = format!("'{binary}' check -f - < '{}'", fifo.display());
    command.args(["--quiet", "--return", "--command", &line, "/dev/null"]);
    command.env("TERM", "xterm").stdin(Stdio::null());
    let writer = thread::spawn(move || {
        let mut input = fs::OpenOptions::new().write(true).open(fifo).unwrap();
        thread::sleep(wait);
        std::io::Write::write_all(&mut input, BINDING.as_bytes()).unwrap();
    });
    let output = run("bindguard check on a terminal".to_owned(), command, "");
    writer.join().unwrap();
    assert!(output.stdout.contains("User alice"), "{output}");
    output.stdout
}

#[test]
fn a_bar_is_shown_on_a_terminal_after_a_second_and_not_before() {
    let sandbox = Sandbox::new();
    let slow = on_a_terminal(&sandbox, Duration::from_secs(2));
    assert!(slow.contains("reading manifests"), "{slow:?}");
    fs::remove_file(sandbox.path("input")).unwrap();
    let quick = on_a_terminal(&sandbox, Duration::ZERO);
    assert!(!quick.contains("reading manifests"), "{quick:?}");
}

#[test]
fn no_bar_is_shown_in_a_pipe() {
    let sandbox = Sandbox::new();
    sandbox.write("m.yaml", BINDING);
    let script = "(sleep 2; cat m.yaml) | \"$0\" check -f -";
    let mut command = clean_command("bash".as_ref(), &sandbox.path(""));
    command.args(["-c", script, env!("CARGO_BIN_EXE_bindguard")]);
    let output = run("bindguard check in a pipe".to_owned(), command, "");
    assert_eq!(output.status.code(), Some(1), "{output}");
    assert_eq!(output.stderr, "");
}
