//! `bindguard policy test`.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::sandbox::Sandbox;

const HEAD: &str = "apiVersion: bindguard.dev/v1alpha1\nkind: PolicyTest\n";
const WRONG: &str = "\
cases:
- name: carol passes
  binding: {kind: RoleBinding, namespace: dev, role: view, subjects: [{kind: User, name: carol}]}
  expect: Allow
- name: nobody is refused
  binding: {kind: RoleBinding, namespace: dev, role: view, subjects: []}
  expect: Deny
- name: carol lacks one
  binding: {kind: RoleBinding, namespace: dev, role: view, subjects: [{kind: User, name: carol}]}
  expect: Deny
  missing:
  - {subject: {kind: User, name: carol}, companions: [spectro-list-namespaces]}
- name: carol is refused
  binding: {kind: RoleBinding, namespace: dev, role: view, subjects: [{kind: User, name: carol}]}
  expect: Deny
";
/// The same for people.
const FAILURES: &str = "\
cases.yaml:4:3: carol passes: expected Allow, got Deny (User carol lacks spectro-list-namespaces, spectro-list-vmtemplates)
cases.yaml:7:3: nobody is refused: expected Deny, got Allow (nothing is missing)
cases.yaml:10:3: carol lacks one: expected Deny (User carol lacks spectro-list-namespaces), got Deny (User carol lacks spectro-list-namespaces, spectro-list-vmtemplates)
4 cases: 3 do not hold
";

fn examples() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/policy-tests");
    let entries = fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = paths.filter(|path| path.is_file()).collect();
    files.sort();
    files
}

#[test]
fn the_examples_hold() {
    let sandbox = Sandbox::new();
    let files = examples();
    let files: Vec<&str> = files.iter().map(|path| path.to_str().unwrap()).collect();
    let arguments = [&["policy", "test"], files.as_slice()].concat();
    assert_eq!(
        sandbox.run(&arguments).expect_success(),
        "48 cases: all hold\n"
    );
}

#[test]
fn every_example_fails_when_it_expects_something_else() {
    let sandbox = Sandbox::new();
    for path in examples() {
        let text = fs::read_to_string(&path).unwrap();
        let folder = path.parent().unwrap().join("roll-out");
        let text = text.replace(
            "roll-out/policy.yaml",
            &format!("{}/policy.yaml", folder.display()),
        );
        let wrong = text
            .replace("expect: Deny", "expect: DENY")
            .replace("expect: Allow", "expect: Deny")
            .replace("expect: Warn", "expect: Allow")
            .replace("expect: Audit", "expect: Allow")
            .replace("expect: DENY", "expect: Warn");
        let all = wrong.matches("expect:").count();
        sandbox.write("wrong.yaml", wrong);
        let output = sandbox.run(&["policy", "test", "wrong.yaml"]);
        assert_eq!(output.status.code(), Some(1), "{output}");
        let told = format!("{all} cases: {all} do not hold\n");
        assert!(output.stdout.ends_with(&told), "{output}");
    }
}

#[test]
fn what_does_not_hold_is_told_with_its_place_what_was_expected_and_what_came() {
    let sandbox = Sandbox::new();
    sandbox.write("cases.yaml", format!("{HEAD}{WRONG}"));
    let output = sandbox.run(&["policy", "test", "cases.yaml"]);
    assert_eq!(output.status.code(), Some(1), "{output}");
    assert_eq!(output.stdout, FAILURES);
    assert_eq!(output.stderr, "");
}

#[test]
fn the_same_as_json() {
    let sandbox = Sandbox::new();
    sandbox.write("cases.yaml", format!("{HEAD}{WRONG}"));
    let output = sandbox.run(&["policy", "test", "cases.yaml", "-o", "json"]);
    assert_eq!(output.status.code(), Some(1), "{output}");
    let told: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(told["summary"], json!({"cases": 4, "failures": 3}));
    assert_eq!(
        told["files"][0]["failures"][1],
        json!({
            "case": "nobody is refused",
            "line": 7,
            "column": 3,
            "expected": "Deny",
            "got": "Allow (nothing is missing)",
        })
    );
}

#[test]
fn a_broken_file_hides_no_failure_elsewhere() {
    let sandbox = Sandbox::new();
    sandbox.write("cases.yaml", format!("{HEAD}{WRONG}"));
    let output = sandbox.run(&["policy", "test", "absent.yaml", "cases.yaml"]);
    assert_eq!(output.status.code(), Some(2), "{output}");
    assert_eq!(output.stdout, FAILURES);
    assert!(output.stderr.contains("absent.yaml"), "{output}");
}

#[test]
fn an_escape_in_a_name_reaches_no_terminal() {
    let sandbox = Sandbox::new();
    let cases = WRONG.replace("carol passes", "\"\\e[31m\"");
    sandbox.write("cases.yaml", format!("{HEAD}{cases}"));
    let output = sandbox.run(&["policy", "test", "cases.yaml"]);
    assert_eq!(output.status.code(), Some(1), "{output}");
    assert!(!output.stdout.contains('\u{1b}'), "{output}");
}

#[test]
fn the_schema_of_cases_has_their_fields() {
    let schema = Sandbox::new()
        .run(&["policy", "schema", "--of", "test"])
        .expect_success();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    assert_eq!(schema["title"], "PolicyTest");
    assert_eq!(schema["additionalProperties"], false);
    for field in ["policy", "policyFile", "holdings", "cases"] {
        assert!(schema["properties"].get(field).is_some(), "{field}");
    }
}
