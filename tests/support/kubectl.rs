//! kubectl and helm, run as one of the users.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::Command;

use super::command::{self, Output};
use super::process::guarded;
use super::user::{ADMIN, User};
use super::{ControlPlane, unique};

impl ControlPlane {
    /// Runs kubectl as a user.
    pub fn kubectl(&self, as_user: impl Into<User>, args: &[&str]) -> Output {
        self.kubectl_stdin(as_user, args, "")
    }

    /// Runs kubectl as a user, with `input` on its stdin (for `-f -`).
    pub fn kubectl_stdin(&self, as_user: impl Into<User>, args: &[&str], input: &str) -> Output {
        self.kubectl_with(&self.kubeconfig(as_user), args, input)
    }

    /// Runs kubectl with a kubeconfig, for instance a ServiceAccount's.
    pub fn kubectl_with(&self, kubeconfig: &Path, args: &[&str], input: &str) -> Output {
        self.client("kubectl", kubeconfig, args, input)
    }

    /// Runs helm as a user.
    pub fn helm(&self, as_user: impl Into<User>, args: &[&str]) -> Output {
        self.client("helm", &self.kubeconfig(as_user), args, "")
    }

    /// Runs a bash script as a user who has kubectl and helm on their path; it ends at the first
    /// command that fails.
    pub fn bash(&self, as_user: impl Into<User>, script: &str) -> Output {
        let mut command = self.clean("bash");
        command
            .env("KUBECONFIG", self.kubeconfig(as_user))
            .args(["-euc", script]);
        command::run(format!("bash -euc {script:?}"), command, "")
    }

    /// `kubectl apply` of manifests, as a user.
    pub fn apply(&self, as_user: impl Into<User>, manifests: &str) -> Output {
        self.kubectl_stdin(as_user, &["apply", "--filename", "-"], manifests)
    }

    /// Makes a namespace that only the calling test uses, and returns its name.
    pub fn namespace(&self) -> String {
        let name = unique("test");
        self.kubectl(ADMIN, &["create", "namespace", &name])
            .expect_success();
        name
    }

    /// One of the control plane's binaries, in an environment in which nothing is the caller's own.
    pub(super) fn tool(&self, name: &str) -> Command {
        self.clean(self.assets.join(name))
    }

    fn clean(&self, program: impl AsRef<OsStr>) -> Command {
        let mut path = OsString::from(self.assets);
        if let Some(inherited) = std::env::var_os("PATH") {
            path.push(":");
            path.push(inherited);
        }
        let mut command = guarded(program);
        command
            .env_clear()
            .env("PATH", path)
            .env("HOME", &self.folder)
            .current_dir(&self.folder);
        command
    }

    fn client(&self, name: &str, kubeconfig: &Path, args: &[&str], input: &str) -> Output {
        let mut command = self.tool(name);
        command.env("KUBECONFIG", kubeconfig).args(args);
        command::run(format!("{name} {}", args.join(" ")), command, input)
    }
}
