//! A running `bindguard controller`.

use std::path::Path;

use super::{ControlPlane, Process, clean_command, fresh_folder, http_get, reserve_port};

/// One that leaves certificates alone, under the chart's account. Dropping it kills it.
pub struct Controller {
    /// The process.
    pub process: Process,
    port: u16,
}

impl Controller {
    /// Starts one of this binary, by this policy.
    pub fn start(binary: &str, plane: &ControlPlane, policy: &Path) -> Self {
        Self::start_by(binary, &plane.accounts().controller, policy)
    }

    /// The same with a kubeconfig of its own.
    pub fn start_by(binary: &str, kubeconfig: &Path, policy: &Path) -> Self {
        let folder = fresh_folder("controller");
        let port = reserve_port();
        let mut command = clean_command(binary.as_ref(), &folder);
        command.args(["controller", "--certificates", "external"]);
        command.args(["--admin-listen", &format!("127.0.0.1:{port}")]);
        command.arg("--policy").arg(policy);
        command.arg("--kubeconfig").arg(kubeconfig);
        let process = Process::start("controller", command, &folder);
        Self { process, port }
    }

    /// Its metrics; nothing, while it does not tell.
    pub fn metrics(&self) -> String {
        http_get(self.port, "/metrics").map_or_else(|_| String::new(), |(_, page)| page)
    }

    /// Whether it is the one that works.
    pub fn leads(&self) -> bool {
        self.metrics().contains("bindguard_leader 1")
    }
}
