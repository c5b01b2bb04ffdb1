//! Everything at work that takes orders: guards, what watches them, and a registered bindguard.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use bindguard::policy_file::parse;
use serde_json::{Value, json};

use crate::support::{
    ADMIN, Bindguard, ControlPlane, Output, Registration, Serve, User, eventually,
};
use crate::watchman::Watchman;
use crate::world::{POLICY, both, furnish, policy_file, role_binding};

pub(crate) const PROVISION: &str = "bindguard.dev/provision";

pub(crate) struct Stage {
    pub(crate) plane: &'static ControlPlane,
    pub(crate) watchman: Watchman,
    pub(crate) bindguard: Bindguard,
    _registration: Registration<'static>,
}

/// The stage, once nobody else is on it.
pub(crate) fn stage() -> MutexGuard<'static, Stage> {
    static STAGE: OnceLock<Mutex<Stage>> = OnceLock::new();
    static PLANE: OnceLock<ControlPlane> = OnceLock::new();
    let stage = STAGE.get_or_init(|| {
        let plane = PLANE.get_or_init(|| ControlPlane::start(&[]));
        Mutex::new(Stage::on(plane, POLICY))
    });
    let stage = stage.lock().unwrap_or_else(PoisonError::into_inner);
    stage.restore();
    stage
}

impl Stage {
    /// A stage of its own, with the policy of this text in force.
    pub(crate) fn on(plane: &'static ControlPlane, policy: &str) -> Self {
        furnish(plane);
        let bindguard = Serve::new(env!("CARGO_BIN_EXE_bindguard"))
            .kubeconfig(&plane.accounts().serve)
            .policy(policy_file(policy))
            .start();
        let registration = bindguard.register(plane);
        let watchman = Watchman::start_with(plane, parse(policy).expect("the policy is valid"));
        Self {
            plane,
            watchman,
            bindguard,
            _registration: registration,
        }
    }

    /// Puts everything in place that a test may have taken away.
    fn restore(&self) {
        self.plane.accounts().restore(self.plane);
        self.plane
            .apply(ADMIN, &self.bindguard.manifests())
            .expect_success();
        self.wait_until_orders_are_taken();
    }

    /// Waits until a dry run gets an order that counts.
    pub(crate) fn wait_until_orders_are_taken(&self) {
        let probe = asking(role_binding("default", "probe"));
        let taken = eventually(Duration::from_secs(30), || {
            self.watchman.look();
            let output = self.create_with(both(), &["--dry-run=server"], &probe);
            std::thread::sleep(Duration::from_millis(200));
            (output.succeeded() && output.stderr.contains("as ordered")).then_some(())
        });
        assert!(taken.is_some(), "{}", self.bindguard.stderr());
    }

    pub(crate) fn create(&self, who: impl Into<User>, object: &Value) -> Output {
        self.create_with(who, &[], object)
    }

    pub(crate) fn create_with(
        &self,
        who: impl Into<User>,
        args: &[&str],
        object: &Value,
    ) -> Output {
        let args = [&["create", "--filename", "-"], args].concat();
        self.plane.kubectl_stdin(who, &args, &object.to_string())
    }

    pub(crate) fn patch(&self, who: impl Into<User>, object: &Value, patch: &Value) -> Output {
        let patch = format!("--patch={patch}");
        let args = ["patch", "--filename", "-", "--type=merge", &patch];
        self.plane.kubectl_stdin(who, &args, &object.to_string())
    }

    /// The object as it is stored.
    pub(crate) fn stored(&self, object: &Value) -> Value {
        let args = ["get", "--output", "json", "--filename", "-"];
        let text = self.plane.kubectl_stdin(ADMIN, &args, &object.to_string());
        let mut found: Value = serde_json::from_str(&text.expect_success()).unwrap();
        match found.get_mut("items") {
            Some(items) => items[0].take(),
            None => found,
        }
    }
}

/// The object, asking for its companions.
pub(crate) fn asking(mut object: Value) -> Value {
    object["metadata"]["annotations"] = json!({PROVISION: "true"});
    object
}
