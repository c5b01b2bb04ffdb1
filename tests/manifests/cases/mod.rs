//! The cases, by what they are about.

mod broken;
mod files;
mod lists;
mod rule;
mod subjects;
mod texts;

use super::case;

/// How many cases there are in all; the lists of cases are compared with it.
const ALL: usize = 80;

#[test]
fn there_are_as_many_cases_as_promised() {
    let count = [
        rule::cases().len(),
        subjects::cases().len(),
        lists::cases().len(),
        texts::cases().len(),
        broken::cases().len(),
        files::cases().len(),
    ];
    assert!(count.iter().sum::<usize>() >= ALL, "{count:?}");
}

/// A RoleBinding `dev/vm` of this role to these subjects, each a flow mapping.
fn role_binding(role: &str, subjects: &[&str]) -> String {
    binding("RoleBinding", "{name: vm, namespace: dev}", role, subjects)
}

/// A ClusterRoleBinding of the role's name.
fn cluster_role_binding(role: &str, subjects: &[&str]) -> String {
    binding(
        "ClusterRoleBinding",
        &format!("{{name: all-{role}}}"),
        role,
        subjects,
    )
}

fn binding(kind: &str, metadata: &str, role: &str, subjects: &[&str]) -> String {
    let subjects: String = subjects
        .iter()
        .map(|subject| format!("- {subject}\n"))
        .collect();
    format!(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}\nmetadata: {metadata}\n\
         roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {role}}}\n\
         subjects:\n{subjects}"
    )
}

/// Both companions for these subjects.
fn companions(subjects: &[&str]) -> String {
    [NAMESPACES, TEMPLATES]
        .map(|role| cluster_role_binding(role, subjects))
        .join("---\n")
}

const NAMESPACES: &str = "spectro-list-namespaces";
const TEMPLATES: &str = "spectro-list-vmtemplates";
const ALICE: &str = "{kind: User, name: alice}";
const BOB: &str = "{kind: User, name: bob}";
const DEVS: &str = "{kind: Group, name: devs}";
const BUILDER: &str = "{kind: ServiceAccount, name: builder, namespace: ci}";
