//! Files of `bindguard policy test`.

use crate::case::{Case, case};

const HEAD: &str = "apiVersion: bindguard.dev/v1alpha1\nkind: PolicyTest\n";

fn file(title: &'static str, text: impl AsRef<[u8]>) -> Case {
    case(title, "bindguard policy test cases.yaml")
        .file("cases.yaml", text)
        .names("cases.yaml")
}

fn one(title: &'static str, case: &str) -> Case {
    file(title, format!("{HEAD}cases:\n- name: one\n{case}"))
}

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case("no file of cases", "bindguard policy test").names("<FILE>"),
        case("cases that are missing", "bindguard policy test missing.yaml").names("missing.yaml"),
        file("cases that are no text", b"kind: \xff\n"),
        file("nothing in a file of cases", "# later\n"),
        file("cases without a head", "cases: []\n"),
        file(
            "a policy in place of cases",
            "apiVersion: bindguard.dev/v1alpha1\nkind: BindingPolicy\n",
        )
        .names("cases.yaml:2:7"),
        one(
            "misspelled fields of a case",
            "  bindings: {}\n  expects: Deny\n",
        )
        .names("cases.yaml:5:3"),
        one(
            "a decision that there is not",
            "  binding: {kind: RoleBinding, namespace: a, role: view, subjects: []}\n  \
             expect: Refuse\n",
        )
        .names("cases.yaml:6:11"),
        one("a case without a binding", "  expect: Deny\n"),
        one(
            "a companion that the policy does not have",
            "  binding: {kind: RoleBinding, namespace: a, role: view, subjects: []}\n  \
             expect: Deny\n  missing:\n  - subject: {kind: User, name: a}\n    \
             companions: [spectro-list-namespace]\n",
        )
        .names("cases.yaml:9:18"),
        one(
            "a manifest that is no binding",
            "  expect: Deny\n  manifest: {apiVersion: v1, kind: Pod}\n",
        )
        .names("cases.yaml:6:13"),
        one(
            "a manifest with a subject of no kind",
            "  expect: Deny\n  manifest:\n    apiVersion: rbac.authorization.k8s.io/v1\n    \
             kind: RoleBinding\n    metadata: {name: a}\n    \
             roleRef: {kind: ClusterRole, name: view}\n    subjects: [{kind: Person, name: a}]\n",
        )
        .names("cases.yaml:11:23"),
        one(
            "orders that cannot be",
            "  binding: {kind: RoleBinding, namespace: a, role: view, subjects: [], provision: yes}\n  \
             expect: Deny\n  guard: Absent\n  companionBindings: -1\n  \
             order: {for: [{kind: User, name: a, namespace: b}], placed: Before}\n",
        )
        .names("order.by")
        .names("InPlace"),
        one(
            "an order for nobody",
            "  binding: {kind: RoleBinding, namespace: a, role: view, subjects: []}\n  \
             expect: Deny\n  order: {by: '', for: [], age: soon}\n",
        )
        .names("order"),
        one(
            "the age of an order that is no duration",
            "  binding: {kind: RoleBinding, namespace: a, role: view, subjects: []}\n  \
             expect: Deny\n  order: {by: '', age: soon}\n",
        )
        .names("cases.yaml:7:24"),
        file(
            "a policy file of cases that is missing",
            format!("{HEAD}policyFile: absent.yaml\ncases:\n- {{name: a, expect: Deny, manifest: {{}}}}\n"),
        )
        .names("absent.yaml"),
        file(
            "a policy file of cases that is broken",
            format!("{HEAD}policyFile: policy.yaml\ncases:\n- {{name: a, expect: Deny, manifest: {{}}}}\n"),
        )
        .file("policy.yaml", "kind: BindingPolicy\nspec: {action: Refuse}\n")
        .names("policy.yaml:2:16"),
    ]
}
