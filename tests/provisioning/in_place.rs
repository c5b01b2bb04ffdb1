//! When the guard counts as in place, and what begins a new epoch.

use bindguard::domain::policy::{Companion, Policy};
use bindguard::provisioning::guard::epoch::Epoch;
use serde_json::json;

use crate::support::{ADMIN, ControlPlane};
use crate::watchman::{SOON_ENOUGH, Watchman, published};
use crate::world::{ORDERS, furnish, guards};

const BUILT_IN: &str = "apiVersion: bindguard.dev/v1alpha1\nkind: BindingPolicy\nspec: {}\n";
const POLICY: &str = "validatingadmissionpolicy";
const BINDING: &str = "validatingadmissionpolicybinding";

struct Stage {
    plane: ControlPlane,
    watchman: Watchman,
    epochs: Vec<Epoch>,
}

impl Stage {
    fn begin() -> Self {
        let plane = ControlPlane::start(&[]);
        furnish(&plane);
        let watchman = Watchman::start(&plane);
        Self {
            plane,
            watchman,
            epochs: Vec::new(),
        }
    }

    fn ship(&self) {
        self.plane.apply(ADMIN, &guards(BUILT_IN)).expect_success();
    }

    fn patch(&self, kind: &str, patch: &serde_json::Value) {
        let patch = format!("--patch={patch}");
        let args = ["patch", kind, ORDERS, "--type=merge", &patch];
        self.plane.kubectl(ADMIN, &args).expect_success();
    }

    /// The guard is in place, by an epoch that never was before, which is published.
    #[track_caller]
    fn expect_new_epoch(&mut self) {
        let epoch = self.watchman.look().epoch();
        assert!(self.epochs.iter().all(|known| known.value != epoch.value));
        let data = published(&self.plane);
        assert_eq!(data["epoch"], epoch.value.as_str());
        assert_eq!(data.get("paused"), None);
        let version = format!(
            "{}/{}",
            epoch.guard.policy.uid, epoch.guard.policy.generation
        );
        assert_eq!(data["policy"], version);
        self.epochs.push(epoch);
    }

    /// The guard is not in place, and the epoch is over.
    #[track_caller]
    fn expect_none(&self, because: &str) {
        self.watchman.look().not_in_place(because);
        let data = published(&self.plane);
        assert_eq!(data.get("epoch"), None, "{data}");
        assert!(data["paused"].as_str().unwrap().contains(because), "{data}");
    }
}

#[test]
fn each_gap_ends_the_epoch_and_what_is_mended_begins_another() {
    let mut stage = Stage::begin();
    stage.expect_none("does not exist");
    stage.ship();
    stage.expect_new_epoch();

    // Seen by itself, and soon enough.
    stage.patch(BINDING, &json!({"spec": {"validationActions": ["Audit"]}}));
    let differs = "is not what `bindguard manifests` prints";
    let took = stage.watchman.not_in_place(differs);
    assert!(took < SOON_ENOUGH, "{took:?}");
    assert_eq!(published(&stage.plane).get("epoch"), None);
    stage.patch(BINDING, &json!({"spec": {"validationActions": ["Deny"]}}));
    stage.expect_new_epoch();

    stage.patch(POLICY, &json!({"spec": {"failurePolicy": "Ignore"}}));
    stage.expect_none(differs);
    stage.ship();
    stage.expect_new_epoch();

    // Weakened and mended again before anybody looked.
    stage.patch(
        POLICY,
        &json!({"spec": {"validations": [{"expression": "true"}]}}),
    );
    stage.ship();
    stage.watchman.look();
    stage.watchman.wait_for(|standing| {
        (*standing == bindguard::provisioning::guard::standing::Standing::Settling).then_some(())
    });
    stage.expect_new_epoch();

    for kind in [POLICY, BINDING] {
        stage
            .plane
            .kubectl(ADMIN, &["delete", kind, ORDERS])
            .expect_success();
        stage.expect_none("does not exist");
        stage.ship();
        stage.expect_new_epoch();
    }

    // The policy in force wants another guard than there is.
    let mut policy = Policy::built_in();
    policy.companions.push(Companion {
        cluster_role: "another".to_owned(),
        implied_by: Vec::new(),
    });
    stage.watchman.in_force(policy);
    stage.expect_none(differs);
    stage.watchman.in_force(Policy::built_in());
    stage.expect_new_epoch();

    // Labels mean nothing, and who takes over goes on.
    stage.patch(POLICY, &json!({"metadata": {"labels": {"a": "b"}}}));
    let last = stage.epochs.last().unwrap().clone();
    drop(stage.watchman);
    stage.watchman = Watchman::start(&stage.plane);
    assert_eq!(stage.watchman.epoch(), last);
}

#[test]
fn a_perfect_guard_that_the_api_server_does_not_heed_is_not_in_place() {
    let flag = "--disable-admission-plugins=ValidatingAdmissionPolicy";
    let plane = ControlPlane::start(&[flag]);
    furnish(&plane);
    plane.apply(ADMIN, &guards(BUILT_IN)).expect_success();
    let watchman = Watchman::start(&plane);
    let passed = "let pass what the guard must refuse";
    watchman.not_in_place(passed);
    assert!(
        published(&plane)["paused"]
            .as_str()
            .unwrap()
            .contains(passed)
    );
    // Somebody else's binding of that name does not hide it.
    let args = [
        "create",
        "clusterrolebinding",
        "bindguard-canary",
        "--clusterrole=spectro-list-namespaces",
    ];
    plane.kubectl(ADMIN, &args).expect_success();
    watchman.look();
    watchman.not_in_place(passed);
    assert_eq!(published(&plane).get("epoch"), None);
}

#[test]
fn without_a_place_to_publish_it_nothing_is_in_place() {
    let plane = ControlPlane::start(&[]);
    furnish(&plane);
    plane.apply(ADMIN, &guards(BUILT_IN)).expect_success();
    let watchman = Watchman::start(&plane);
    watchman.epoch();
    let delete = |what: &[&str]| {
        let inside = ["--namespace", "bindguard"];
        let args = [&["delete"], what, &inside].concat();
        plane.kubectl(ADMIN, &args).expect_success();
    };
    let cannot = "ConfigMap bindguard/bindguard-epoch cannot be written";
    delete(&["role", "bindguard-controller"]);
    delete(&[POLICY, ORDERS]);
    watchman.look();
    watchman.not_in_place(cannot);
    plane.accounts().restore(&plane);
    plane.apply(ADMIN, &guards(BUILT_IN)).expect_success();
    watchman.look().epoch();

    // It may write the one that the chart makes, and make none.
    delete(&["configmap", "bindguard-epoch"]);
    watchman.look();
    watchman.not_in_place(cannot);
    plane.accounts().restore(&plane);
    watchman.look().epoch();
}
