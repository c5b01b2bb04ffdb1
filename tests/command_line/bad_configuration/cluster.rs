//! What stands for the cluster.

use crate::case::{Case, case};

const KUBECONFIG: &str = "\
apiVersion: v1
kind: Config
current-context: dev
contexts:
- {name: dev, context: {cluster: dev, user: dev}}
- {name: lost, context: {cluster: gone, user: dev}}
- {name: stranger, context: {cluster: dev, user: somebody}}
- {name: untrusting, context: {cluster: untrusting, user: dev}}
- {name: garbled, context: {cluster: garbled, user: dev}}
- {name: nowhere, context: {cluster: nowhere, user: dev}}
clusters:
- {name: dev, cluster: {server: 'https://127.0.0.1:6443'}}
- {name: untrusting, cluster: {server: 'https://127.0.0.1:6443', certificate-authority: gone.crt}}
- {name: garbled, cluster: {server: 'https://127.0.0.1:6443', certificate-authority-data: '!'}}
- {name: nowhere, cluster: {server: 'the API server'}}
users:
- {name: dev, user: {token: t}}
";

pub(crate) fn cases() -> Vec<Case> {
    let broken = |title, text: &str| {
        case(title, "bindguard serve --kubeconfig admin.conf")
            .file("admin.conf", text)
            .names("admin.conf")
    };
    let context = |title, name: &'static str| {
        case(
            title,
            format!("bindguard serve --kubeconfig admin.conf --context {name}"),
        )
        .file("admin.conf", KUBECONFIG)
        .unshown()
        .names("admin.conf")
        .names(name)
    };
    vec![
        case("no cluster at all", "bindguard serve").names("--kubeconfig"),
        case(
            "half a pod",
            "KUBERNETES_SERVICE_HOST=10.0.0.1 KUBERNETES_SERVICE_PORT=443 bindguard serve",
        )
        .names("--kubeconfig"),
        case(
            "a kubeconfig that is missing",
            "bindguard serve --kubeconfig missing.conf",
        )
        .names("missing.conf"),
        case(
            "a kubeconfig of the environment that is missing",
            "KUBECONFIG=missing.conf bindguard serve",
        )
        .names("KUBECONFIG"),
        case(
            "a context, and no kubeconfig",
            "bindguard serve --context prod",
        )
        .names("~/.kube/config"),
        case(
            "a kubeconfig that is a folder",
            "bindguard serve --kubeconfig folder",
        )
        .names("folder"),
        case(
            "a kubeconfig that may not be read",
            "bindguard serve --kubeconfig locked.yaml",
        )
        .names("locked.yaml"),
        broken("an empty kubeconfig", ""),
        broken("a kubeconfig that is not YAML", "clusters: [\n"),
        broken("a kubeconfig of a wrong form", "clusters: everywhere\n"),
        broken(
            "a kubeconfig without a current context",
            "apiVersion: v1\nkind: Config\n",
        ),
        context("a context that does not exist", "prod").names("dev"),
        context("a context whose cluster does not exist", "lost"),
        context("a context whose user does not exist", "stranger").names("somebody"),
        context("a context whose CA is missing", "untrusting"),
        context("a context whose CA is no base64", "garbled"),
        context("a context whose server is no URL", "nowhere"),
        case(
            "a folder that is missing",
            "bindguard serve --manifests missing",
        )
        .names("--manifests"),
        case(
            "a folder that may not be read",
            "bindguard serve --manifests locked",
        )
        .names("--manifests"),
        case(
            "a folder that is a device",
            "bindguard serve --manifests /dev/null",
        )
        .names("--manifests"),
    ]
}
