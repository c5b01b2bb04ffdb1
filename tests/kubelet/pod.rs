//! The life of one Pod.

use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams, Preconditions, Request};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::container::{self, Surroundings};
use super::network::Sandbox;
use super::probe::Probes;
use super::spec::{Restart, Spec};
use super::status::{Facts, Stage};
use super::volumes::{Missing, Volumes};
use super::{Context, Running};
use crate::support::Process;

/// How often a Pod looks at its process, its probes and its own deletion.
const GLANCE: Duration = Duration::from_millis(50);
/// How often its volumes are brought up to date. The real kubelet takes up to a minute or two.
const REFRESH: Duration = Duration::from_secs(1);
/// The first wait of a container that keeps failing; it doubles.
const BACK_OFF: Duration = Duration::from_secs(1);
const LONGEST_BACK_OFF: Duration = Duration::from_secs(10);

const PODS: &str = "/api/v1/pods";

/// All Pods of the cluster.
pub(super) async fn list(client: &Client) -> kube::Result<Vec<Value>> {
    let request = Request::new(PODS)
        .list(&ListParams::default())
        .map_err(kube::Error::BuildRequest)?;
    let mut list: Value = client.request(request).await?;
    Ok(match list["items"].take() {
        Value::Array(pods) => pods,
        _ => Vec::new(),
    })
}

/// An object, if there is one.
pub(super) async fn get(client: &Client, path: &str) -> kube::Result<Option<Value>> {
    let request = Request::new(path)
        .list(&ListParams::default())
        .map_err(kube::Error::BuildRequest)?;
    match client.request(request).await {
        Ok(object) => Ok(Some(object)),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
        Err(error) => Err(error),
    }
}

/// Creates something.
pub(super) async fn post(client: &Client, path: &str, object: &Value) -> kube::Result<Value> {
    let body = object.to_string().into_bytes();
    let request = Request::new(path)
        .create(&PostParams::default(), body)
        .map_err(kube::Error::BuildRequest)?;
    client.request(request).await
}

pub(super) fn words(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Runs a Pod until it is over or gone. Its newest state comes through the channel, `null` when it
/// was removed behind our back.
pub(super) async fn live(context: Arc<Context>, mut latest: watch::Receiver<Value>) {
    let pod = latest.borrow_and_update().clone();
    let life = Life::new(&context, pod, latest);
    match life {
        Ok(mut life) => {
            let code = life.run().await;
            context.ended(words(&life.pod["metadata"]["uid"]));
            life.finish(code).await;
        }
        Err(reason) => context.fault(reason),
    }
}

struct Life<'c> {
    context: &'c Context,
    pod: Value,
    latest: watch::Receiver<Value>,
    spec: Spec,
    sandbox: Sandbox,
    folder: PathBuf,
    facts: Facts,
    /// What the API server was told last.
    told: Option<Facts>,
}

impl<'c> Life<'c> {
    fn new(
        context: &'c Context,
        pod: Value,
        latest: watch::Receiver<Value>,
    ) -> Result<Self, String> {
        let metadata = &pod["metadata"];
        let (namespace, name) = (words(&metadata["namespace"]), words(&metadata["name"]));
        let spec = Spec::read(&pod["spec"]).map_err(|reason| format!("Pod {name}: {reason}"))?;
        let folder = context
            .folder
            .join(format!("{namespace}.{name}.{}", words(&metadata["uid"])));
        std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
        let sandbox = Sandbox::new(&folder);
        let facts = Facts::new(&sandbox.address);
        Ok(Self {
            context,
            latest,
            spec,
            sandbox,
            folder,
            facts,
            told: None,
            pod,
        })
    }

    /// Until its container has ended for good, with its exit code; or never has begun.
    async fn run(&mut self) -> Option<i32> {
        while !self.refresh().await {
            self.tell().await;
            if self.is_unwanted() {
                return None;
            }
            sleep(GLANCE * 4).await;
        }
        let mut back_off = BACK_OFF;
        loop {
            let process = match self.start() {
                Ok(process) => process,
                Err(reason) => {
                    self.context.fault(reason);
                    return Some(128);
                }
            };
            let began = Instant::now();
            let code = self.watch(&process).await;
            if self.is_unwanted() {
                return Some(code);
            }
            let again = match self.spec.restart {
                Restart::Always => true,
                Restart::OnFailure => code != 0,
                Restart::Never => false,
            };
            if !again {
                return Some(code);
            }
            self.facts.restarts += 1;
            self.facts.stage = Stage::BackOff(code);
            self.tell().await;
            // The first time at once, as the real one.
            if self.facts.restarts > 1 {
                if began.elapsed() > LONGEST_BACK_OFF * 6 {
                    back_off = BACK_OFF;
                }
                self.wait(back_off).await;
                back_off = (back_off * 2).min(LONGEST_BACK_OFF);
            }
            if self.is_unwanted() {
                return Some(code);
            }
        }
    }

    fn start(&mut self) -> Result<Process, String> {
        let around = Surroundings {
            pod: &self.pod,
            sandbox: &self.sandbox,
            image: &self.context.image,
            api_server: &self.context.api_server,
            volumes: &self.folder.join("volumes"),
            folder: &self.folder,
        };
        let process = container::start(&self.spec.container, &around)?;
        let metadata = &self.pod["metadata"];
        let running = Running {
            namespace: words(&metadata["namespace"]).to_owned(),
            name: words(&metadata["name"]).to_owned(),
            address: self.sandbox.address.clone(),
            process: process.id(),
            folder: self.folder.clone(),
        };
        self.context.runs(words(&metadata["uid"]), running);
        self.facts.stage = Stage::Running;
        self.facts.began = super::status::now();
        Ok(process)
    }

