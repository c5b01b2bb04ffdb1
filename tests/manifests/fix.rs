//! `bindguard fix` on manifests, as it is called.

use super::command::piped;
use super::sandbox::Sandbox;

const TEAM: &str = "\
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: vm, namespace: dev}
roleRef: {kind: ClusterRole, name: spectro-vm-user}
subjects:
- {kind: User, name: alice}
- {kind: ServiceAccount, name: bot}
";

const NAMESPACES_OF_ALICE: &str = "\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: alice}
roleRef: {kind: ClusterRole, name: spectro-list-namespaces}
subjects:
- {kind: User, name: alice}
";

fn fixed(input: &str, arguments: &[&str]) -> String {
    let arguments = [&["fix", "-f", "-"], arguments].concat();
    piped(&Sandbox::new(), &arguments, input).expect_success()
}

#[test]
fn the_missing_companions_are_printed_and_no_other() {
    let expected = "\
# needed for RoleBinding dev/vm
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: spectro-list-namespaces-7bb8ca9a
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: spectro-list-namespaces
subjects:
- kind: ServiceAccount
  namespace: dev
  name: bot
---
# needed for RoleBinding dev/vm
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: spectro-list-vmtemplates-a1d7cb32
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: spectro-list-vmtemplates
subjects:
- apiGroup: rbac.authorization.k8s.io
  kind: User
  name: alice
- kind: ServiceAccount
  namespace: dev
  name: bot
";
    let input = format!("{NAMESPACES_OF_ALICE}---\n{TEAM}");
    assert_eq!(fixed(&input, &[]), expected);
    // Companions may stand anywhere.
    assert_eq!(
        fixed(&format!("{TEAM}---\n{NAMESPACES_OF_ALICE}"), &[]),
        expected
    );
}

#[test]
fn each_subject_can_have_bindings_of_its_own() {
    let text = fixed(TEAM, &["--style", "per-subject"]);
    assert_eq!(
        text.matches("kind: ClusterRoleBinding\n").count(),
        4,
        "{text}"
    );
    assert_eq!(text.matches("  name: alice\n").count(), 2, "{text}");
}

#[test]
fn nothing_is_printed_when_nothing_is_missing() {
    let complete = format!("{}---\n{TEAM}", fixed(TEAM, &[]));
    assert_eq!(fixed(&complete, &[]), "");
    assert_eq!(fixed(&complete, &["--with-input"]), complete);
}

#[test]
fn with_the_input_companions_come_before_it_even_those_that_it_has_further_down() {
    let input = format!("{TEAM}---\n{NAMESPACES_OF_ALICE}");
    let stream = fixed(&input, &["--with-input"]);
    let head = stream.strip_suffix(&input).expect("the input is untouched");
    let head = head
        .strip_suffix("---\n")
        .expect("it is a document of its own");
    assert_eq!(head.matches("  name: alice\n").count(), 2, "{stream}");
    assert_eq!(fixed(&stream, &["--with-input"]), stream);
}

#[test]
fn several_files_are_one_stream() {
    let sandbox = Sandbox::new();
    sandbox.write("m/a.yaml", TEAM.trim_end());
    sandbox.write("m/b.yaml", NAMESPACES_OF_ALICE);
    let stream = sandbox
        .run(&["fix", "-f", "m", "--with-input"])
        .expect_success();
    let tail = format!("---\n{TEAM}---\n{NAMESPACES_OF_ALICE}");
    assert!(stream.ends_with(&tail), "{stream}");
    let checked = piped(&sandbox, &["check", "-f", "-"], &stream);
    assert!(checked.succeeded(), "{checked}");
}

#[test]
fn a_stream_of_json_stays_one() {
    let sandbox = Sandbox::new();
    let object = r#"{"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
        "metadata": {"name": "all"}, "roleRef": {"kind": "ClusterRole", "name": "view"},
        "subjects": [{"kind": "Group", "name": "devs"}]}"#;
    sandbox.write("m.json", format!("{object}\n{object}\n"));
    let stream = sandbox
        .run(&["fix", "-f", "m.json", "--with-input"])
        .expect_success();
    let values = serde_json::Deserializer::from_str(&stream).into_iter::<serde_json::Value>();
    assert_eq!(values.map(Result::unwrap).count(), 4, "{stream}");

    sandbox.write("n.yaml", TEAM);
    let mixed = ["fix", "-f", "m.json", "-f", "n.yaml", "--with-input"];
    let stderr = sandbox.run(&mixed).expect_failure();
    assert!(
        stderr.contains("\"m.json\" holds several JSON objects"),
        "{stderr}"
    );
}

#[test]
fn a_name_that_is_taken_is_not_given_again() {
    let taken = NAMESPACES_OF_ALICE.replace(
        "name: alice}\nroleRef",
        "name: spectro-list-vmtemplates-a1d7cb32}\nroleRef",
    );
    let text = fixed(&format!("{taken}---\n{TEAM}"), &[]);
    assert!(
        text.contains("name: spectro-list-vmtemplates-a1d7cb32-2\n"),
        "{text}"
    );
}

#[test]
fn what_cannot_be_read_is_an_error_and_with_the_input_nothing_is_printed() {
    let sandbox = Sandbox::new();
    let broken = format!("{TEAM}---\na: [\n");
    let output = piped(&sandbox, &["fix", "-f", "-"], &broken);
    assert_eq!(output.status.code(), Some(2), "{output}");
    assert_eq!(output.stderr, "error: -:9:4: unclosed bracket '['\n");
    assert!(output.stdout.contains("  name: alice\n"), "{output}");
    let output = piped(&sandbox, &["fix", "-f", "-", "--with-input"], &broken);
    assert_eq!(output.status.code(), Some(2), "{output}");
    assert_eq!(output.stdout, "");
}

#[test]
fn a_binding_of_very_many_subjects_is_mended_by_several() {
    let many: String = (0..2500)
        .map(|number| format!("- {{kind: User, name: u{number}}}\n"))
        .collect();
    let input = TEAM.replace("- {kind: User, name: alice}\n", &many);
    let text = fixed(&input, &[]);
    assert_eq!(
        text.matches("kind: ClusterRoleBinding\n").count(),
        6,
        "{}",
        text.len()
    );
    let both = format!("{text}---\n{input}");
    assert_eq!(fixed(&both, &[]), "");
}
