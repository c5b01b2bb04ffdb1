//! bindguard's two ServiceAccounts, with the rights that the chart gives them and no other, so that
//! a right that is missing fails a test.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::command::run;
use super::user::ADMIN;
use super::{ControlPlane, clean_command, fresh_folder};

/// What a process needs to act under its account. The rest of the chart is not for tests that start
/// processes of their own.
const KINDS: [&str; 6] = [
    "ServiceAccount",
    "ClusterRole",
    "ClusterRoleBinding",
    "Role",
    "RoleBinding",
    "ConfigMap",
];

/// The accounts of one release.
pub struct Accounts {
    /// The kubeconfig of the Pods that answer.
    pub serve: PathBuf,
    /// The kubeconfig of the controller.
    pub controller: PathBuf,
    objects: String,
}

impl ControlPlane {
    /// The accounts of the chart with its own values, in namespace `bindguard`.
    pub fn accounts(&self) -> &Accounts {
        self.accounts
            .get_or_init(|| self.make("bindguard", self.rendered("bindguard", &[])))
    }

    /// The same with these values in the place of the chart's own: `KEY=VALUE` each.
    pub fn accounts_with(&self, values: &[&str]) -> Accounts {
        self.make("bindguard", self.rendered("bindguard", values))
    }

    /// The same in another namespace, which need not exist. All that belongs to no namespace is
    /// called after this one, the webhook configurations included, so that several fit into one
    /// cluster.
    pub fn accounts_in(&self, namespace: &str) -> Accounts {
        let mut objects = self.rendered(namespace, &[]);
        for object in &mut objects {
            rename(object, namespace);
        }
        self.make(namespace, objects)
    }

    fn make(&self, namespace: &str, mut objects: Vec<Value>) -> Accounts {
        let home =
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
        objects.insert(0, home);
        let objects = json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string();
        self.apply(ADMIN, &objects).expect_success();
        Accounts {
            serve: self.service_account_kubeconfig(namespace, "bindguard"),
            controller: self.service_account_kubeconfig(namespace, "bindguard-controller"),
            objects,
        }
    }

    /// The accounts and rights of the chart, without those that only a hook has.
    fn rendered(&self, namespace: &str, values: &[&str]) -> Vec<Value> {
        let chart = Path::new(env!("CARGO_MANIFEST_DIR")).join("charts/bindguard");
        let mut command = clean_command(&self.assets.join("helm"), &fresh_folder("accounts"));
        command.arg("template").arg("bindguard").arg(chart);
        command.args(["--namespace", namespace, "--no-hooks"]);
        for value in values {
            command.args(["--set", value]);
        }
        let text = run("helm template".to_owned(), command, "").expect_success();
        let objects: Vec<Value> =
            serde_saphyr::from_multiple(&text).expect("Helm prints YAML documents");
        let is_wanted = |object: &Value| KINDS.iter().any(|kind| object["kind"] == *kind);
        objects.into_iter().filter(is_wanted).collect()
    }
}

/// Calls what belongs to no namespace after this one.
fn rename(object: &mut Value, namespace: &str) {
    let called = |name: &Value| format!("{namespace}-{}", name.as_str().expect("a name"));
    if object["metadata"].get("namespace").is_some() {
        return;
    }
    object["metadata"]["name"] = called(&object["metadata"]["name"]).into();
    if let Some(role) = object.get_mut("roleRef") {
        role["name"] = called(&role["name"]).into();
    }
    for rule in object
        .get_mut("rules")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        let resources = rule["resources"].to_string();
        if resources.contains("webhookconfigurations") {
            assert_eq!(rule["resourceNames"], json!(["bindguard"]));
            rule["resourceNames"] = json!([namespace]);
        }
    }
}

impl Accounts {
    /// Gives them what a test has taken away.
    pub fn restore(&self, plane: &ControlPlane) {
        plane.apply(ADMIN, &self.objects).expect_success();
    }
}
