//! A cluster with a controller that keeps reports.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{ADMIN, Accounts, ControlPlane, Controller, eventually, fresh_folder};

pub(crate) const POLICY: &str = "apiVersion: bindguard.dev/v1alpha1\nkind: BindingPolicy\n";
/// How long anything may take on a busy machine.
pub(crate) const LIMIT: Duration = Duration::from_mins(1);

pub(crate) struct World {
    pub(crate) plane: ControlPlane,
    pub(crate) accounts: Accounts,
    pub(crate) policy: PathBuf,
    pub(crate) controller: Controller,
}

impl World {
    pub(crate) fn new() -> Self {
        let plane = ControlPlane::start(&[]);
        plane.install_roles();
        let accounts = plane.accounts_with(&["reports.enabled=true"]);
        let policy = fresh_folder("policy").join("policy.yaml");
        fs::write(&policy, POLICY).unwrap();
        let controller = start(&accounts, &policy);
        Self {
            plane,
            accounts,
            policy,
            controller,
        }
    }

    /// Kills the controller and starts another.
    pub(crate) fn replace_controller(&mut self) {
        self.controller = start(&self.accounts, &self.policy);
        self.wait(|world| world.controller.leads().then_some(()));
    }

    /// Waits until something is there.
    #[track_caller]
    pub(crate) fn wait<T>(&self, mut look: impl FnMut(&Self) -> Option<T>) -> T {
        eventually(LIMIT, || look(self)).unwrap_or_else(|| panic!("{}", self.log()))
    }

    pub(crate) fn log(&self) -> String {
        self.controller.process.stderr()
    }

    /// The value of a series of the controller.
    pub(crate) fn metric(&self, series: &str) -> Option<i64> {
        let page = self.controller.metrics();
        let line = page
            .lines()
            .find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        line?.parse().ok()
    }

    pub(crate) fn create(&self, object: &Value) {
        let args = ["create", "--filename", "-"];
        let output = self.plane.kubectl_stdin(ADMIN, &args, &object.to_string());
        output.expect_success();
    }

    pub(crate) fn get(&self, args: &[&str]) -> Value {
        let args = [&["get", "--output=json"], args].concat();
        let text = self.plane.kubectl(ADMIN, &args).expect_success();
        serde_json::from_str(&text).expect("kubectl prints JSON")
    }

    /// Every report there is, of both kinds.
    pub(crate) fn reports(&self) -> Vec<Value> {
        let mut all = vec![];
        for kind in ["reports.openreports.io", "clusterreports.openreports.io"] {
            match self.get(&[kind, "--all-namespaces"])["items"].take() {
                Value::Array(items) => all.extend(items),
                other => panic!("{other}"),
            }
        }
        all
    }

    /// The report about a binding, once it says that so many of its subjects fail.
    #[track_caller]
    pub(crate) fn wait_for_report(&self, binding: &Value, fail: u64) -> Value {
        self.wait(|world| {
            let of = |report: &Value| report["scope"]["uid"] == binding["metadata"]["uid"];
            let report = world.reports().into_iter().find(of)?;
            (report["summary"]["fail"] == fail).then_some(report)
        })
    }

    /// Waits until a binding has no report.
    #[track_caller]
    pub(crate) fn wait_for_none(&self, binding: &Value) {
        let of = |report: &Value| report["scope"]["uid"] == binding["metadata"]["uid"];
        self.wait(|world| (!world.reports().iter().any(of)).then_some(()));
    }
}

fn start(accounts: &Accounts, policy: &std::path::Path) -> Controller {
    let args = ["--open-reports", "--policy-config-map=bindguard-policy"];
    Controller::start_as(
        env!("CARGO_BIN_EXE_bindguard"),
        &accounts.controller,
        policy,
        &args,
    )
}

/// A binding of Users to a role; in a namespace, or everywhere.
pub(crate) fn binding(namespace: Option<&str>, name: &str, role: &str, users: &[&str]) -> Value {
    let group = "rbac.authorization.k8s.io";
    let subjects: Vec<Value> = users
        .iter()
        .map(|user| json!({"apiGroup": group, "kind": "User", "name": user}))
        .collect();
    let mut object = json!({
        "apiVersion": format!("{group}/v1"),
        "kind": if namespace.is_some() { "RoleBinding" } else { "ClusterRoleBinding" },
        "metadata": {"name": name},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": role},
        "subjects": subjects,
    });
    if let Some(namespace) = namespace {
        object["metadata"]["namespace"] = namespace.into();
    }
    object
}
