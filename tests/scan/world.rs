//! A cluster with one user who lacks nothing, and a controller that looks on.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{
    ADMIN, ControlPlane, Controller, Output, clean_command, eventually, fresh_folder, http_get, run,
};

const NAMESPACES: &str = "spectro-list-namespaces";
const TEMPLATES: &str = "spectro-list-vmtemplates";
const RBAC: &str = "rbac.authorization.k8s.io";
/// How long anything may take on a busy machine.
const LIMIT: Duration = Duration::from_secs(30);

pub(crate) struct World {
    pub(crate) plane: ControlPlane,
    pub(crate) controller: Controller,
    audit: PathBuf,
    policy: PathBuf,
}

impl World {
    /// The controller has looked at everything once.
    pub(crate) fn new() -> Self {
        let audit = fresh_folder("audit").join("audit.log");
        let policy = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scan/audit-policy.yaml");
        let plane = ControlPlane::start(&[
            &format!("--audit-log-path={}", audit.display()),
            &format!("--audit-policy-file={}", policy.display()),
        ]);
        plane.install_roles();
        let namespace = ["create", "namespace", "red"];
        plane.kubectl(ADMIN, &namespace).expect_success();
        let alice = json!({"apiGroup": RBAC, "kind": "User", "name": "alice"});
        for object in [
            binding("RoleBinding", "vm", "spectro-vm-user", &alice),
            binding("ClusterRoleBinding", "alice-templates", TEMPLATES, &alice),
            companion(),
        ] {
            plane.apply(ADMIN, &object.to_string()).expect_success();
        }
        let policy = fresh_folder("policy").join("policy.yaml");
        let text = "apiVersion: bindguard.dev/v1alpha1\nkind: BindingPolicy\n";
        fs::write(&policy, text).expect("a policy can be written");
        let controller = Controller::start(env!("CARGO_BIN_EXE_bindguard"), &plane, &policy);
        let world = Self {
            plane,
            controller,
            audit,
            policy,
        };
        // The API server asks nobody here, which is two findings.
        world.wait_for("configuration_drift", 2);
        world.wait_for("missing_companions", 0);
        world
    }

    /// Edits the controller's policy: what is under `spec`, as YAML in one line.
    pub(crate) fn set_policy(&self, spec: &str) {
        let text =
            format!("apiVersion: bindguard.dev/v1alpha1\nkind: BindingPolicy\nspec: {spec}\n");
        fs::write(&self.policy, text).expect("a policy can be written");
    }

    /// How many findings the metrics count; nothing, while they do not tell.
    pub(crate) fn count(&self, reason: &str) -> Option<i64> {
        let name = format!("bindguard_findings{{reason=\"{reason}\"}} ");
        let metrics = self.controller.metrics();
        let line = metrics.lines().find_map(|line| line.strip_prefix(&name))?;
        line.parse().ok()
    }

    /// Waits until the metrics count so many, and tells how long that took.
    #[track_caller]
    pub(crate) fn wait_for(&self, reason: &str, number: i64) -> Duration {
        self.wait_until(|| self.count(reason) == Some(number))
    }

    /// Waits until something is so, and tells how long that took.
    #[track_caller]
    pub(crate) fn wait_until(&self, is_so: impl Fn() -> bool) -> Duration {
        let began = Instant::now();
        let found = eventually(LIMIT, || is_so().then(|| began.elapsed()));
        found.unwrap_or_else(|| {
            let (metrics, log) = (self.controller.metrics(), &self.controller.process);
            panic!("{metrics}\n{}", log.stderr())
        })
    }

    /// The page, if there is one.
    pub(crate) fn page(&self) -> Option<String> {
        let (status, page) = http_get(self.controller.report_port(), "/").ok()?;
        (status == 200).then_some(page)
    }

    /// Whether the page says that alice lacks the companion.
    pub(crate) fn is_on_page(&self) -> bool {
        let page = self.page().unwrap_or_default();
        page.contains("<h3>User alice</h3><p>lacks spectro-list-namespaces</p>")
    }

    /// Whether `bindguard scan` finds that alice lacks the companion.
    pub(crate) fn is_in_scan(&self) -> bool {
        let report: Value = serde_json::from_str(&self.scan().stdout).expect("a report");
        let findings = report["findings"].as_array().expect("a list");
        let mut missing = findings
            .iter()
            .filter(|finding| finding["reason"] == "missingCompanions");
        missing.any(|finding| finding["subject"]["name"] == "alice")
    }

    fn scan(&self) -> Output {
        let binary = Path::new(env!("CARGO_BIN_EXE_bindguard"));
        let mut command = clean_command(binary, &fresh_folder("command"));
        command
            .args(["scan", "-o", "json"])
            .env("KUBECONFIG", self.plane.kubeconfig(ADMIN));
        run("bindguard scan".to_owned(), command, "")
    }

    /// Takes the companion away behind everybody's back.
    pub(crate) fn take_away(&self) {
        let delete = ["delete", "clusterrolebinding", "alice-namespaces"];
        self.plane.kubectl(ADMIN, &delete).expect_success();
    }

    /// Gives it back.
    pub(crate) fn mend(&self) {
        self.plane
            .apply(ADMIN, &companion().to_string())
            .expect_success();
    }

    /// Binds a persona to somebody who lacks everything.
    pub(crate) fn bind(&self, name: &str) {
        self.bind_to(name, "spectro-vm-user");
    }

    /// The same for this role.
    pub(crate) fn bind_to(&self, name: &str, role: &str) {
        let subject = json!({"apiGroup": RBAC, "kind": "User", "name": name});
        let object = binding("RoleBinding", role, role, &subject);
        let create = ["create", "--filename", "-"];
        self.plane
            .kubectl_stdin(ADMIN, &create, &object.to_string())
            .expect_success();
    }

    /// How often the controller has listed bindings or roles, by the API server's audit log.
    pub(crate) fn lists(&self) -> usize {
        let log = fs::read_to_string(&self.audit).expect("an audit log");
        let account = "\"username\":\"system:serviceaccount:bindguard:bindguard-controller\"";
        log.lines().filter(|line| line.contains(account)).count()
    }
}

fn companion() -> Value {
    let alice = json!({"apiGroup": RBAC, "kind": "User", "name": "alice"});
    binding("ClusterRoleBinding", "alice-namespaces", NAMESPACES, &alice)
}

/// A binding to a ClusterRole; a RoleBinding is in `red`.
fn binding(kind: &str, name: &str, role: &str, subject: &Value) -> Value {
    let mut binding = json!({
        "apiVersion": format!("{RBAC}/v1"),
        "kind": kind,
        "metadata": {"name": name},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": role},
        "subjects": [subject],
    });
    if kind == "RoleBinding" {
        binding["metadata"]["namespace"] = json!("red");
    }
    binding
}
