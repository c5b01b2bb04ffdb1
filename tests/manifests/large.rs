//! Manifests of a size that nobody writes by hand.

use std::fmt::Write as _;

use serde_json::Value;

use super::sandbox::Sandbox;

fn binding(text: &mut String, number: usize, indent: &str) {
    let _ = write!(
        text,
        "apiVersion: rbac.authorization.k8s.io/v1\n\
         {indent}kind: RoleBinding\n\
         {indent}metadata: {{name: b-{number}, namespace: dev, annotations: {{filler: \"{}\"}}}}\n\
         {indent}roleRef: {{kind: ClusterRole, name: system:node}}\n\
         {indent}subjects: [{{kind: User, name: u-{number}}}]\n",
        "x".repeat(20_000)
    );
}

/// What `check` says of a text, which is the only file.
fn checked(text: &str) -> Value {
    let sandbox = Sandbox::new();
    sandbox.write("m.yaml", text);
    let output = sandbox.run(&["check", "-f", "m.yaml", "-o", "json"]);
    assert_eq!(output.status.code(), Some(1), "{}", output.stderr);
    serde_json::from_str(&output.stdout).unwrap()
}

#[test]
fn fifty_megabytes_of_documents_hide_no_finding_at_their_end() {
    let mut text = String::new();
    let mut number = 0;
    while text.len() < 50 << 20 {
        binding(&mut text, number, "");
        text.push_str("---\n");
        number += 1;
    }
    let last = text.lines().count() + 5;
    binding(&mut text, number, "");
    let text = text.replace(
        &format!("name: system:node}}\nsubjects: [{{kind: User, name: u-{number}}}]"),
        &format!("name: view}}\nsubjects: [{{kind: User, name: u-{number}}}]"),
    );
    let report = checked(&text);
    let findings = report["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0]["line"], last);
    assert_eq!(findings[0]["column"], 12);
    assert_eq!(findings[0]["document"], number + 1);
}

#[test]
fn one_list_of_ten_megabytes_is_read_as_well() {
    let mut text = "apiVersion: v1\nkind: List\nitems:\n".to_owned();
    let mut number = 0;
    while text.len() < 10 << 20 {
        text.push_str("- ");
        binding(&mut text, number, "  ");
        number += 1;
    }
    text.push_str(
        "- apiVersion: rbac.authorization.k8s.io/v1\n  kind: RoleBinding\n  \
         metadata: {name: last, namespace: dev}\n  roleRef: {kind: ClusterRole, name: view}\n  \
         subjects:\n  - {kind: User, name: alice}\n",
    );
    let report = checked(&text);
    assert_eq!(report["findings"][0]["line"], text.lines().count());
    assert_eq!(report["findings"][0]["binding"]["name"], "last");
    assert_eq!(report["summary"]["findings"], 1);
}

#[test]
fn a_binding_of_as_many_subjects_as_an_api_server_takes_is_judged_one_by_one() {
    let mut text = "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\n\
                    metadata: {name: many, namespace: dev}\n\
                    roleRef: {kind: ClusterRole, name: view}\nsubjects:\n"
        .to_owned();
    for number in 0..34_000 {
        let _ = writeln!(text, "- {{kind: User, name: user-{number}}}");
    }
    let report = checked(&text);
    let findings = report["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 34_000);
    assert_eq!(findings[33_999]["line"], 6 + 33_999);
    assert_eq!(findings[33_999]["subject"]["name"], "user-33999");
}
