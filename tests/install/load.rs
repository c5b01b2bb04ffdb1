//! Bindings that are written through the API server all the while, so many a second.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bindguard::kubernetes::client::{ClientOptions, connect};
use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::time::{MissedTickBehavior, interval};

use crate::support::{ADMIN, unique};
use crate::world::World;

const RBAC: &str = "rbac.authorization.k8s.io";
/// Holds both companions.
const COVERED: &str = "covered@example.com";

/// The reason of a failure: nobody was asked.
pub(crate) const LET_THROUGH: &str = "a binding without companions was let through";

/// More than these would only wait for each other.
const MOST_UNDER_WAY: usize = 64;

/// What came of all that was written.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) applied: usize,
    pub(crate) denied: usize,
    pub(crate) failures: Vec<Failure>,
    pub(crate) slowest: Duration,
}

#[derive(Clone, Debug)]
pub(crate) struct Failure {
    /// Since the beginning.
    pub(crate) at: Duration,
    pub(crate) reason: String,
}

/// Applies persona bindings until it is ended: of three, one is made, it is changed, and one for
/// somebody without companions is refused.
pub(crate) struct Load {
    shared: Arc<Shared>,
    a_second: u32,
    runtime: Option<Runtime>,
    turn: Option<MutexGuard<'static, ()>>,
}

struct Shared {
    client: Client,
    namespace: String,
    report: Mutex<Report>,
    started: AtomicUsize,
    under_way: AtomicUsize,
    ended: AtomicBool,
    begin: Instant,
}

impl Load {
    /// So many writes a second, in a namespace of their own. One at a time: two would measure
    /// what the machine can do, and not bindguard.
    pub(crate) fn begin(world: &World, a_second: u32) -> Self {
        static TURN: Mutex<()> = Mutex::new(());
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let mut load = Self::light(world, a_second);
        load.turn = Some(turn);
        load
    }

    /// So few writes a second that another load does not notice.
    pub(crate) fn light(world: &World, a_second: u32) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime can be built");
        let options = ClientOptions {
            kubeconfig: Some(world.plane.kubeconfig(ADMIN)),
            ..ClientOptions::default()
        };
        let client = runtime
            .block_on(connect(&options))
            .expect("the administrator's kubeconfig is good");
        world.cover(COVERED);
        let shared = Arc::new(Shared {
            client,
            namespace: world.plane.namespace(),
            report: Mutex::default(),
            started: AtomicUsize::new(0),
            under_way: AtomicUsize::new(0),
            ended: AtomicBool::new(false),
            begin: Instant::now(),
        });
        runtime.spawn(pace(Arc::clone(&shared), a_second));
        Self {
            shared,
            a_second,
            runtime: Some(runtime),
            turn: None,
        }
    }

    /// How long it has been going on.
    pub(crate) fn elapsed(&self) -> Duration {
        self.shared.begin.elapsed()
    }

    /// What has failed so far.
    pub(crate) fn failures(&self) -> Vec<Failure> {
        self.shared.report().failures.clone()
    }

    /// Ends it, waits for what is under way, and tells what came of all.
    pub(crate) fn end(mut self) -> Report {
        self.shared.ended.store(true, Ordering::SeqCst);
        let limit = Instant::now() + Duration::from_secs(30);
        while self.shared.under_way.load(Ordering::SeqCst) > 0 && Instant::now() < limit {
            std::thread::sleep(Duration::from_millis(20));
        }
        self.stop();
        std::mem::take(&mut *self.shared.report())
    }

    /// Ends it; none of all may have failed.
    #[track_caller]
    pub(crate) fn end_without_failure(self, what: &str) -> Report {
        let (took, wanted) = (self.elapsed(), f64::from(self.a_second));
        let report = self.end();
        let Report {
            applied,
            denied,
            slowest,
            ..
        } = report;
        let written = u32::try_from(applied + denied).expect("not so many");
        let rate = f64::from(written) / took.as_secs_f64();
        eprintln!(
            "figure: {what}: {applied} applied and {denied} denied in {took:.1?}, {rate:.0} a \
             second, the slowest took {slowest:.1?}, {} failed",
            report.failures.len()
        );
        assert!(
            report.failures.is_empty(),
            "{what}: {} of {} failed: {:#?}",
            report.failures.len(),
            applied + denied + report.failures.len(),
            report.failures.iter().take(5).collect::<Vec<_>>()
        );
        assert!(applied > 0 && denied > 0, "nothing was written");
        assert!(
            rate > wanted / 2.0,
            "{rate} a second: the machine is too busy to show anything"
        );
        report
    }

    fn stop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    fn report(&self) -> MutexGuard<'_, Report> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn pace(shared: Arc<Shared>, a_second: u32) {
    let mut ticks = interval(Duration::from_secs(1) / a_second);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    while !shared.ended.load(Ordering::SeqCst) {
        ticks.tick().await;
        if shared.under_way.load(Ordering::SeqCst) >= MOST_UNDER_WAY {
            continue;
        }
        let number = shared.started.fetch_add(1, Ordering::SeqCst);
        shared.under_way.fetch_add(1, Ordering::SeqCst);
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let start = Instant::now();
            let done = write(&shared, number).await;
            {
                let mut report = shared.report();
                report.slowest = report.slowest.max(start.elapsed());
                match done {
                    Ok(true) => report.applied += 1,
                    Ok(false) => report.denied += 1,
                    Err(reason) => report.failures.push(Failure {
                        at: shared.begin.elapsed(),
                        reason,
                    }),
                }
            }
            shared.under_way.fetch_sub(1, Ordering::SeqCst);
        });
    }
}

/// Whether it was applied, or refused as it should be.
async fn write(shared: &Shared, number: usize) -> Result<bool, String> {
    let api: Api<RoleBinding> = Api::namespaced(shared.client.clone(), &shared.namespace);
    let name = format!("load-{}", number / 3);
    if number % 3 == 2 {
        let uncovered = unique("uncovered");
        let binding = binding(&uncovered, &uncovered, number);
        let binding: RoleBinding = serde_json::from_value(binding).expect("a RoleBinding");
        return match api.create(&PostParams::default(), &binding).await {
            Err(kube::Error::Api(status)) if status.message.contains("denied the request") => {
                Ok(false)
            }
            Err(kube::Error::Api(status)) => Err(status.message),
            Err(error) => Err(error.to_string()),
            Ok(_) => Err(LET_THROUGH.to_owned()),
        };
    }
    // An apply that meets another one's write of the same object is to be repeated, by contract.
    let parameters = PatchParams::apply("load").force();
    let binding = binding(&name, COVERED, number);
    match api.patch(&name, &parameters, &Patch::Apply(&binding)).await {
        Ok(_) => Ok(true),
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(true),
        Err(kube::Error::Api(status)) => Err(status.message),
        Err(error) => Err(error.to_string()),
    }
}

pub(crate) fn binding(name: &str, user: &str, number: usize) -> Value {
    json!({
        "apiVersion": format!("{RBAC}/v1"),
        "kind": "RoleBinding",
        "metadata": {"name": name, "annotations": {"example.com/number": number.to_string()}},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "spectro-vm-user"},
        "subjects": [{"apiGroup": RBAC, "kind": "User", "name": user}],
    })
}
