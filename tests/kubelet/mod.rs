//! A small kubelet and scheduler for tests: Pods that a real API server has become real processes.
//!
//! Every Pod gets a network namespace with an address of its own, on a bridge inside the namespace
//! in which the whole test process runs ([`inside`]); every container a root of its own, as small
//! as the image's. Volumes, tokens, probes, restarts, status and the end of a Pod are as the real
//! kubelet has them. It takes the Pod's spec as the API server stores it, and what it does not know
//! how to honour is a fault that fails the test ([`Kubelet::check`]).
//!
//! Quicker than the real one: volumes follow their objects within a second or two, and a container
//! that keeps failing is started again after 1 to 10 s. Without effect here: limits of resources,
//! seccomp profiles, and network policies. Cluster addresses are not routed: Pods find the API
//! server by their environment, and the API server finds Pods by `--enable-aggregator-routing`.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a panic is how a test fails, and stderr is where it speaks"
)]
#![allow(dead_code, reason = "each test binary uses its own part of it")]

mod container;
mod environment;
mod image;
mod inside;
mod network;
mod node;
mod pod;
mod probe;
mod spec;
mod spec_tests;
mod status;
mod volumes;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bindguard::kubernetes::client::{ClientOptions, connect};
use kube::Client;
use serde_json::Value;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::support::fresh_folder;

pub(crate) use image::Image;
pub(crate) use inside::inside;

/// How often the API server is asked for its Pods. Everything but this is driven by what it says.
const TICK: Duration = Duration::from_millis(100);

/// What a Pod is known by for as long as it exists.
type Uid = String;

/// What all parts share.
pub(crate) struct Context {
    pub(crate) client: Client,
    pub(crate) image: Image,
    /// Where containers are told to find the API server.
    pub(crate) api_server: (String, u16),
    pub(crate) folder: PathBuf,
    faults: Mutex<Vec<String>>,
    running: Mutex<HashMap<Uid, Running>>,
}

/// A Pod that has a process.
#[derive(Clone, Debug)]
pub(crate) struct Running {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) address: String,
    /// The process of its container.
    pub(crate) process: u32,
    /// Where its output is, that of earlier processes included.
    pub(crate) folder: PathBuf,
}

impl Running {
    /// What its container has written to standard output.
    pub(crate) fn stdout(&self) -> String {
        read(&self.folder.join("container.stdout"))
    }

    /// What its container has logged.
    pub(crate) fn stderr(&self) -> String {
        read(&self.folder.join("container.stderr"))
    }
}

fn read(file: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(file).unwrap_or_default()).into_owned()
}

impl Context {
    /// Remembers what cannot be honoured, and says it at once.
    pub(crate) fn fault(&self, text: String) {
        let mut faults = lock(&self.faults);
        if !faults.contains(&text) {
            eprintln!("kubelet: {text}");
            faults.push(text);
        }
    }

    pub(crate) fn runs(&self, uid: &str, running: Running) {
        lock(&self.running).insert(uid.to_owned(), running);
    }

    pub(crate) fn ended(&self, uid: &str) {
        lock(&self.running).remove(uid);
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// It works until it is dropped.
pub(crate) struct Kubelet {
    context: Arc<Context>,
    runtime: Option<Runtime>,
}

impl Kubelet {
    /// Starts it with the kubeconfig of an administrator. The API server listens on `api_server`
    /// as seen from Pods.
    pub(crate) fn start(kubeconfig: &Path, api_server: (&str, u16), image: Image) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime can be built");
        let options = ClientOptions {
            kubeconfig: Some(kubeconfig.to_owned()),
            ..ClientOptions::default()
        };
        let client = runtime
            .block_on(connect(&options))
            .expect("the administrator's kubeconfig is good");
        let context = Arc::new(Context {
            client,
            image,
            api_server: (api_server.0.to_owned(), api_server.1),
            folder: fresh_folder("kubelet"),
            faults: Mutex::default(),
            running: Mutex::default(),
        });
        runtime
            .block_on(node::register(&context.client))
            .expect("nodes can be registered");
        runtime.spawn(node::renew(context.client.clone()));
        runtime.spawn(work(Arc::clone(&context)));
        Self {
            context,
            runtime: Some(runtime),
        }
    }

    /// Fails the test if a Pod asked for what this kubelet cannot do.
    #[track_caller]
    pub(crate) fn check(&self) {
        let faults = lock(&self.context.faults);
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    }

    /// Every Pod of the namespace that has a process now, by name.
    pub(crate) fn running(&self, namespace: &str) -> Vec<Running> {
        let running = lock(&self.context.running);
        let mut pods: Vec<Running> = running
            .values()
            .filter(|pod| pod.namespace == namespace)
            .cloned()
            .collect();
        pods.sort_by(|one, other| one.name.cmp(&other.name));
        pods
    }

    /// What all containers of the namespace have logged, gone ones included.
    pub(crate) fn logs(&self, namespace: &str) -> String {
        let mut text = String::new();
        for entry in std::fs::read_dir(&self.context.folder)
            .into_iter()
            .flatten()
            .flatten()
        {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with(&format!("{namespace}.")) {
                let log = read(&entry.path().join("container.stderr"));
                text.push_str(&format!("--- {name}\n{log}"));
                text.push_str(&read(&entry.path().join("container.stdout")));
            }
        }
        text
    }
}

impl Drop for Kubelet {
    fn drop(&mut self) {
        // Tasks own the processes, and end with the runtime.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::from_secs(5));
        }
    }
}

/// Binds Pods to nodes, and keeps one task for each that is bound.
async fn work(context: Arc<Context>) {
    let mut pods: HashMap<Uid, watch::Sender<Value>> = HashMap::new();
    loop {
        // While the API server is away, Pods live on as they are.
        if let Ok(listed) = pod::list(&context.client).await {
            pods.retain(|uid, latest| {
                latest.receiver_count() > 0 || listed.iter().any(|pod| uid_of(pod) == uid)
            });
            for one in listed.iter().filter(|pod| !is_over(pod)) {
                let uid = uid_of(one);
                if let Some(latest) = pods.get(uid) {
                    latest.send_if_modified(|last| {
                        let is_new = last != one;
                        last.clone_from(one);
                        is_new
                    });
                } else if !one["spec"]["nodeName"].is_null() {
                    let (latest, receiver) = watch::channel(one.clone());
                    pods.insert(uid.to_owned(), latest);
                    tokio::spawn(pod::live(Arc::clone(&context), receiver));
                }
            }
            if let Err(reason) = node::bind_all(&context.client, listed.clone()).await {
                context.fault(reason);
            }
            for (uid, latest) in &pods {
                if !listed.iter().any(|pod| uid_of(pod) == uid) {
                    // Somebody removed it with a grace period of nothing.
                    latest.send_replace(Value::Null);
                }
            }
        }
        sleep(TICK).await;
    }
}

fn uid_of(pod: &Value) -> &str {
    pod["metadata"]["uid"].as_str().unwrap_or_default()
}

fn is_over(pod: &Value) -> bool {
    let over = ["Succeeded", "Failed"].map(Value::from);
    over.contains(&pod["status"]["phase"]) && pod["metadata"]["deletionTimestamp"].is_null()
}
