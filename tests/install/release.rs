//! The chart, as Helm installs it.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::kubelet::Running;
use crate::support::{ADMIN, Output, http_get_at};
use crate::world::World;

/// The release, and the namespace that it is in.
pub(crate) const NAME: &str = "bindguard";

const TIMEOUT: &str = "--timeout=50s";
/// What the chart calls itself where it says which part a Pod is.
const COMPONENT: &str = "app.kubernetes.io/component";

/// Whether there is a warning of the API server in what a client says: as kubectl prints it, or as
/// client-go's `warnings.go` logs it for Helm, which logs the end of a watch by that word as well.
pub(crate) fn is_warned(output: &Output) -> bool {
    let mut lines = output.stderr.lines();
    lines.any(|line| line.starts_with("Warning:") || line.contains(" warnings.go:"))
}

/// The release of this cluster. It stays for the next test, unless the test that has it fails.
pub(crate) struct Release<'w> {
    pub(crate) world: &'w World,
}

impl<'w> Release<'w> {
    /// Installed, by an earlier test or now.
    pub(crate) fn installed(world: &'w World) -> Self {
        let release = Self { world };
        if !world.is_installed.load(Ordering::SeqCst) {
            release.make_namespace();
            release.install(&[]);
        }
        release
    }

    /// Not installed, in an empty namespace.
    pub(crate) fn absent(world: &'w World) -> Self {
        let release = Self { world };
        if world.is_installed.load(Ordering::SeqCst) {
            release.uninstall();
            release.clear();
        }
        release.make_namespace();
        release
    }

    /// Makes the namespace, in which only Pods of the restricted level may be.
    fn make_namespace(&self) {
        let level = |mode: &str| format!("pod-security.kubernetes.io/{mode}");
        let namespace = json!({
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {
                "name": NAME,
                "labels": {level("enforce"): "restricted", level("warn"): "restricted"},
            },
        });
        let applied = self.world.plane.apply(ADMIN, &namespace.to_string());
        applied.expect_success();
    }

    /// `helm install --wait` with these values; how long it took.
    #[track_caller]
    pub(crate) fn install(&self, values: &[&str]) -> Duration {
        let start = Instant::now();
        self.world.is_installed.store(true, Ordering::SeqCst);
        self.expect(&self.helm("install", values));
        start.elapsed()
    }

    /// `helm upgrade --wait` with these values and no other.
    #[track_caller]
    pub(crate) fn upgrade(&self, values: &[&str]) {
        self.expect(&self.helm("upgrade", values));
    }

    /// `helm uninstall --wait`.
    #[track_caller]
    pub(crate) fn uninstall(&self) {
        self.world.is_installed.store(false, Ordering::SeqCst);
        let args = ["uninstall", NAME, "--namespace", NAME, "--wait", TIMEOUT];
        let output = self.world.plane.helm(ADMIN, &args);
        self.expect(&output);
    }

    /// Helm with the chart.
    pub(crate) fn helm(&self, command: &str, values: &[&str]) -> Output {
        let chart = Path::new(env!("CARGO_MANIFEST_DIR")).join("charts/bindguard");
        let chart = chart.to_str().expect("the repository's path is text");
        let mut args = vec![command, NAME, chart, "--namespace", NAME, "--wait", TIMEOUT];
        for value in values {
            args.extend(["--set", value]);
        }
        self.world.plane.helm(ADMIN, &args)
    }

    /// A success without a warning.
    #[track_caller]
    fn expect(&self, output: &Output) {
        self.world.kubelet.check();
        assert!(
            output.succeeded() && !is_warned(output),
            "{output}\n{}\n{}",
            self.pods_as_text(),
            self.world.kubelet.logs(NAME)
        );
    }

    /// Takes the namespace away. Nobody calls its Pods any more, so nobody has to be waited for.
    fn clear(&self) {
        let now = ["delete", "pods", "--all", "--namespace", NAME, "--force"];
        let _ = self.world.plane.kubectl(ADMIN, &now);
        let args = ["delete", "namespace", NAME, "--timeout=50s"];
        let _ = self.world.plane.kubectl(ADMIN, &args);
    }

    fn pods_as_text(&self) -> String {
        let args = ["get", "pods,jobs,events", "--namespace", NAME];
        self.world.plane.kubectl(ADMIN, &args).to_string()
    }

    /// The Pods of a part of the release (`serve` or `controller`) that have a process.
    pub(crate) fn pods(&self, component: &str) -> Vec<Running> {
        let selector = format!("--selector={COMPONENT}={component}");
        let listed = self.world.get(&["pods", "--namespace", NAME, &selector]);
        let names: Vec<&str> = listed["items"]
            .as_array()
            .expect("a list")
            .iter()
            .filter(|pod| pod["metadata"]["deletionTimestamp"].is_null())
            .filter_map(|pod| pod["metadata"]["name"].as_str())
            .collect();
        let mut running = self.world.kubelet.running(NAME);
        running.retain(|pod| names.contains(&pod.name.as_str()));
        running
    }

    /// Waits until that many Pods of a part are ready and no other is there.
    #[track_caller]
    pub(crate) fn until_ready(&self, component: &str, number: usize) {
        let what = format!("{number} Pods of {component} are ready");
        self.world.until(NAME, &what, Duration::from_mins(1), || {
            let pods = self.pods(component);
            let ready = pods.iter().filter(|pod| {
                let answer = http_get_at(&pod.address, 8080, "/readyz");
                matches!(answer, Ok((200, _)))
            });
            (pods.len() == number && ready.count() == number).then_some(())
        });
    }

    /// Starts all Pods of a part anew, and waits until the last old one is replaced.
    #[track_caller]
    pub(crate) fn roll(&self, deployment: &str) {
        let kubectl = |args: &[&str]| {
            let args = [args, &["--namespace", NAME]].concat();
            let output = self.world.plane.kubectl(ADMIN, &args);
            self.expect(&output);
        };
        let deployment = format!("deployment/{deployment}");
        kubectl(&["rollout", "restart", &deployment]);
        kubectl(&["rollout", "status", &deployment, "--timeout=50s"]);
    }

    /// kubectl in the release's namespace, which has to succeed.
    #[track_caller]
    pub(crate) fn kubectl(&self, args: &[&str]) -> String {
        let args = [args, &["--namespace", NAME]].concat();
        self.world.plane.kubectl(ADMIN, &args).expect_success()
    }
}

impl Drop for Release<'_> {
    fn drop(&mut self) {
        // A test that failed may have left it in any state, and the next one is to have a good one.
        if std::thread::panicking() {
            self.world.is_installed.store(false, Ordering::SeqCst);
            let args = ["uninstall", NAME, "--namespace", NAME, "--no-hooks"];
            let _ = self.world.plane.helm(ADMIN, &args);
            self.clear();
        }
    }
}
