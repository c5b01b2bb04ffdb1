//! A control plane that one test has to itself at a time, to register a bindguard as it likes.

use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use serde_json::Value;

use crate::support::{
    ADMIN, Bindguard, ControlPlane, Output, Registration, eventually, fresh_folder,
};
use crate::world::{both, create, furnish, platform, role_binding, serve};

pub(crate) struct Lab(ControlPlane);

/// The lab, once nobody else is in it.
pub(crate) fn lab() -> MutexGuard<'static, Lab> {
    static LAB: OnceLock<Mutex<Lab>> = OnceLock::new();
    let lab = LAB.get_or_init(|| {
        let plane = ControlPlane::start(&[]);
        furnish(&plane);
        Mutex::new(Lab(plane))
    });
    // A test that failed leaves nothing in force behind.
    lab.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Lab {
    pub(crate) const fn plane(&self) -> &ControlPlane {
        &self.0
    }

    /// A bindguard with a policy of this spec, YAML, and its registration.
    pub(crate) fn bindguard(&self, spec: &str) -> (Registration<'_>, Bindguard) {
        let bindguard = serve(&self.0).policy(policy_file(spec)).start();
        let registration = bindguard.register(&self.0);
        wait_for_personas(&bindguard);
        (registration, bindguard)
    }

    /// Runs kubectl as the platform team.
    pub(crate) fn kubectl(&self, args: &[&str]) -> Output {
        self.0.kubectl(platform(), args)
    }

    /// Deletes a ClusterRoleBinding as the platform team.
    pub(crate) fn delete(&self, name: &str) -> Output {
        self.kubectl(&["delete", "clusterrolebinding", name])
    }

    /// Patches a ClusterRoleBinding as the platform team.
    pub(crate) fn patch(&self, name: &str, patch: &Value) -> Output {
        let patch = format!("--patch={patch}");
        self.kubectl(&["patch", "clusterrolebinding", name, "--type=merge", &patch])
    }

    /// A namespace in which one RoleBinding makes these subjects VM users, who have both
    /// companions by bindings of the namespace's name. Make it before bindguard is registered.
    pub(crate) fn team(&self, subjects: &[&str]) -> String {
        let namespace = self.0.namespace();
        let mut objects = both(&namespace, subjects);
        objects.push(role_binding(
            &namespace,
            "users",
            "spectro-vm-user",
            subjects,
        ));
        create(&self.0, &objects);
        namespace
    }

    /// Deletes objects as an administrator.
    pub(crate) fn clean(&self, args: &[&str]) {
        self.0
            .kubectl(ADMIN, &[&["delete"], args].concat())
            .expect_success();
    }
}

/// Waits until bindguard knows the persona bindings.
pub(crate) fn wait_for_personas(bindguard: &Bindguard) {
    let known = eventually(Duration::from_secs(20), || {
        let (_, metrics) = bindguard.admin("/metrics").ok()?;
        metrics
            .contains("bindguard_persona_index_synced 1\n")
            .then_some(())
    });
    assert!(known.is_some(), "{}", bindguard.stderr());
}

/// A policy file of this spec.
pub(crate) fn policy_file(spec: &str) -> PathBuf {
    let mut text = "apiVersion: bindguard.dev/v1alpha1
kind: BindingPolicy
metadata: {name: lab}
spec:"
        .to_owned();
    for line in spec.lines() {
        text.push_str("\n  ");
        text.push_str(line);
    }
    let file = fresh_folder("policy").join("policy.yaml");
    fs::write(&file, text).expect("a policy can be written");
    file
}