    /// Until the process has ended, by itself or because it was to; its exit code.
    async fn watch(&mut self, process: &Process) -> i32 {
        let probes = Probes::start(&self.spec.container, &self.sandbox.address);
        let mut fresh = Instant::now();
        // When it was told to end, when it will be made to, and why.
        let mut term: Option<Instant> = None;
        let mut kill: Option<Instant> = None;
        loop {
            if let Some(status) = process.exited() {
                self.facts.ready = false;
                self.context.ended(words(&self.pod["metadata"]["uid"]));
                let signalled = status.signal().map(|signal| 128 + signal);
                return status.code().or(signalled).unwrap_or(137);
            }
            let health = probes.health();
            (self.facts.started, self.facts.ready) = (health.started, health.ready);
            let now = Instant::now();
            if kill.is_none() && (self.is_unwanted() || health.dead) {
                let grace = self.grace();
                term = Some(now + self.spec.container.pre_stop.min(grace));
                kill = Some(now + grace);
            }
            if term.is_some_and(|term| now >= term) {
                process.signal("TERM");
                term = None;
            }
            if kill.is_some_and(|kill| now >= kill) {
                process.signal("KILL");
            }
            self.tell().await;
            if fresh.elapsed() >= REFRESH {
                self.refresh().await;
                fresh = Instant::now();
            }
            sleep(GLANCE).await;
        }
    }

    /// Whether all volumes are there. Those that follow objects are brought up to date.
    async fn refresh(&mut self) -> bool {
        let user = container::identity(&self.spec.container, &self.context.image);
        let volumes = Volumes {
            client: &self.context.client,
            pod: &self.pod,
            spec: &self.spec,
            address: &self.sandbox.address,
            folder: self.folder.join("volumes"),
            user: user.map_or(0, |(user, _)| user),
        };
        let written = volumes.write().await;
        let waits = matches!(self.facts.stage, Stage::Waiting(_));
        match written {
            Ok(()) => return true,
            // A container that runs keeps what it has.
            Err(Missing::Yet(reason)) if waits => self.facts.stage = Stage::Waiting(reason),
            Err(Missing::Yet(_)) => {}
            Err(Missing::Unknown(reason)) => self.context.fault(reason),
        }
        false
    }

    /// Whether it is to end.
    fn is_unwanted(&self) -> bool {
        let latest = self.latest.borrow();
        latest.is_null() || !latest["metadata"]["deletionTimestamp"].is_null()
    }

    fn grace(&self) -> Duration {
        let latest = self.latest.borrow();
        if latest.is_null() {
            return Duration::ZERO;
        }
        let asked = latest["metadata"]["deletionGracePeriodSeconds"].as_u64();
        asked.map_or(self.spec.grace, Duration::from_secs)
    }

    async fn wait(&self, limit: Duration) {
        let until = Instant::now() + limit;
        while Instant::now() < until && !self.is_unwanted() {
            sleep(GLANCE).await;
        }
    }

    /// Tells the API server what is new. It may be away; then it is told later.
    async fn tell(&mut self) {
        if self.told.as_ref() == Some(&self.facts) || self.latest.borrow().is_null() {
            return;
        }
        let status = json!({"status": self.facts.status(&self.spec.container)});
        if self.patch(&status).await.is_ok() {
            self.told = Some(self.facts.clone());
        }
    }

    async fn patch(&self, patch: &Value) -> kube::Result<()> {
        let metadata = &self.pod["metadata"];
        let pods = format!("/api/v1/namespaces/{}/pods", words(&metadata["namespace"]));
        let request = Request::new(pods)
            .patch_subresource(
                "status",
                words(&metadata["name"]),
                &PatchParams::default(),
                &Patch::Merge(patch),
            )
            .map_err(kube::Error::BuildRequest)?;
        match client_request(&self.context.client, request).await {
            // It is gone.
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
            other => other,
        }
    }

    /// Tells how it ended, and lets it go if somebody has asked for that.
    async fn finish(&mut self, code: Option<i32>) {
        self.facts.stage = Stage::Over(code.unwrap_or(137));
        loop {
            self.tell().await;
            if self.latest.borrow().is_null() {
                return;
            }
            if self.told.as_ref() == Some(&self.facts) && self.is_unwanted() {
                let gone = self.remove().await;
                if gone {
                    return;
                }
            }
            sleep(GLANCE).await;
        }
    }

    async fn remove(&self) -> bool {
        let metadata = &self.pod["metadata"];
        let path = format!("/api/v1/namespaces/{}/pods", words(&metadata["namespace"]));
        let parameters = DeleteParams {
            grace_period_seconds: Some(0),
            preconditions: Some(Preconditions {
                uid: Some(words(&metadata["uid"]).to_owned()),
                resource_version: None,
            }),
            ..DeleteParams::default()
        };
        let Ok(request) = Request::new(path).delete(words(&metadata["name"]), &parameters) else {
            return true;
        };
        match client_request(&self.context.client, request).await {
            Ok(()) => true,
            Err(kube::Error::Api(status)) => [404, 409].contains(&status.code),
            Err(_away) => false,
        }
    }
}

async fn client_request(client: &Client, request: http::Request<Vec<u8>>) -> kube::Result<()> {
    let _: Value = client.request(request).await?;
    Ok(())
}
