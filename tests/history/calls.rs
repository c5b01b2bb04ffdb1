//! Calls that are refused, by many users at the same time.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bindguard::kubernetes::client::{ClientOptions, connect};
use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::api::PostParams;
use kube::{Api, Client};
use serde_json::json;
use tokio::runtime::Runtime;
use tokio::time::sleep;

const RBAC: &str = "rbac.authorization.k8s.io";
/// How many calls each user has under way.
const AT_A_TIME: usize = 1;
/// How many bindings each user tries to make, again and again.
const BINDINGS: usize = 10;

/// Calls until so many were refused.
pub(crate) struct Calls {
    shared: Arc<Shared>,
    _runtime: Runtime,
}

struct Shared {
    namespace: String,
    wanted: usize,
    begun: AtomicUsize,
    refused: AtomicUsize,
    failed: AtomicUsize,
}

impl Calls {
    /// So many users, with all the rights that there are, each as who they are.
    pub(crate) fn begin(kubeconfig: &Path, namespace: &str, users: usize, wanted: usize) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime can be built");
        let shared = Arc::new(Shared {
            namespace: namespace.to_owned(),
            wanted,
            begun: AtomicUsize::new(0),
            refused: AtomicUsize::new(0),
            failed: AtomicUsize::new(0),
        });
        for user in 0..users {
            let options = ClientOptions {
                kubeconfig: Some(kubeconfig.to_owned()),
                impersonate: Some(format!("user-{user}@example.com")),
                impersonate_groups: vec!["system:masters".to_owned()],
                ..ClientOptions::default()
            };
            let client = runtime
                .block_on(connect(&options))
                .expect("the kubeconfig is good");
            for _ in 0..AT_A_TIME {
                runtime.spawn(call(Arc::clone(&shared), client.clone()));
            }
        }
        Self {
            shared,
            _runtime: runtime,
        }
    }

    /// Waits until so many were refused.
    #[track_caller]
    pub(crate) fn until(&self, number: usize) {
        let limit = Instant::now() + Duration::from_mins(2);
        while self.refused() < number {
            assert!(
                Instant::now() < limit,
                "only {} were refused",
                self.refused()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// How many calls were refused, as their clients saw it.
    pub(crate) fn refused(&self) -> usize {
        self.shared.refused.load(Ordering::SeqCst)
    }

    /// How many calls were not answered by bindguard, and were made again.
    pub(crate) fn failed(&self) -> usize {
        self.shared.failed.load(Ordering::SeqCst)
    }
}

async fn call(shared: Arc<Shared>, client: Client) {
    let api: Api<RoleBinding> = Api::namespaced(client, &shared.namespace);
    loop {
        let number = shared.begun.fetch_add(1, Ordering::SeqCst);
        if number >= shared.wanted {
            return;
        }
        let binding = json!({
            "apiVersion": format!("{RBAC}/v1"),
            "kind": "RoleBinding",
            "metadata": {"name": format!("refused-{}", number % BINDINGS)},
            "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "spectro-vm-user"},
            "subjects": [{"apiGroup": RBAC, "kind": "User", "name": "nobody@example.com"}],
        });
        let binding: RoleBinding = serde_json::from_value(binding).expect("a RoleBinding");
        loop {
            match api.create(&PostParams::default(), &binding).await {
                Err(kube::Error::Api(status)) if status.message.contains("denied the request") => {
                    shared.refused.fetch_add(1, Ordering::SeqCst);
                    break;
                }
                Ok(_) => panic!("a binding without companions was let through"),
                Err(_) => {
                    shared.failed.fetch_add(1, Ordering::SeqCst);
                    sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }
}
