//! A thousand orders at once by one requester, as a client sends them that waits for nothing: all are
//! taken and carried out, and whoever writes other bindings meanwhile is answered as ever.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bindguard::kubernetes::client::{ClientOptions, connect};
use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::api::{Api, PostParams};
use serde_json::{Value, json};

use crate::crew::{Crew, NAMESPACES, TEMPLATES, binding_of};
use crate::many::{arrive, peak_memory};
use crate::support::{ADMIN, ControlPlane, eventually};
use crate::world::{POLICY, both, role_binding, user};

/// More than there are questions for in a second, were each of them to ask its own.
const AT_A_TIME: usize = 64;
/// How long the API server waits for `validate.bindguard.dev`.
const WEBHOOK_WAITS: Duration = Duration::from_secs(10);
/// What a replica and a controller have, by design, in MiB.
const MOST_MEMORY: u64 = 64;
/// Until all are carried out.
const LIMIT: Duration = Duration::from_mins(5);
/// How many others are written before, for comparison.
const BEFORE: usize = 200;

#[test]
fn a_thousand_at_once_by_one_requester_are_all_taken_and_nobody_else_notices() {
    let is_soak = std::env::var_os("BINDGUARD_SOAK").is_some();
    let orders = if is_soak { 10_000 } else { 1_000 };
    let plane = Box::leak(Box::new(ControlPlane::start(&[])));
    let crew = Crew::gather(plane, POLICY);
    crew.restore();
    let namespace = plane.namespace();
    for role in [NAMESPACES, TEMPLATES] {
        let role_flag = format!("--clusterrole={role}");
        let args = [
            "create",
            "clusterrolebinding",
            role,
            &role_flag,
            "--user=covered",
        ];
        plane.kubectl(ADMIN, &args).expect_success();
    }
    let other = plane.kubeconfig(user("norman", &[]));
    let quiet = creates(&other, &namespace, "before", |number| number < BEFORE);

    let done = AtomicBool::new(false);
    let began = Instant::now();
    let (ordered, meanwhile) = std::thread::scope(|scope| {
        let ordering = scope.spawn(|| {
            arrive(&plane.kubeconfig(both()), &namespace, orders, AT_A_TIME);
            began.elapsed()
        });
        let others = scope.spawn(|| {
            creates(&other, &namespace, "meanwhile", |_| {
                !done.load(Ordering::SeqCst)
            })
        });
        // Each is taken, or `arrive` fails: it lacks its companions.
        let ordered = ordering.join();
        let made = eventually(LIMIT, || (companions(&crew) >= 2 * orders).then_some(()));
        done.store(true, Ordering::SeqCst);
        assert!(
            made.is_some(),
            "{} of {}: {}",
            companions(&crew),
            2 * orders,
            crew.log()
        );
        (
            ordered.expect("all are taken"),
            others.join().expect("nobody is refused"),
        )
    });
    let carried_out = began.elapsed();
    assert_eq!(companions(&crew), 2 * orders);
    assert!(!meanwhile.is_empty());
    let slowest = meanwhile.iter().max().copied().unwrap_or_default();
    assert!(slowest < WEBHOOK_WAITS, "{slowest:?}");

    let (_, metrics) = crew
        .bindguard
        .admin("/metrics")
        .expect("metrics are served");
    let asked = |result: &str| {
        value(
            &metrics,
            "access_reviews_total",
            &format!("result=\"{result}\""),
        )
    };
    assert_eq!(
        (asked("refused"), asked("failed"), asked("denied")),
        (0, 0, 0)
    );
    // A yes lasts for five seconds, and nobody asks what is being asked.
    assert!(
        asked("allowed") <= 4 + began.elapsed().as_secs() / 5,
        "{}",
        asked("allowed")
    );
    let served = peak_memory(crew.bindguard.id()) / 1024;
    let controllers = crew.controllers();
    let carried = controllers
        .iter()
        .map(|one| peak_memory(one.process.id()) / 1024)
        .max();
    let carried = carried.unwrap_or_default();
    assert!(
        served <= MOST_MEMORY && carried <= MOST_MEMORY,
        "{served} and {carried} MiB"
    );
    let (before, during) = (median(quiet), median(meanwhile));
    eprintln!(
        "figure: {orders} orders, {AT_A_TIME} at a time, taken in {ordered:.1?}, carried out after \
         {carried_out:.1?}; a create of somebody else took {during:.1?} at the median and {slowest:.0?} \
         at most, {before:.1?} before; memory at most {served} MiB of serve, {carried} of the controller"
    );
}

/// How long each create took of bindings that lack nothing, one after the other for as long as it says.
fn creates(
    kubeconfig: &Path,
    namespace: &str,
    prefix: &str,
    goes_on: impl Fn(usize) -> bool,
) -> Vec<Duration> {
    let options = ClientOptions {
        kubeconfig: Some(kubeconfig.to_owned()),
        ..ClientOptions::default()
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let client = connect(&options).await.expect("a client");
        let api: Api<RoleBinding> = Api::namespaced(client, namespace);
        let mut times = Vec::new();
        while goes_on(times.len()) {
            let name = format!("{prefix}-{}", times.len());
            let object = binding_of("covered", role_binding(namespace, &name));
            let object: RoleBinding = serde_json::from_value(object).expect("a binding");
            let began = Instant::now();
            let created = api.create(&PostParams::default(), &object).await;
            created.unwrap_or_else(|error| panic!("it lacks nothing: {error}"));
            times.push(began.elapsed());
        }
        times
    })
}

/// How many companion bindings have been made.
pub(crate) fn companions(crew: &Crew) -> usize {
    let selector = "--selector=app.kubernetes.io/part-of=bindguard";
    let made = crew.get(&["clusterrolebindings", selector]);
    let made = made["items"].as_array().expect("a list").iter();
    // The chart's own bindings have the label, too.
    made.filter(|binding| {
        binding["metadata"]["annotations"]["bindguard.dev/ordered-for"] != json!(Value::Null)
    })
    .count()
}

/// The value of one series.
fn value(metrics: &str, name: &str, labels: &str) -> u64 {
    let prefix = format!("bindguard_{name}{{{labels}}} ");
    let line = metrics.lines().find_map(|line| line.strip_prefix(&prefix));
    line.and_then(|value| value.parse().ok()).expect("a number")
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
