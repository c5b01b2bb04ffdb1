//! How long it takes from a persona binding that orders its companions until they are there.

use std::pin::pin;
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use futures::stream::iter;
use k8s_openapi::api::rbac::v1::ClusterRoleBinding;
use kube::runtime::watcher::{Config, Event, watcher};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::BINDGUARD;
use crate::api::{Api, RBAC, role_binding};
use crate::statistics::percentile;
use crate::support::{ADMIN, ControlPlane, Controller, Serve, User, fresh_folder};
use crate::table::{Budget, Table};

const ORDERS: usize = 500;
/// Before those that count, which bring up connections.
const FIRST: usize = 20;
const MILLISECONDS_AT_MOST: f64 = 1000.0;
const COMPANIONS: usize = 2;
/// How many are ordered at once, and by how many requests at a time.
const AT_ONCE: usize = 1_000;
const AT_A_TIME: usize = 64;
/// How many creates of somebody else are measured before.
const BEFORE: usize = 500;
/// Something hangs if it takes longer.
const LIMIT: Duration = Duration::from_secs(30);

pub(crate) fn tables() -> Vec<Table> {
    let plane = ControlPlane::start(&[]);
    plane.install_roles();
    let policy = fresh_folder("policy").join("policy.yaml");
    let built_in = "apiVersion: bindguard.dev/v1alpha1\nkind: BindingPolicy\nspec: {}\n";
    std::fs::write(&policy, built_in).expect("a policy can be written");
    let bindguard = Serve::new(BINDGUARD)
        .kubeconfig(&plane.accounts().serve)
        .policy(&policy)
        .start();
    let _registered = bindguard.register(&plane);
    let _controller = Controller::start(BINDGUARD, &plane, &policy);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let other = plane.kubeconfig(User::named("somebody-else").in_group("system:masters"));
    let (times, at_once) = runtime.block_on(async {
        let api = Api::connect(&plane.kubeconfig(ADMIN)).await;
        until_orders_are_taken(&api).await;
        let times = measure(&api).await;
        (times, at_once(&api, &Api::connect(&other).await).await)
    });
    vec![table(&times), at_once.table()]
}

/// Tries until somebody who asks is not refused, which needs an epoch.
async fn until_orders_are_taken(api: &Api) {
    let path = format!("{RBAC}/namespaces/default/rolebindings?dryRun=All");
    let began = Instant::now();
    while api.create(&path, &asking("probe")).await.is_err() {
        assert!(began.elapsed() < LIMIT, "no orders are taken");
        sleep(Duration::from_millis(100)).await;
    }
}

/// Milliseconds from before each create until a watch has brought both companions.
async fn measure(api: &Api) -> Vec<f64> {
    let bindings: kube::Api<ClusterRoleBinding> = kube::Api::all(api.client());
    let ours = Config::default().labels("app.kubernetes.io/part-of=bindguard");
    let mut events = pin!(watcher(bindings, ours));
    let path = format!("{RBAC}/namespaces/default/rolebindings");
    let mut times = Vec::with_capacity(ORDERS);
    for number in 0..FIRST + ORDERS {
        let name = format!("ordered-for-{number}");
        let began = Instant::now();
        let created = api.create(&path, &asking(&name)).await;
        created.unwrap_or_else(|error| panic!("an order is refused: {error}"));
        let mut seen = 0;
        while seen < COMPANIONS {
            let event = timeout(LIMIT, events.next()).await;
            let event = event
                .expect("companions are made")
                .expect("a watch goes on");
            if let Ok(Event::Apply(binding) | Event::InitApply(binding)) = event {
                let subjects = binding.subjects.unwrap_or_default();
                seen += usize::from(subjects.iter().any(|subject| subject.name == name));
            }
        }
        if number >= FIRST {
            times.push(began.elapsed().as_secs_f64() * 1e3);
        }
    }
    times
}

/// What somebody else notices while many order at once.
struct AtOnce {
    before: Vec<f64>,
    meanwhile: Vec<f64>,
    /// From the first order until all companions are seen.
    seconds: f64,
}

