//! The status of a Pod as the kubelet writes it.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::spec::Container;
use crate::support::FROM_PODS;

/// Where a Pod is in its life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Something it needs is not there.
    Waiting(String),
    Running,
    /// Its container ended with this code, to be started again.
    BackOff(i32),
    /// Its container ended with this code, for good.
    Over(i32),
}

/// All that a status is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) stage: Stage,
    pub(super) address: String,
    pub(super) ready: bool,
    pub(super) started: bool,
    pub(super) restarts: u32,
    pub(super) began: String,
}

impl Facts {
    pub(super) fn new(address: &str) -> Self {
        Self {
            stage: Stage::Waiting("ContainerCreating".to_owned()),
            address: address.to_owned(),
            ready: false,
            started: false,
            restarts: 0,
            began: now(),
        }
    }

    pub(super) fn status(&self, container: &Container) -> Value {
        let phase = match self.stage {
            Stage::Waiting(_) => "Pending",
            Stage::Running | Stage::BackOff(_) => "Running",
            Stage::Over(0) => "Succeeded",
            Stage::Over(_) => "Failed",
        };
        let ended = |code: i32| {
            json!({"exitCode": code, "reason": if code == 0 { "Completed" } else { "Error" },
                   "startedAt": self.began, "finishedAt": now()})
        };
        let state = match &self.stage {
            Stage::Waiting(message) => {
                json!({"waiting": {"reason": "ContainerCreating", "message": message},
                       "running": null, "terminated": null})
            }
            Stage::Running => json!({"running": {"startedAt": self.began},
                                     "waiting": null, "terminated": null}),
            Stage::BackOff(code) => {
                json!({"waiting": {"reason": "CrashLoopBackOff", "message": format!("exit code {code}")},
                       "running": null, "terminated": null})
            }
            Stage::Over(code) => json!({"terminated": ended(*code),
                                        "running": null, "waiting": null}),
        };
        let ready = self.ready && self.stage == Stage::Running;
        let begun = !matches!(self.stage, Stage::Waiting(_));
        let condition = |kind: &str, is: bool| {
            json!({"type": kind, "status": if is { "True" } else { "False" },
                   "lastTransitionTime": now()})
        };
        json!({
            "phase": phase,
            "hostIP": FROM_PODS,
            "hostIPs": [{"ip": FROM_PODS}],
            "podIP": self.address,
            "podIPs": [{"ip": self.address}],
            "startTime": self.began,
            "conditions": [
                condition("PodScheduled", true),
                condition("PodReadyToStartContainers", begun),
                condition("Initialized", true),
                condition("ContainersReady", ready),
                condition("Ready", ready),
            ],
            "containerStatuses": [{
                "name": container.name,
                "image": container.image,
                "imageID": container.image,
                "ready": ready,
                "started": self.started && self.stage == Stage::Running,
                "restartCount": self.restarts,
                "state": state,
            }],
        })
    }
}

/// The time in seconds, as `metav1.Time` has it.
pub(super) fn now() -> String {
    let now = Timestamp::now();
    format!("{now:.0}")
}
