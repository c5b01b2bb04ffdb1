//! Telling the API server to ask a bindguard.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::bindguard::{Bindguard, PROBE, clean_command};
use super::command::run;
use super::user::ADMIN;
use super::wait::eventually;
use super::{ControlPlane, unique};

/// API servers take up a new webhook configuration within a second or so.
const LIMIT: Duration = Duration::from_secs(20);

/// How long another test's registration may be in the way.
const TURN: Duration = Duration::from_mins(2);

/// Webhook configurations that are in force. Dropping it removes them, since they refuse every write
/// they match once their bindguard is gone.
pub struct Registration<'a> {
    control_plane: &'a ControlPlane,
    manifests: String,
}

impl Bindguard {
    /// Applies what `bindguard manifests` prints, and waits until the API server acts on it. The
    /// policy is the built-in one or has `spectro-vm-user` among its personas; if not, use
    /// [`register_for`](Self::register_for).
    ///
    /// The configurations have fixed names, so a control plane has one registration at a time:
    /// another waits until the first is dropped.
    #[must_use = "dropping the registration removes it"]
    pub fn register<'a>(&self, control_plane: &'a ControlPlane) -> Registration<'a> {
        self.register_for(control_plane, "spectro-vm-user")
    }

    /// The same, for a policy with another persona. Its ClusterRole must exist.
    #[must_use = "dropping the registration removes it"]
    pub fn register_for<'a>(
        &self,
        control_plane: &'a ControlPlane,
        persona: &str,
    ) -> Registration<'a> {
        let registration = self.register_unready(control_plane);
        self.wait_until_asked(control_plane, persona);
        registration
    }

    /// The same without waiting for anything, for a bindguard that will not answer as it should.
    #[must_use = "dropping the registration removes it"]
    pub fn register_unready<'a>(&self, control_plane: &'a ControlPlane) -> Registration<'a> {
        control_plane.install_roles();
        control_plane.register(self.manifests())
    }

    /// What `bindguard manifests` prints for this server, by URL.
    pub fn manifests(&self) -> String {
        let mut command = clean_command(&self.binary, &self.folder);
        command
            .args(["manifests", "--url", &self.url(), "--ca"])
            .arg(self.authority_file());
        if let Some(policy) = &self.policy {
            command.arg("--policy").arg(policy);
        }
        run("bindguard manifests".to_owned(), command, "").expect_success()
    }

    /// Dry-runs a persona binding for a subject without companions, again and again, until bindguard
    /// has an effect: a denial, or a warning or an audit line where the policy is milder.
    fn wait_until_asked(&self, control_plane: &ControlPlane, persona: &str) {
        let probe = unique(PROBE);
        let (role, user) = (
            format!("--clusterrole={persona}"),
            format!("--user={probe}"),
        );
        let binding = ["create", "rolebinding", &probe, &role, &user];
        let args = [
            &binding[..],
            &["--namespace", "default", "--dry-run=server"],
        ]
        .concat();
        let mut last = None;
        let asked = eventually(LIMIT, || {
            let output = control_plane.kubectl(ADMIN, &args);
            let denied = !output.succeeded() && output.stderr.contains("denied the request");
            let warned = output.succeeded() && output.stderr.contains("Warning:");
            last = Some(output);
            (denied || warned || self.has_audited(&probe)).then_some(())
        });
        let last = last.expect("a wait tries at least once");
        assert!(
            asked.is_some(),
            "the API server does not ask bindguard within {LIMIT:?}\n{last}\n{}",
            self.stderr()
        );
    }
}

impl ControlPlane {
    /// Applies manifests of webhook configurations, in their turn and without waiting for anything.
    #[must_use = "dropping the registration removes it"]
    pub fn register(&self, manifests: String) -> Registration<'_> {
        self.take_turn();
        let registration = Registration {
            control_plane: self,
            manifests,
        };
        self.apply(ADMIN, &registration.manifests).expect_success();
        registration
    }

    fn take_turn(&self) {
        let free = || (!self.registered.swap(true, Ordering::SeqCst)).then_some(());
        assert!(
            eventually(TURN, free).is_some(),
            "another bindguard has been registered for {TURN:?}: share it between the tests, \
             or give one of them a control plane of its own"
        );
    }
}

impl Drop for Registration<'_> {
    fn drop(&mut self) {
        // The API server may be stopped, and a panic here would hide the one that may be unwinding.
        let args = [
            "delete",
            "-f",
            "-",
            "--ignore-not-found",
            "--wait=false",
            "--request-timeout=10s",
        ];
        let output = self
            .control_plane
            .kubectl_stdin(ADMIN, &args, &self.manifests);
        if !output.succeeded() {
            eprintln!("the registration could not be removed:\n{output}");
        }
        self.control_plane.registered.store(false, Ordering::SeqCst);
    }
}
