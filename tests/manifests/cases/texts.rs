//! The same object in every way to write it down.

use super::case::{Case, case, check};
use super::{ALICE, BOB, role_binding};

#[test]
fn texts_of_every_form() {
    check("texts", &cases());
}

const ANCHORED: &str = "\
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: &meta {name: vm, namespace: dev}
roleRef: &role {kind: ClusterRole, name: view}
subjects: &people
- &alice {kind: User, name: alice}
---
apiVersion: v1
kind: List
items:
- apiVersion: rbac.authorization.k8s.io/v1
  kind: RoleBinding
  metadata: {name: a, namespace: dev}
  roleRef: &edit {kind: ClusterRole, name: edit}
  subjects: &others
  - &bob {kind: User, name: bob}
  - *bob
- apiVersion: rbac.authorization.k8s.io/v1
  kind: RoleBinding
  metadata: {name: b, namespace: dev}
  roleRef: *edit
  subjects: *others
";

const MERGED: &str = "\
apiVersion: v1
kind: List
items:
- &first
  apiVersion: rbac.authorization.k8s.io/v1
  kind: RoleBinding
  metadata: {name: a, namespace: dev}
  roleRef: {kind: ClusterRole, name: view}
  subjects: [{kind: User, name: alice}]
- <<: *first
  metadata: {name: b, namespace: dev}
- <<: [*first]
  metadata: {name: c, namespace: dev}
  subjects: [{kind: Group, name: devs}]
";

pub(super) fn cases() -> Vec<Case> {
    let plain = || role_binding("view", &[ALICE, BOB]);
    let windows = || plain().replace('\n', "\r\n");
    vec![
        case("Windows line ends", windows()),
        case("Windows line ends between documents", format!("{0}---\r\n{0}", windows())),
        case("a byte order mark", format!("\u{feff}{}", plain())),
        case("a byte order mark and Windows line ends", format!("\u{feff}{}", windows())),
        case("old Macintosh line ends", plain().replace('\n', "\r")),
        case("no line end at the end", plain().trim_end()),
        case("comments everywhere", plain().replace('\n', " # a comment\n").replace("subjects: #", "subjects:\n# another\n#")),
        case("anchors and aliases", ANCHORED),
        case("merge keys", MERGED),
        case("a directive", format!("%YAML 1.2\n---\n{}", plain())),
        case("tags", plain().replace("name: alice", "name: !!str alice")),
        case("block scalars", plain().replace("- {kind: User, name: alice}", "- kind: User\n  name: >-\n    alice\n    smith\n- kind: User\n  name: |\n    carol\n")),
        case("quotes", plain().replace("name: alice", "name: 'al''ice'").replace("name: bob", "\"name\": \"b\\u006fb\"")),
        case("positions count characters and not bytes", plain().replace("- {kind: User, name: alice}", "- {name: äöü漢🚀, kind: User}").replace("subjects:", "x: [ä, 漢] #\nsubjects:")),
        case("subjects in one line with wide characters before", role_binding("view", &[]).replace("subjects:\n", "subjects: [{name: 漢字, kind: User}, {name: b, kind: User}]\n")),
        case("deep indentation", plain().replace("\n- ", "\n            - ")),
        case("the keys in another order", "subjects: [{name: alice, kind: User}]\nroleRef: {name: view, kind: ClusterRole}\nmetadata: {namespace: dev, name: vm}\nkind: RoleBinding\napiVersion: rbac.authorization.k8s.io/v1\n"),
        case("a tab after a value", plain().replace("kind: RoleBinding", "kind: RoleBinding\t")),
        case("a tab between key and value", plain().replace("kind: RoleBinding", "kind:\tRoleBinding")),
    ]
}
