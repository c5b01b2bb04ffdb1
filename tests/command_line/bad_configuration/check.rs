//! The flags and files of `bindguard check` and `bindguard fix`.

use crate::case::{Case, case};

pub(crate) fn cases() -> Vec<Case> {
    vec![
        case("nothing to check", "bindguard check").names("--filename"),
        case("an empty path", "bindguard check -f ''").names("--filename"),
        case(
            "a namespace that cannot be one",
            "bindguard check -f folder -n Team_A",
        )
        .names("--namespace"),
        case(
            "a format that no command has",
            "bindguard check -f folder -o xml",
        )
        .names("--output"),
        case(
            "a cluster that is not configured",
            "bindguard check -f folder --cluster",
        )
        .names("--kubeconfig"),
        case(
            "a policy that is missing",
            "bindguard check -f folder --policy missing.yaml",
        )
        .names("missing.yaml"),
        case("nothing to fix", "bindguard fix")
            .names("--filename")
            .names("--cluster"),
        case(
            "the input of a cluster",
            "bindguard fix --cluster --with-input",
        )
        .names("--filename"),
        case(
            "the input and what is applied",
            "bindguard fix -f folder --with-input --cluster --apply",
        )
        .names("--with-input")
        .names("--apply"),
        case(
            "to apply without a cluster",
            "bindguard fix -f folder --apply",
        )
        .names("--cluster"),
        case(
            "an answer to a question that is not asked",
            "bindguard fix --cluster --yes",
        )
        .names("--apply"),
        case(
            "a style that there is not",
            "bindguard fix -f folder --style per-namespace",
        )
        .names("--style"),
        case("standard input twice", "bindguard fix -f - -f -").names("only once"),
        case("a path that is missing", "bindguard fix -f missing.yaml").names("missing.yaml"),
        case(
            "a file that may not be read",
            "bindguard fix -f locked.yaml",
        )
        .names("locked.yaml"),
        case(
            "a file that is broken",
            "bindguard fix -f m.yaml --with-input",
        )
        .file("m.yaml", format!("{BINDING}---\na: [\n"))
        .names("m.yaml:9:4"),
        case(
            "a binding that is none",
            "bindguard fix -f m.yaml --with-input",
        )
        .file(
            "m.yaml",
            BINDING
                .replace("kind: User", "kind: Person")
                .replace("name: vm", "labels: 7"),
        )
        .names("m.yaml"),
        case(
            "JSON objects one after the other, among YAML",
            "bindguard fix -f a.json -f b.yaml --with-input",
        )
        .file("a.json", "{}\n{}\n")
        .file("b.yaml", "a: b\n")
        .names("a.json"),
    ]
}

const BINDING: &str = "\
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: vm, namespace: dev}
roleRef: {kind: ClusterRole, name: spectro-vm-user}
subjects:
- {kind: User, name: alice}
- {kind: User, name: alice}
";

/// KRM functions.
pub(crate) fn function_cases() -> Vec<Case> {
    let krm = |title, list: &str| case(title, "bindguard krm < list.yaml").file("list.yaml", list);
    let head = "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\n";
    vec![
        case("a function that is given nothing", "bindguard krm").names("ResourceList"),
        krm("manifests in place of a ResourceList", "kind: Pod\n").names("--with-input"),
        krm("a ResourceList that is broken", "items: [\n").names("1:8"),
        krm(
            "a function that is configured by something else",
            &format!("{head}items: []\nfunctionConfig: {{kind: ConfigMap}}\n"),
        )
        .names("BindingPolicy"),
        krm(
            "a function that is configured by a broken policy",
            &format!("{head}items: []\nfunctionConfig:\n  apiVersion: bindguard.dev/v1alpha1\n  kind: BindingPolicy\n  spec: {{action: Refuse}}\n"),
        )
        .names("Refuse"),
        krm(
            "an item that is a broken binding",
            &format!("{head}items:\n- apiVersion: rbac.authorization.k8s.io/v1\n  kind: RoleBinding\n  metadata: {{name: vm}}\n"),
        )
        .names("roleRef"),
    ]
}

/// Commands that look at a cluster: `scan`, `explain`, `denials`, `prune` and `verify`.
pub(crate) fn cluster_cases() -> Vec<Case> {
    vec![
        case("nobody to explain", "bindguard explain").names("--user"),
        case("an empty name to explain", "bindguard explain --user ''").names("--user"),
        case(
            "two groups to explain",
            "bindguard explain --group devs --group ops",
        )
        .names("--group"),
        case(
            "a user and a ServiceAccount to explain",
            "bindguard explain --user alice --serviceaccount ci:bot",
        )
        .names("--serviceaccount"),
        case(
            "a ServiceAccount without its namespace",
            "bindguard explain --serviceaccount bot",
        )
        .names("NAMESPACE:NAME"),
        case(
            "a ServiceAccount of an impossible namespace",
            "bindguard explain --serviceaccount CI:bot",
        )
        .names("--serviceaccount"),
        case(
            "a ServiceAccount that is said to be in a group",
            "bindguard explain --user system:serviceaccount:ci:bot --group devs",
        )
        .names("--group"),
        case(
            "manifests that are missing to explain by",
            "bindguard explain --user alice -f missing.yaml --policy missing.yaml",
        )
        .names("missing.yaml"),
        case(
            "a subject to explain in no cluster",
            "bindguard explain --user alice",
        )
        .names("--kubeconfig"),
        case("one namespace and all", "bindguard scan -n red -A").names("--all-namespaces"),
        case(
            "a persona that the policy does not have",
            "bindguard scan --persona wm",
        )
        .names("--persona"),
        case(
            "somebody else's group alone",
            "bindguard scan --as-group devs",
        )
        .names("--as"),
        case("a time that is none", "bindguard denials --since yesterday").names("--since"),
        case("a time before time", "bindguard denials --since 0s").names("--since"),
        case(
            "a log to watch",
            "bindguard denials --watch -f bindguard.log",
        )
        .names("--watch"),
        case("a log that is missing", "bindguard denials -f missing.log").names("missing.log"),
        case(
            "a history of an impossible name",
            "bindguard denials --history Denials",
        )
        .names("--history"),
        case(
            "to prune without asking and without doing",
            "bindguard prune --yes",
        )
        .names("--apply"),
        case(
            "a name that no webhook configuration can have, to delete",
            "bindguard unregister --webhook-configuration Bind_Guard",
        )
        .names("--webhook-configuration"),
        case(
            "an unreadable time limit",
            "bindguard verify --timeout soon",
        )
        .names("--timeout"),
    ]
}
