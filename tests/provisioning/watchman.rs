//! What watches the guard, run here as the chart's ServiceAccount of the controller.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bindguard::domain::policy::Policy;
use bindguard::kubernetes::client::{ClientOptions, connect};
use bindguard::kubernetes::guard::GuardApi;
use bindguard::provisioning::guard::epoch::Epoch;
use bindguard::provisioning::guard::looks::looks;
use bindguard::provisioning::guard::standing::Standing;
use bindguard::provisioning::guard::watch as watch_guard;
use serde_json::Value;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::support::{ADMIN, ControlPlane};

/// How long it may take until a change is seen.
pub(crate) const SOON_ENOUGH: Duration = Duration::from_secs(15);

/// A watch of the guard that runs until it is dropped.
pub(crate) struct Watchman {
    runtime: Runtime,
    policies: watch::Sender<Arc<Policy>>,
    standing: watch::Receiver<Standing>,
}

impl Watchman {
    /// Begins to watch with the built-in policy in force.
    pub(crate) fn start(plane: &ControlPlane) -> Self {
        Self::start_with(plane, Policy::built_in())
    }

    /// Begins to watch with this policy in force.
    pub(crate) fn start_with(plane: &ControlPlane, policy: Policy) -> Self {
        let options = ClientOptions {
            kubeconfig: Some(plane.accounts().controller.clone()),
            ..ClientOptions::default()
        };
        let runtime = Runtime::new().expect("a runtime");
        let (policies, in_force) = watch::channel(Arc::new(policy));
        let unknown = Standing::NotInPlace("nobody looked yet".to_owned());
        let (told, standing) = watch::channel(unknown);
        runtime.spawn(async move {
            let client = connect(&options).await.expect("a client");
            let api = GuardApi::new(client, options);
            let (_asking, looker) = looks();
            watch_guard(&api, "bindguard", in_force, &told, looker).await
        });
        Self {
            runtime,
            policies,
            standing,
        }
    }

    /// Has it look now, and not when its time has come.
    pub(crate) fn look(&self) -> &Self {
        self.policies.send_modify(|_| {});
        self
    }

    /// Another policy is in force.
    pub(crate) fn in_force(&self, policy: Policy) -> &Self {
        self.policies.send_replace(Arc::new(policy));
        self
    }

    /// Waits until the guard stands like this, and says how long it took.
    #[track_caller]
    pub(crate) fn wait_for<T>(&self, like: impl Fn(&Standing) -> Option<T>) -> (T, Duration) {
        let began = Instant::now();
        let mut standing = self.standing.clone();
        let found = self.runtime.block_on(async {
            let reached = standing.wait_for(|standing| like(standing).is_some());
            let reached = timeout(SOON_ENOUGH, reached).await.ok()?;
            like(&reached.expect("it watches"))
        });
        let found = found.unwrap_or_else(|| panic!("it is {:?}", *self.standing.borrow()));
        (found, began.elapsed())
    }

    /// Waits until the guard is in place.
    #[track_caller]
    pub(crate) fn epoch(&self) -> Epoch {
        let (epoch, _) = self.wait_for(|standing| match standing {
            Standing::InPlace(epoch) => Some(epoch.clone()),
            Standing::Settling | Standing::NotInPlace(_) => None,
        });
        epoch
    }

    /// Waits until the guard is not in place, for a reason with this in it.
    #[track_caller]
    pub(crate) fn not_in_place(&self, because: &str) -> Duration {
        let ((), took) = self.wait_for(|standing| match standing {
            Standing::NotInPlace(reason) => reason.contains(because).then_some(()),
            Standing::Settling | Standing::InPlace(_) => None,
        });
        took
    }
}

/// What the ConfigMap holds.
pub(crate) fn published(plane: &ControlPlane) -> Value {
    let args = [
        "get",
        "configmap",
        "bindguard-epoch",
        "--namespace",
        "bindguard",
        "--output",
        "json",
    ];
    let text = plane.kubectl(ADMIN, &args).expect_success();
    let mut object: Value = serde_json::from_str(&text).unwrap();
    object["data"].take()
}
