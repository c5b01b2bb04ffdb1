//! Pages to look at.

use std::path::PathBuf;

use super::sandbox::Sandbox;

/// A page of `check`, in a folder that lives as long as the test process.
pub(crate) fn page_of(manifests: &str) -> PathBuf {
    let sandbox = Sandbox::new();
    sandbox.write("m.yaml", manifests);
    sandbox.write("policy.yaml", POLICY);
    let output = sandbox.run(&[
        "check",
        "-f",
        "m.yaml",
        "-o",
        "html",
        "--policy",
        "policy.yaml",
    ]);
    assert_eq!(output.status.code(), Some(1), "{}", output.stderr);
    sandbox.write("page.html", output.stdout);
    sandbox.path("page.html")
}

/// A binding of a role in a namespace to Users; a ClusterRoleBinding if that is empty.
pub(crate) fn binding(namespace: &str, name: &str, role: &str, users: &[&str]) -> String {
    let (kind, place) = match namespace {
        "" => ("ClusterRoleBinding", String::new()),
        _ => ("RoleBinding", format!(", namespace: {namespace}")),
    };
    let subjects: String = users
        .iter()
        .map(|user| {
            format!(
                "- {{kind: User, name: {}}}\n",
                serde_json::to_string(user).unwrap()
            )
        })
        .collect();
    format!(
        "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}\nmetadata: {{name: {name}{place}}}\n\
         roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {role}}}\n\
         subjects:\n{subjects}"
    )
}

/// A cluster of a few teams: two errors in red, one in blue, one everywhere, and a warning each in
/// blue and green; white lacks nothing, and nor does half of red.
pub(crate) fn teams() -> String {
    [
        binding(
            "",
            "lists-ns",
            "spectro-list-namespaces",
            &["carol", "dave", "erin"],
        ),
        binding(
            "",
            "lists-vm",
            "spectro-list-vmtemplates",
            &["carol", "dave"],
        ),
        binding(
            "red",
            "vm-users",
            "spectro-vm-user",
            &["alice", "bob", "carol", "dave"],
        ),
        binding("blue", "vm-admins", "spectro-vm-admin", &["erin", "dave"]),
        binding("blue", "readers", "view", &["frank"]),
        binding("green", "editors", "edit", &["grace", "carol"]),
        binding("white", "vm-users", "spectro-vm-user", &["carol"]),
        binding("", "everywhere", "spectro-vm-viewer", &["heidi"]),
        binding("kube-system", "own", "view", &["system:kube-proxy"]),
    ]
    .concat()
}

const POLICY: &str = "\
apiVersion: bindguard.dev/v1alpha1
kind: BindingPolicy
metadata: {name: roll-out}
spec:
  personas:
    - name: vm
      clusterRoles: [spectro-vm-admin, spectro-vm-power-user, spectro-vm-user, spectro-vm-viewer]
      subjectKinds: [User, Group, ServiceAccount]
    - name: kubernetes
      clusterRoles: [cluster-admin, admin, edit, view]
      subjectKinds: [User, Group]
      action: Warn
";
