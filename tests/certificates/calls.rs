//! Calls that go through the API server all the while.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bindguard::kubernetes::client::{ClientOptions, connect};
use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::Api;
use kube::api::PostParams;
use serde_json::json;

use crate::support::ADMIN;
use crate::world::{HOLDER, World};

/// Between two calls.
const PAUSE: Duration = Duration::from_millis(20);

/// Makes a binding that is allowed, dry, again and again until it is dropped or ended. With nobody
/// to ask, or none who is trusted, it would be refused.
pub(crate) struct Calls {
    ended: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
    thread: Option<JoinHandle<Vec<String>>>,
}

impl Calls {
    /// Begins, and returns when the first call was answered as it should be.
    pub(crate) fn begin(world: &World) -> Self {
        let ended = Arc::new(AtomicBool::new(false));
        let answered = Arc::new(AtomicUsize::new(0));
        let (ending, counting) = (Arc::clone(&ended), Arc::clone(&answered));
        let kubeconfig = world.plane.kubeconfig(ADMIN);
        let namespace = world.name.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async {
                let options = ClientOptions {
                    kubeconfig: Some(kubeconfig),
                    ..ClientOptions::default()
                };
                let client = connect(&options).await.expect("a client");
                let api = Api::namespaced(client, &namespace);
                let mut wrong = Vec::new();
                until_asked(&api).await;
                let start = Instant::now();
                while !ending.load(Ordering::SeqCst) {
                    match answer(&api).await {
                        Ok(()) => {
                            counting.fetch_add(1, Ordering::SeqCst);
                        }
                        Err(error) => wrong.push(format!("{:?}: {error}", start.elapsed())),
                    }
                    tokio::time::sleep(PAUSE).await;
                }
                wrong
            })
        });
        let calls = Self {
            ended,
            answered,
            thread: Some(thread),
        };
        crate::world::until("a call is answered", || calls.answered() > 0);
        calls
    }

    pub(crate) fn answered(&self) -> usize {
        self.answered.load(Ordering::SeqCst)
    }

    /// Ends, and says how many calls were answered as they should be; none may have failed.
    #[track_caller]
    pub(crate) fn end(mut self) -> usize {
        let wrong = self.stop();
        assert!(wrong.is_empty(), "{} calls failed: {wrong:#?}", wrong.len());
        self.answered()
    }

    fn stop(&mut self) -> Vec<String> {
        self.ended.store(true, Ordering::SeqCst);
        let thread = self.thread.take();
        thread
            .map(|thread| thread.join().expect("calls"))
            .unwrap_or_default()
    }
}

impl Drop for Calls {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A binding that must be allowed, whoever is behind the Service: its subject holds what it needs.
async fn answer(api: &Api<RoleBinding>) -> Result<(), String> {
    let binding = binding(HOLDER);
    match api.create(&parameters(), &binding).await {
        Ok(_) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

/// Waits until a binding that must be refused is, which shows that somebody is asked.
async fn until_asked(api: &Api<RoleBinding>) {
    let binding = binding("nobody@example.com");
    loop {
        let answer = api.create(&parameters(), &binding).await;
        if answer.is_err_and(|error| error.to_string().contains("denied the request")) {
            return;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn parameters() -> PostParams {
    PostParams {
        dry_run: true,
        ..PostParams::default()
    }
}

fn binding(user: &str) -> RoleBinding {
    serde_json::from_value(json!({
        "metadata": {"name": "probe"},
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "spectro-vm-user",
        },
        "subjects": [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": user}],
    }))
    .expect("a binding")
}
