//! Several objects in a file.

use super::case::{Case, case, check, files};
use super::{ALICE, BOB, companions, role_binding};

#[test]
fn lists_and_documents() {
    check("lists", &cases());
}

const ITEM: &str = "\
- apiVersion: rbac.authorization.k8s.io/v1
  kind: RoleBinding
  metadata: {name: vm, namespace: dev}
  roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
  subjects:
  - kind: User
    name: alice
";

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

pub(super) fn cases() -> Vec<Case> {
    let list = |items: &str| format!("apiVersion: v1\nkind: List\nitems:\n{items}");
    let json = |name: &str| {
        format!(
            "{{\"apiVersion\": \"rbac.authorization.k8s.io/v1\", \"kind\": \"RoleBinding\",\n \
             \"metadata\": {{\"name\": \"{name}\", \"namespace\": \"dev\"}},\n \"roleRef\": \
             {{\"kind\": \"ClusterRole\", \"name\": \"edit\"}},\n \"subjects\": [{{\"kind\": \
             \"Group\", \"name\": \"devs\"}}]}}\n"
        )
    };
    vec![
        case("a List", list(ITEM)),
        case(
            "a List in a List",
            list(&format!(
                "- apiVersion: v1\n  kind: List\n  items:\n{}{ITEM}",
                indented(ITEM)
            )),
        ),
        case("an empty List", "apiVersion: v1\nkind: List\nitems: []\n"),
        case("a List without items", "apiVersion: v1\nkind: List\n"),
        case(
            "a List whose items are no list",
            "apiVersion: v1\nkind: List\nitems: {a: b}\n",
        ),
        case(
            "a list of the API server, whose items leave out what they are",
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBindingList\nitems:\n\
             - metadata: {name: a, namespace: dev}\n  roleRef: {kind: ClusterRole, name: admin}\n  \
             subjects: [{kind: User, name: alice}]\n",
        ),
        case(
            "documents, empty ones among them",
            format!(
                "---\n---\n# nothing\n---\n{}---\n{}...\n",
                role_binding("view", &[ALICE]),
                role_binding("edit", &[BOB])
            ),
        ),
        case(
            "other kinds are passed over, whatever is in them",
            format!(
                "apiVersion: v1\nkind: ConfigMap\ndata: {{kind: RoleBinding, subjects: all}}\n---\n\
                 apiVersion: example.com/v1\nkind: RoleBinding\nsubjects: 5\n---\n- a\n- b\n---\n{}",
                role_binding("view", &[ALICE])
            ),
        ),
        files("a file of JSON", &[("m.json", json("a"))]),
        files(
            "JSON objects one after the other",
            &[("m.json", json("a") + &json("b"))],
        ),
        files(
            "JSON in one line",
            &[("m.json", json("a").replace('\n', ""))],
        ),
        files(
            "a List in JSON",
            &[(
                "m.json",
                format!(
                    "{{\"kind\": \"List\", \"apiVersion\": \"v1\", \"items\": [\n{}]}}",
                    json("a")
                ),
            )],
        ),
        case("JSON in a file that is called YAML", json("a")),
        case(
            "one document of JSON among YAML",
            format!("{}---\n{}", companions(&[ALICE]), json("a")),
        ),
    ]
}
