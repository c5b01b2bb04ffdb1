//! kube-controller-manager, for the tests that need what only controllers do.

use serde_json::Value;

use super::ControlPlane;
use super::command::LIMIT;
use super::process::Process;
use super::user::ADMIN;
use super::wait::eventually;

impl ControlPlane {
    /// Starts kube-controller-manager, unless it runs, and waits until it has filled the aggregated
    /// roles: without it `admin`, `edit` and `view` hold no rules and anyone may bind them, and
    /// deleted namespaces stay.
    pub fn with_controller_manager(&self) -> &Self {
        self.controller_manager.get_or_init(|| {
            let file = |name: &str| self.folder.join(name).display().to_string();
            let mut command = self.tool("kube-controller-manager");
            command.args([
                format!("--kubeconfig={}", self.kubeconfig(ADMIN).display()),
                format!(
                    "--service-account-private-key-file={}",
                    file("service-account.key")
                ),
                format!("--root-ca-file={}", file("authority.crt")),
            ]);
            command.args([
                "--use-service-account-credentials=true",
                "--leader-elect=false",
                "--secure-port=0",
            ]);
            let process = Process::start("kube-controller-manager", command, &self.folder);

            let filled = eventually(LIMIT, || {
                assert!(
                    process.exited().is_none(),
                    "kube-controller-manager ended\n{}",
                    process.log_tail()
                );
                self.aggregated_roles_are_filled().then_some(())
            });
            assert!(
                filled.is_some(),
                "admin, edit and view are still empty\n{}",
                process.log_tail()
            );
            process
        });
        self
    }

    fn aggregated_roles_are_filled(&self) -> bool {
        let args = [
            "get",
            "clusterroles",
            "admin",
            "edit",
            "view",
            "--output",
            "json",
        ];
        let roles = self.kubectl(ADMIN, &args).expect_success();
        let roles: Value = serde_json::from_str(&roles).expect("kubectl prints JSON");
        let items = roles["items"].as_array().expect("kubectl prints a list");
        items.iter().all(|role| {
            role["rules"]
                .as_array()
                .is_some_and(|rules| !rules.is_empty())
        })
    }
}