async fn at_once(api: &Api, other: &Api) -> AtOnce {
    let mut before = Vec::with_capacity(BEFORE);
    for number in 0..BEFORE {
        before.push(create_covered(other, &format!("before-{number}")).await);
    }
    let bindings: kube::Api<ClusterRoleBinding> = kube::Api::all(api.client());
    let ours = Config::default().labels("app.kubernetes.io/part-of=bindguard");
    let mut events = pin!(watcher(bindings, ours));
    let path = format!("{RBAC}/namespaces/default/rolebindings");
    let began = Instant::now();
    let ordering = iter(0..AT_ONCE)
        .map(|number| {
            let path = &path;
            async move {
                let created = api
                    .create(path, &asking(&format!("at-once-{number}")))
                    .await;
                created.unwrap_or_else(|error| panic!("an order is refused: {error}"));
            }
        })
        .buffer_unordered(AT_A_TIME)
        .collect::<Vec<()>>();
    let seeing = async {
        let mut seen = 0;
        while seen < AT_ONCE * COMPANIONS {
            let event = timeout(LIMIT, events.next()).await;
            let event = event
                .expect("companions are made")
                .expect("a watch goes on");
            if let Ok(Event::Apply(binding) | Event::InitApply(binding)) = event {
                let mut subjects = binding.subjects.into_iter().flatten();
                seen += usize::from(subjects.any(|one| one.name.starts_with("at-once-")));
            }
        }
    };
    let mut meanwhile = Vec::new();
    let writing = async {
        for number in 0.. {
            meanwhile.push(create_covered(other, &format!("meanwhile-{number}")).await);
        }
    };
    tokio::select! {
        _ = async { tokio::join!(ordering, seeing) } => {}
        () = writing => {}
    }
    AtOnce {
        before,
        meanwhile,
        seconds: began.elapsed().as_secs_f64(),
    }
}

/// Milliseconds of a create that lacks nothing.
async fn create_covered(api: &Api, name: &str) -> f64 {
    // Ordered above, and there.
    let covered = std::iter::once("ordered-for-0".to_owned());
    let binding = role_binding(name, "spectro-vm-user", covered);
    let path = format!("{RBAC}/namespaces/default/rolebindings");
    let began = Instant::now();
    let created = api.create(&path, &binding).await;
    created.unwrap_or_else(|error| panic!("a covered user may be bound: {error}"));
    began.elapsed().as_secs_f64() * 1e3
}

impl AtOnce {
    fn table(&self) -> Table {
        let mut table = Table::new(
            "A create of somebody else before, and while 1,000 bindings order companions, 64 at a time",
            &["", "before", "meanwhile", "ratio"],
        );
        for (name, percent) in [("median, ms", 50), ("99th of 100, ms", 99)] {
            let of = |times: &[f64]| percentile(times.iter().copied(), percent);
            let (before, meanwhile) = (of(&self.before), of(&self.meanwhile));
            let [shown_before, shown] = [before, meanwhile].map(|time| format!("{time:.1}"));
            let ratio = format!("{:.1}", meanwhile / before);
            table.row([&name, &shown_before, &shown, &ratio], Budget::None);
        }
        let seconds = format!("{:.1}", self.seconds);
        let what = "seconds until all 2,000 companions are there";
        table.row([&what, &"", &seconds, &""], Budget::None);
        table
    }
}

fn asking(name: &str) -> Value {
    let mut binding = role_binding(name, "spectro-vm-user", std::iter::once(name.to_owned()));
    binding["metadata"]["annotations"] = json!({"bindguard.dev/provision": "true"});
    binding
}

fn table(times: &[f64]) -> Table {
    let mut table = Table::new(
        "Companions that are ordered: from before the create of the persona binding until both are seen",
        &["", "of 500, one after the other", "at most"],
    );
    let shown = |percent| percentile(times.iter().copied(), percent);
    table.row(
        [&"median, ms", &format!("{:.0}", shown(50)), &""],
        Budget::None,
    );
    let slow = shown(99);
    table.row(
        [
            &"99th of 100, ms",
            &format!("{slow:.0}"),
            &MILLISECONDS_AT_MOST,
        ],
        Budget::of(slow <= MILLISECONDS_AT_MOST),
    );
    table
}
