//! A control plane that one test has to itself at a time, to register a bindguard as it likes.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use serde_json::Value;

use crate::stage::{furnish, platform, serve};
use crate::support::{ADMIN, Bindguard, ControlPlane, Output, Serve, fresh_folder};

/// The API server writes its audit log for bindings alone.
const AUDIT_POLICY: &str = "
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
  resources: [{group: rbac.authorization.k8s.io, resources: [rolebindings, clusterrolebindings]}]
- level: None
";

pub(crate) struct Lab {
    pub(crate) plane: ControlPlane,
    kubeconfig: PathBuf,
    audit_log: PathBuf,
}

/// The lab, once nobody else is in it.
pub(crate) fn lab() -> MutexGuard<'static, Lab> {
    static LAB: OnceLock<Mutex<Lab>> = OnceLock::new();
    let lab = LAB.get_or_init(|| Mutex::new(Lab::build()));
    // A test that failed leaves nothing in force behind.
    lab.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Lab {
    fn build() -> Self {
        let folder = fresh_folder("audit");
        let (policy, audit_log) = (folder.join("policy.yaml"), folder.join("audit.log"));
        fs::write(&policy, AUDIT_POLICY).expect("an audit policy can be written");
        let plane = ControlPlane::start(&[
            &format!("--audit-policy-file={}", policy.display()),
            &format!("--audit-log-path={}", audit_log.display()),
        ]);
        let kubeconfig = furnish(&plane);
        Self {
            plane,
            kubeconfig,
            audit_log,
        }
    }

    /// bindguard with the built-in policy.
    pub(crate) fn serve(&self) -> Serve {
        serve(self.kubeconfig.clone())
    }

    /// A running bindguard with a policy of this spec, YAML.
    pub(crate) fn bindguard(&self, spec: &str) -> Bindguard {
        self.serve().policy(policy_file(spec)).start()
    }

    /// Runs kubectl as the platform team.
    pub(crate) fn kubectl(&self, args: &[&str]) -> Output {
        self.plane.kubectl(platform(), args)
    }

    /// `kubectl create` of one object, as the platform team.
    pub(crate) fn create(&self, object: &Value) -> Output {
        let args = ["create", "--filename", "-"];
        self.plane
            .kubectl_stdin(platform(), &args, &object.to_string())
    }

    /// Deletes objects, whatever else happened to them.
    pub(crate) fn delete(&self, objects: &[Value]) {
        let args = [
            "delete",
            "--ignore-not-found",
            "--wait=false",
            "--filename",
            "-",
        ];
        self.plane
            .kubectl_stdin(ADMIN, &args, &crate::objects::file(objects))
            .expect_success();
    }

    /// What the API server's own audit log says of bindings in a namespace.
    pub(crate) fn audit_events(&self, namespace: &str) -> Vec<Value> {
        let log = fs::read_to_string(&self.audit_log).expect("the API server writes an audit log");
        let events = log.lines().map(|line| {
            serde_json::from_str::<Value>(line)
                .unwrap_or_else(|error| panic!("{error} in the audit log's line {line:?}"))
        });
        events
            .filter(|event| event["objectRef"]["namespace"] == namespace)
            .collect()
    }
}

/// A policy file of this spec.
pub(crate) fn policy_file(spec: &str) -> PathBuf {
    let file = fresh_folder("policy").join("policy.yaml");
    write_policy(&file, spec);
    file
}

pub(crate) fn write_policy(file: &Path, spec: &str) {
    let spec: Vec<String> = spec.lines().map(|line| format!("  {line}")).collect();
    let spec = spec.join("\n");
    let text = format!(
        "apiVersion: bindguard.dev/v1alpha1\nkind: BindingPolicy\nmetadata: {{name: lab}}\nspec:\n{spec}\n"
    );
    fs::write(file, text).expect("a policy can be written");
}
