//! Control planes that one test has to itself at a time, to register a bindguard as it likes, and
//! to stop what it likes.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};

use serde_json::Value;

use crate::objects::{self, cluster_role_binding};
use crate::stage::{create, furnish, platform, serve};
use crate::support::{ADMIN, Bindguard, ControlPlane, Output, Serve, fresh_folder, unique};

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
    /// bindguard's.
    pub(crate) kubeconfig: PathBuf,
    audit_log: PathBuf,
}

/// A lab that nobody else is in. There are two, since there are two cores; the second is built when
/// a test would have to wait for the first.
pub(crate) fn lab() -> MutexGuard<'static, Lab> {
    static LABS: [OnceLock<Mutex<Lab>>; 2] = [OnceLock::new(), OnceLock::new()];
    let labs = || {
        LABS.iter()
            .map(|lab| lab.get_or_init(|| Mutex::new(Lab::build())))
    };
    let free = labs().find_map(|lab| match lab.try_lock() {
        Ok(lab) => Some(lab),
        // A test that failed leaves nothing in force behind.
        Err(TryLockError::Poisoned(lab)) => Some(lab.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    });
    free.unwrap_or_else(|| {
        let first = labs().next().expect("there are two");
        first.lock().unwrap_or_else(PoisonError::into_inner)
    })
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

    /// Makes a ServiceAccount that may do everything, and returns its kubeconfig.
    pub(crate) fn deployer(&self, namespace: &str) -> PathBuf {
        let account = ["create", "serviceaccount", "deployer", "--namespace"];
        let account = [&account[..], &[namespace]].concat();
        self.plane.kubectl(ADMIN, &account).expect_success();
        let rights = [objects::account(namespace, "deployer")];
        let rights = cluster_role_binding(&unique("deployer"), "platform-admin", rights);
        create(&self.plane, &[rights]);
        self.plane.service_account_kubeconfig(namespace, "deployer")
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
            .kubectl_stdin(ADMIN, &args, &objects::file(objects))
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
    let mut text = "apiVersion: bindguard.dev/v1alpha1
kind: BindingPolicy
metadata: {name: lab}
spec:"
        .to_owned();
    for line in spec.lines() {
        text.push_str("\n  ");
        text.push_str(line);
    }
    fs::write(file, text).expect("a policy can be written");
}
