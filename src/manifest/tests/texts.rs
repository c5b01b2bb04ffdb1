//! Texts.

use std::fmt::Write as _;

use proptest::prelude::{ProptestConfig, any, proptest};

use crate::domain::binding::{BindingKind, RoleKind};
use crate::domain::identity::Identity;
use crate::manifest::{Contents, read};

/// What a text says, one binding or problem a line.
fn lines(text: &str) -> Vec<String> {
    let contents = read(text);
    let bindings = contents.bindings.iter().map(|binding| {
        let subjects: Vec<_> = binding
            .subjects
            .iter()
            .map(|subject| format!("{} {}@{}", subject.kind, subject.name, subject.position))
            .collect();
        format!(
            "{} {}{} -> {} {} [{}] at {} in document {}",
            binding.kind,
            binding
                .namespace
                .as_ref()
                .map_or_else(String::new, |namespace| format!("{namespace}/")),
            binding.name,
            binding.role.kind,
            binding.role.name,
            subjects.join(", "),
            binding.position,
            binding.document,
        )
    });
    let problems = contents
        .problems
        .iter()
        .map(|problem| format!("problem {problem}"));
    bindings.chain(problems).collect()
}

/// A RoleBinding of which these lines are given.
fn binding(fields: &str) -> String {
    format!(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {{name: a, namespace: dev}}\n\
         roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}}\n{fields}"
    )
}

const GOOD: &str = "RoleBinding dev/a -> ClusterRole view [] at 1:1 in document 0";

#[test]
fn a_binding_is_read_with_where_it_and_its_subjects_stand() {
    let text = "\
# a comment
apiVersion: v1
kind: Namespace
metadata: {name: dev}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: everyone
  namespace: ignored
roleRef:
  kind: ClusterRole
  name: spectro-list-namespaces
subjects:
- kind: User
  name: alice
- {kind: ServiceAccount, name: builder, namespace: ci}
";
    assert_eq!(
        lines(text),
        [
            "ClusterRoleBinding everyone -> ClusterRole spectro-list-namespaces [User alice@15:3, ServiceAccount builder@17:3] at 6:1 in document 1"
        ]
    );
    let contents = read(text);
    let binding = contents.bindings[0].as_binding();
    assert_eq!(binding.kind, BindingKind::ClusterRoleBinding);
    assert_eq!(binding.role.kind, RoleKind::ClusterRole);
    let identities: Vec<_> = binding.identities().collect();
    let builder = Identity::ServiceAccount {
        namespace: "ci",
        name: "builder",
    };
    assert_eq!(identities, [Identity::User("alice"), builder]);
}

#[test]
fn lists_of_every_kind_are_opened() {
    let item = "{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: a}, roleRef: {kind: Role, name: r}}";
    let list = |items: &str| format!("{{apiVersion: v1, kind: List, items: [{items}]}}");
    let nested = list(&format!("{item}, {}", list(item)));
    assert_eq!(lines(&nested).len(), 2);
    // The API server leaves kind and apiVersion out of the items of its own lists.
    assert_eq!(
        lines(
            "{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBindingList, items: [{metadata: {name: a, namespace: b, uid: u}, roleRef: {kind: Role, name: r}}]}"
        ),
        ["RoleBinding b/a -> Role r [] at 1:75 in document 0"]
    );
    assert_eq!(
        lines("{apiVersion: v1, kind: List, items: null}"),
        Vec::<String>::new()
    );
    assert_eq!(
        lines("{apiVersion: v1, kind: List, items: {}}"),
        ["problem 1:37: items: a list belongs here, not a mapping"]
    );
}

#[test]
fn no_subjects_is_legal_however_it_is_written() {
    for subjects in ["", "subjects:\n", "subjects: null\n", "subjects: []\n"] {
        assert_eq!(lines(&binding(subjects)), [GOOD], "{subjects}");
    }
}

