//! A cluster: a control plane with controllers, nodes, and a kubelet.

use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, MutexGuard, OnceLock, TryLockError};
use std::time::Duration;

use serde_json::{Value, json};

use crate::kubelet::{Image, Kubelet, inside};
use crate::support::{ADMIN, ControlPlane, FROM_PODS, Output, eventually, unique};

/// How long the tests before may take, all together, and long ones with them.
const TURN: Duration = Duration::from_hours(1);

pub(crate) struct World {
    pub(crate) plane: ControlPlane,
    pub(crate) kubelet: Kubelet,
    /// Whether the chart is, which a test may leave to the next.
    pub(crate) is_installed: AtomicBool,
}

/// A cluster that nobody else is in. There are two, since there are two cores and most of the time
/// is spent waiting; the second is built when a test would have to wait for the first.
pub(crate) fn world() -> MutexGuard<'static, World> {
    static WORLDS: [OnceLock<Mutex<World>>; 2] = [OnceLock::new(), OnceLock::new()];
    inside();
    let worlds = || {
        let worlds = WORLDS.iter();
        worlds.map(|world| world.get_or_init(|| Mutex::new(World::build())))
    };
    let free = || {
        worlds().find_map(|world| match world.try_lock() {
            Ok(world) => Some(world),
            // A test that failed has tidied up.
            Err(TryLockError::Poisoned(world)) => Some(world.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        })
    };
    eventually(TURN, free).expect("no test takes so long")
}

impl World {
    fn build() -> Self {
        Self::with_flags(&[])
    }

    /// A cluster of one's own, whose API server has further flags.
    pub(crate) fn with_flags(more: &[&str]) -> Self {
        let advertised = format!("--advertise-address={FROM_PODS}");
        let flags = [
            "--enable-aggregator-routing=true",
            "--bind-address=0.0.0.0",
            &advertised,
        ];
        let plane = ControlPlane::start(&[&flags, more].concat());
        plane.install_roles().with_controller_manager();
        let kubelet = Kubelet::start(
            &plane.kubeconfig(ADMIN),
            (FROM_PODS, plane.port()),
            Image::of(env!("CARGO_BIN_EXE_bindguard")),
        );
        Self {
            plane,
            kubelet,
            is_installed: AtomicBool::new(false),
        }
    }

    /// What kubectl gets, as JSON.
    pub(crate) fn get(&self, args: &[&str]) -> Value {
        let args = [&["get", "--output", "json"], args].concat();
        let text = self.plane.kubectl(ADMIN, &args).expect_success();
        serde_json::from_str(&text).expect("kubectl prints JSON")
    }

    /// Binds both companions to a user.
    pub(crate) fn cover(&self, user: &str) {
        for role in ["spectro-list-namespaces", "spectro-list-vmtemplates"] {
            let binding = json!({
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "ClusterRoleBinding",
                "metadata": {"name": format!("{role}-{}", user.replace('@', "-"))},
                "roleRef": {
                    "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role,
                },
                "subjects": [
                    {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user},
                ],
            });
            self.plane
                .apply(ADMIN, &binding.to_string())
                .expect_success();
        }
    }

    /// Tries to make a persona binding for somebody without companions, dry.
    pub(crate) fn attempt(&self) -> Output {
        let (name, user) = (unique("attempt"), format!("--user={}", unique("nobody")));
        let binding = [
            "create",
            "rolebinding",
            &name,
            "--clusterrole=spectro-vm-user",
        ];
        let rest = [&*user, "--namespace=default", "--dry-run=server"];
        self.plane.kubectl(ADMIN, &[&binding[..], &rest].concat())
    }

    /// Waits until this is so, and fails the test with the logs of the namespace if it never is.
    #[track_caller]
    pub(crate) fn until<T>(
        &self,
        namespace: &str,
        what: &str,
        limit: Duration,
        attempt: impl FnMut() -> Option<T>,
    ) -> T {
        let value = eventually(limit, attempt);
        self.kubelet.check();
        value.unwrap_or_else(|| {
            let pods = self.plane.kubectl(
                ADMIN,
                &[
                    "get",
                    "pods,events",
                    "--output=wide",
                    "--namespace",
                    namespace,
                ],
            );
            panic!(
                "{what}: not within {limit:?}\n{pods}\n{}",
                self.kubelet.logs(namespace)
            )
        })
    }
}
