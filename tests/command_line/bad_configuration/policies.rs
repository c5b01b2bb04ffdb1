//! Policy files.

use crate::case::{Case, case};

const HEAD: &str = "apiVersion: bindguard.dev/v1alpha1\nkind: BindingPolicy\n";

/// A whole file.
fn file(title: &'static str, text: impl AsRef<[u8]>) -> Case {
    case(title, "bindguard policy check policy.yaml")
        .file("policy.yaml", text)
        .names("policy.yaml")
}

/// A file of which only the fields under `spec` matter; these begin in line 4.
fn spec(title: &'static str, fields: &str) -> Case {
    let fields: String = fields.lines().map(|line| format!("  {line}\n")).collect();
    file(title, format!("{HEAD}spec:\n{fields}"))
}

pub(crate) fn cases() -> Vec<Case> {
    [
        files(),
        documents(),
        forms(),
        personas(),
        others(),
        elsewhere(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn files() -> Vec<Case> {
    let check = |title, name: &'static str| {
        case(title, format!("bindguard policy check {name}")).names(name)
    };
    vec![
        check("a file that is missing", "missing.yaml"),
        check("a file that is a folder", "folder"),
        check("a file that may not be read", "locked.yaml"),
        check("a file that has no end", "/dev/zero"),
        file(
            "a file that is not UTF-8",
            b"apiVersion: v1\nkind: \xff\xfe\n",
        )
        .unshown()
        .names("policy.yaml:2:7"),
        file("a file of UTF-16", b"\xff\xfea\0p\0i\0").unshown(),
    ]
}

fn documents() -> Vec<Case> {
    vec![
        file("an empty file", ""),
        file("nothing but a comment", "# to be done\n"),
        file("a list", "- a\n"),
        file(
            "an unclosed bracket",
            format!("{HEAD}spec: {{personas: [\n"),
        ),
        file("a tab", format!("{HEAD}spec:\n\taction: Warn\n")),
        file(
            "a key twice",
            format!("{HEAD}spec: {{action: Warn, action: Deny}}\n"),
        )
        .names("policy.yaml:3"),
        file("two documents", format!("{HEAD}---\n{HEAD}")).names("policy.yaml:4"),
        file("neither apiVersion nor kind", "spec: {}\n"),
        file(
            "another version",
            "apiVersion: bindguard.dev/v1\nkind: BindingPolicy\n",
        )
        .names("policy.yaml:1"),
        file(
            "another kind",
            "apiVersion: bindguard.dev/v1alpha1\nkind: bindingpolicy\n",
        )
        .names("policy.yaml:2"),
        file(
            "the ConfigMap around a policy",
            "apiVersion: v1\nkind: ConfigMap\ndata: {policy.yaml: ''}\n",
        ),
        file(
            "JSON with an error",
            r#"{"apiVersion": "bindguard.dev/v1alpha1", "kind": }"#,
        ),
    ]
}

fn forms() -> Vec<Case> {
    vec![
        file(
            "an unknown field at the top",
            "apiVersion: bindguard.dev/v1alpha1\nkind: BindingPolicy\nspecs: {}\n",
        )
        .names("policy.yaml:3:1"),
        file(
            "an unknown field of metadata",
            format!("{HEAD}metadata: {{labels: {{}}}}\n"),
        ),
        spec("an unknown field of spec", "actoin: Warn").names("action"),
        spec(
            "an unknown field of a persona",
            "personas:\n- name: vm\n  clusterRole: [spectro-vm-user]",
        )
        .names("clusterRoles"),
        spec(
            "an unknown field of a companion",
            "companions: [{clusterrole: a}]",
        )
        .names("clusterRole"),
        spec(
            "an unknown field of coverage",
            "coverage: {umbrellagroups: Honour}",
        ),
        spec(
            "an unknown field of provisioning",
            "provisioning: {lifetime: 10m}",
        ),
        spec("an unknown field of exempt", "exempt: {namespace: [dev]}").names("namespaces"),
        spec(
            "an unknown field of a subject",
            "exempt: {subjects: [{kind: User, nam: bob}]}",
        )
        .names("name"),
        spec(
            "on and off for a choice",
            "companionRemoval: off\ndryRun: on",
        )
        .names("policy.yaml:4")
        .names("policy.yaml:5"),
        spec("a word for a boolean", "matchRoles: 'yes'"),
        spec("a choice that does not exist", "action: Block").names("Deny"),
        spec("a choice in lower case", "action: deny").names("Deny"),
        spec("a word for a list", "personas: vm"),
        spec("a list for a mapping", "coverage: [Honour]"),
        spec("a number for a name", "companions: [{clusterRole: 7}]"),
        spec("a word for a number", "provisioning: {maxCompanions: many}"),
        spec(
            "a number that is too large",
            "provisioning: {maxSubjectsPerBinding: 5000}",
        ),
        spec(
            "nothing behind a colon",
            "personas:\nexempt:\n  namespaces:",
        ),
    ]
}

fn personas() -> Vec<Case> {
    let companions: Vec<_> = (1..=17)
        .map(|number| format!("{{clusterRole: c{number}}}"))
        .collect();
    vec![
        spec("no persona", "personas: []"),
        spec("a persona without a name and roles", "personas: [{}]"),
        spec(
            "two personas of one name",
            "personas:\n- {name: vm, clusterRoles: [a]}\n- {name: vm, clusterRoles: [b]}",
        )
        .names("policy.yaml:6")
        .names("line 5"),
        spec(
            "a role in two personas",
            "personas:\n- {name: vm, clusterRoles: [view]}\n- {name: k8s, clusterRoles: [view]}",
        )
        .names("policy.yaml:6")
        .names("line 5"),
        spec(
            "a kind of subject that does not exist",
            "personas: [{name: vm, clusterRoles: [a], subjectKinds: [Users]}]",
        )
        .names("User"),
        spec(
            "a companion of a persona that is not listed",
            "personas: [{name: vm, clusterRoles: [a], companions: [spectro-list-namespace]}]",
        )
        .names("spectro-list-namespaces"),
        spec(
            "a name that no role can have",
            "personas: [{name: vm, clusterRoles: [a/b]}]",
        ),
        spec("no companion", "companions: []"),
        spec(
            "more companions than fit",
            &format!("companions: [{}]", companions.join(", ")),
        )
        .names("16"),
        spec(
            "a companion twice",
            "companions:\n- clusterRole: list-namespaces\n- clusterRole: list-namespaces",
        )
        .names("line 5"),
        spec(
            "a companion that is a persona",
            "companions: [{clusterRole: view}]",
        ),
        spec(
            "a companion that implies itself",
            "companions: [{clusterRole: a, impliedBy: [a]}]",
        ),
    ]
}

fn others() -> Vec<Case> {
    vec![
        file(
            "a name of the policy in upper case",
            format!("{HEAD}metadata: {{name: VMO}}\n"),
        ),
        spec(
            "a duration without a unit",
            "provisioning: {orderLifetime: 600}",
        ),
        spec("a duration in days", "provisioning: {orderLifetime: 1d}"),
        spec(
            "a duration that is too long",
            "provisioning: {orderLifetime: 48h}",
        ),
        spec(
            "a namespace that is none",
            "exempt: {namespaces: [Dev, 'a b']}",
        ),
        spec(
            "subjects that cannot be",
            "exempt:\n  subjects:\n  - {kind: ServiceAccount, name: bot}\n  \
             - {kind: User, namespace: dev, name: bob}\n  - {kind: Group, name: ''}",
        )
        .names("policy.yaml:6")
        .names("policy.yaml:7")
        .names("policy.yaml:8"),
        spec(
            "one subject in two forms",
            "exempt:\n  requesters:\n  - {kind: User, name: 'system:serviceaccount:ci:bot'}\n  \
             - {kind: ServiceAccount, namespace: ci, name: bot}",
        ),
        spec(
            "a ServiceAccount that never orders anyway",
            "provisioning: {notOrdering: [{kind: ServiceAccount, name: bot}]}",
        ),
        file(
            "several errors at once",
            "\
apiVersion: bindguard.dev/v1alpha1
kind: BindingPolicy
metadata: {name: my policy}
spec:
  actoin: Warn
  dryRun: Enforced
  personas:
  - name: vm
    clusterRoles: [spectro-vm-admin, spectro-vm-admin]
    subjectKinds: [user]
    companions: [spectro-list-vmtemplate]
  provisioning:
    orderLifetime: soon
  exempt:
    subjects: [{kind: ServiceAccount, name: bot}]
",
        )
        .names("policy.yaml:3")
        .names("policy.yaml:15"),
    ]
}

/// Every command that takes a policy says the same.
fn elsewhere() -> Vec<Case> {
    let broken = format!("{HEAD}spec: {{action: Refuse}}\n");
    [
        (
            "a broken policy to show",
            "policy show --policy policy.yaml",
        ),
        (
            "a broken policy to serve by",
            "serve --manifests folder --policy policy.yaml",
        ),
        (
            "a broken policy to print manifests for",
            "manifests --service bindguard/webhook --policy policy.yaml",
        ),
    ]
    .map(|(title, arguments)| {
        case(title, format!("bindguard {arguments}"))
            .file("policy.yaml", &broken)
            .unshown()
            .names("policy.yaml:3")
    })
    .into()
}