#[test]
fn what_is_of_another_kind_or_group_is_passed_over() {
    for text in [
        "",
        "just a string",
        "- a list",
        "a: values file",
        "apiVersion: authorization.openshift.io/v1\nkind: RoleBinding\n",
        "apiVersion: example.com/v1\nkind: ClusterRoleBindingList\nitems: 7\n",
        "kind: [a]\n",
    ] {
        assert_eq!(lines(text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn a_binding_of_a_version_that_is_gone_or_missing_is_a_problem() {
    for version in ["", "apiVersion: rbac.authorization.k8s.io/v1beta1\n"] {
        assert_eq!(
            lines(&format!("{version}kind: RoleBinding\n")),
            ["problem 1:1: this RoleBinding needs apiVersion: rbac.authorization.k8s.io/v1"]
        );
    }
}

#[test]
fn a_malformed_binding_is_told_and_hides_no_other() {
    for (malformed, expected) in [
        (
            "metadata: {name: a}\n",
            "3:1: this RoleBinding cannot be read: roleRef: is missing",
        ),
        (
            "metadata: {name: 7}\nroleRef: {}\n",
            "5:18: this RoleBinding cannot be read: metadata.name: a number was read here; write it in quotes: \"7\"",
        ),
        (
            "metadata: {name: on}\n",
            "5:18: this RoleBinding cannot be read: metadata.name: a boolean was read here; write it in quotes: \"on\"",
        ),
        (
            "metadata: {}\n",
            "5:11: this RoleBinding cannot be read: metadata.name: is missing",
        ),
        (
            "metadata: {generateName: a-, labels: [x]}\n",
            "5:38: this RoleBinding cannot be read: metadata.labels: a mapping belongs here, not a list",
        ),
        (
            "metadata: {name: a, annotations: {b: true}}\n",
            "5:38: this RoleBinding cannot be read: metadata.annotations.b: a boolean was read here; write it in quotes: \"true\"",
        ),
        (
            "metadata: {name: a}\nroleRef: {kind: ClusterRole}\n",
            "6:10: this RoleBinding cannot be read: roleRef.name: is missing",
        ),
        (
            "metadata: {name: a}\nroleRef: {kind: Role, name: r}\nsubjects: {kind: User}\n",
            "7:11: this RoleBinding cannot be read: subjects: a list belongs here, not a mapping",
        ),
    ] {
        let text = format!(
            "# first\n---\napiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\n{malformed}---\n{}",
            binding("")
        );
        let lines = lines(&text);
        assert_eq!(lines[1..], [format!("problem {expected}")], "{malformed}");
        assert!(lines[0].starts_with("RoleBinding dev/a -> ClusterRole view"));
    }
}

#[test]
fn a_subject_that_rbac_does_not_know_is_a_problem_and_the_others_stay() {
    let text = binding(
        "subjects:\n- {kind: Robot, name: r}\n- {kind: User}\n- {kind: User, name: a, apiGroup: x}\n- nobody\n- {kind: Group, name: g}\n",
    );
    assert_eq!(
        lines(&text),
        [
            "RoleBinding dev/a -> ClusterRole view [Group g@10:3] at 1:1 in document 0",
            "problem 6:10: subjects[0].kind: \"Robot\" is no kind of subject; there are User, Group and ServiceAccount",
            "problem 7:3: subjects[1].name: is missing",
            "problem 8:35: subjects[2].apiGroup: \"x\" is not the API group of a User",
            "problem 9:3: subjects[3]: a subject belongs here, not a string",
        ]
    );
}

#[test]
fn a_broken_document_and_a_repeated_key_hide_no_binding() {
    let text = format!(
        "{}---\na: [\n---\n{}",
        binding("kind: RoleBinding\n"),
        binding("")
    );
    let lines = lines(&text);
    assert_eq!(lines[0], GOOD);
    assert_eq!(
        lines[2..],
        [
            "problem 5:1: the key \"kind\" is already on line 2",
            "problem 7:4: unclosed bracket '['"
        ]
    );
}

#[test]
fn labels_annotations_and_generated_names_are_kept() {
    let text = "{\"apiVersion\": \"rbac.authorization.k8s.io/v1\", \"kind\": \"RoleBinding\", \"metadata\": {\"generateName\": \"a-\", \"uid\": \"u\", \"labels\": {\"l\": \"1\"}, \"annotations\": {\"n\": \"x\\ny\"}}, \"roleRef\": {\"kind\": \"Role\", \"name\": \"r\"}}";
    let binding = &read(text).bindings[0];
    assert_eq!(
        (binding.name.as_str(), binding.generate_name.as_deref()),
        ("", Some("a-"))
    );
    assert_eq!(
        (binding.uid.as_deref(), &binding.namespace),
        (Some("u"), &None)
    );
    assert_eq!(binding.labels["l"], "1");
    assert_eq!(binding.annotations["n"], "x\ny");
}

#[test]
fn the_names_of_cluster_roles_are_collected() {
    let role =
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: view}\n";
    let Contents { cluster_roles, .. } = read(&format!("{role}---\nkind: ClusterRole\n"));
    assert_eq!(cluster_roles, ["view"]);
}

#[test]
fn an_anchor_for_subjects_serves_several_bindings_of_a_list() {
    let text = "\
apiVersion: v1
kind: List
items:
- apiVersion: rbac.authorization.k8s.io/v1
  kind: RoleBinding
  metadata: {name: a}
  roleRef: {kind: Role, name: r}
  subjects: &team [{kind: User, name: alice}]
- apiVersion: rbac.authorization.k8s.io/v1
  kind: RoleBinding
  metadata: {name: b}
  roleRef: {kind: Role, name: r}
  subjects: *team
";
    assert_eq!(lines(text).len(), 2);
    assert!(lines(text)[1].contains("[User alice@8:20]"));
}

#[test]
fn a_binding_of_very_many_subjects_is_read() {
    let subjects = (0..34_000).fold("subjects:\n".to_owned(), |mut text, number| {
        writeln!(text, "- {{kind: User, name: user-{number}}}").unwrap();
        text
    });
    assert_eq!(read(&binding(&subjects)).bindings[0].subjects.len(), 34_000);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_text_whatever_panics(text in any::<String>()) {
        let _ = read(&text);
    }

    #[test]
    fn no_binding_with_a_hole_in_it_panics(from in 0_usize..250, length in 0_usize..30, filler in "[-\\[\\]{}:,a0\"'\n ]{0,8}") {
        let mut text = binding("subjects: [{kind: User, name: a}]\n");
        let from = from.min(text.len());
        let to = (from + length).min(text.len());
        text.replace_range(from..to, &filler);
        let _ = read(&text);
    }
}
