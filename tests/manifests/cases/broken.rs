//! What cannot be read is an error, and hides no finding elsewhere.

use super::case::{Case, case, check, files};
use super::{ALICE, BOB, role_binding};

#[test]
fn broken_manifests() {
    check("broken", &cases());
}

pub(super) fn cases() -> Vec<Case> {
    let good = || role_binding("edit", &[BOB]);
    let beside = |broken: &str| {
        format!(
            "{}---\n{broken}---\n{}",
            role_binding("view", &[ALICE]),
            good()
        )
    };
    let with = |from: &str, to: &str| beside(&role_binding("admin", &[ALICE]).replace(from, to));
    vec![
        case("no YAML between two good documents", beside("a: [b\n")),
        case("a tab for indentation", beside("a:\n\tb: c\n")),
        case("an anchor that is not there", beside("a: *nothing\n")),
        case(
            "a key twice: the last counts, as for Kubernetes",
            with(
                "kind: ClusterRole, name: admin",
                "kind: ClusterRole, name: admin, name: none",
            ),
        ),
        case(
            "no apiVersion",
            with("apiVersion: rbac.authorization.k8s.io/v1\n", ""),
        ),
        case(
            "an apiVersion that is gone",
            with(
                "rbac.authorization.k8s.io/v1\n",
                "rbac.authorization.k8s.io/v1beta1\n",
            ),
        ),
        case("no kind", with("kind: RoleBinding\n", "")),
        case(
            "no metadata",
            with("metadata: {name: vm, namespace: dev}\n", ""),
        ),
        case("no name", with("name: vm, ", "")),
        case("a name that is a number", with("name: vm", "name: 12")),
        case(
            "a name that YAML 1.1 reads as a boolean",
            with("name: alice", "name: on"),
        ),
        case("no roleRef", with("roleRef", "role")),
        case(
            "a roleRef without a name",
            with("kind: ClusterRole, name: admin", "kind: ClusterRole"),
        ),
        case(
            "subjects that are no list",
            with("subjects:\n- {kind: User, name: alice}", "subjects: alice"),
        ),
        case(
            "a subject that is no mapping hides no other",
            with(
                "- {kind: User, name: alice}",
                "- alice\n- {kind: User, name: carol}",
            ),
        ),
        case(
            "a kind of subject that does not exist",
            with("kind: User, name: alice", "kind: Robot, name: alice"),
        ),
        case(
            "a kind of subject in lower case",
            with("kind: User, name: alice", "kind: user, name: alice"),
        ),
        case(
            "a subject without a name",
            with("kind: User, name: alice", "kind: User"),
        ),
        case(
            "an apiGroup that is another's",
            with(
                "kind: User, name: alice",
                "apiGroup: example.com, kind: User, name: alice",
            ),
        ),
        case(
            "an apiGroup on a ServiceAccount",
            with(
                "kind: User, name: alice",
                "apiGroup: rbac.authorization.k8s.io, kind: ServiceAccount, namespace: a, name: b",
            ),
        ),
        case(
            "bytes that are no text, after a good document",
            [
                role_binding("view", &[ALICE]).as_bytes(),
                b"---\na: \xff\xfe\n---\n",
                good().as_bytes(),
            ]
            .concat(),
        ),
        case("a NUL", beside("a: \"\0\"\n")),
        case(
            "a template of Helm's",
            beside("{{- if .Values.rbac }}\na: b\n{{- end }}\n"),
        ),
        case("an object that ends too early", beside("{\"a\": [1, 2\n")),
        case("aliases that multiply", beside(&bomb())),
        files(
            "two files of three are broken",
            &[
                ("a.yaml", "a: [\n".to_owned()),
                ("b.yaml", good()),
                ("c.json", "{".to_owned()),
            ],
        ),
        case("nothing but white space", " \n\n  \n"),
        case("an empty file", ""),
    ]
}

/// Nine levels of nine aliases each: 387 million items.
fn bomb() -> String {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..9 {
        let aliases = vec![format!("*a{}", level - 1); 9].join(", ");
        text.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
    }
    text
}
