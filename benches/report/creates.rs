//! What it costs to have a create judged, through a real API server.

use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::time::sleep;

use crate::api::{Api, RBAC, role_binding};
use crate::shared::holdings::user;
use crate::statistics::{median, percentile};
use crate::support::{Bindguard, ControlPlane, unique};
use crate::table::{Budget, Table};

/// How much longer the median create may take.
const MILLISECONDS_AT_MOST: f64 = 0.6;
/// Pairs of a block with the webhooks and one without, in turn the one and the other first, so that
/// what changes with time on the machine falls on both alike.
const PAIRS: usize = 12;
/// Creates in each block, and before each, which bring up connections and caches.
const CREATES: usize = 200;
const FIRST: usize = 30;
const DENIALS: usize = 8;
/// A new read before a denial begins half a second after the last at the earliest. That denials
/// queue is none of what one costs.
const BETWEEN_DENIALS: Duration = Duration::from_millis(700);

pub(crate) fn table(
    runtime: &Runtime,
    api: &Api,
    control_plane: &ControlPlane,
    bindguard: &Bindguard,
) -> Table {
    let (mut judged, mut plain, mut differences) = (Vec::new(), Vec::new(), Vec::new());
    let mut denied = Vec::new();
    let mut registration = None;
    for pair in 0..PAIRS {
        let mut medians = [0.0; 2];
        let with_first = pair % 2 == 0;
        for with in [with_first, !with_first] {
            if with && registration.is_none() {
                registration = Some(bindguard.register(control_plane));
            } else if !with && registration.take().is_some() {
                runtime.block_on(until_nobody_asks(api, bindguard));
            }
            runtime.block_on(block(api, FIRST));
            let before = validated(bindguard);
            let times = runtime.block_on(block(api, CREATES));
            let asked = validated(bindguard) - before;
            assert_eq!(asked, if with { CREATES } else { 0 }, "creates judged");
            medians[usize::from(with)] = median(times.iter().copied());
            let all = if with { &mut judged } else { &mut plain };
            all.extend(times);
            if with && denied.is_empty() {
                denied = runtime.block_on(denials(api));
            }
        }
        differences.push(medians[1] - medians[0]);
    }
    let mut table = Table::new(
        "A create through the API server, one client, in ms",
        &["", "median", "p99"],
    );
    let mut row = |name: &str, times: &[f64]| {
        let of = |percent| format!("{:.2}", percentile(times.iter().copied(), percent));
        table.row([&name, &of(50), &of(99)], Budget::None);
    };
    row("allowed by bindguard", &judged);
    row("without any webhook", &plain);
    row("refused by bindguard, after a live read", &denied);
    let more = median(differences);
    table.row(
        [
            &format!("what being judged adds, at most {MILLISECONDS_AT_MOST}"),
            &format!("{more:.2}"),
            &"",
        ],
        Budget::of(more <= MILLISECONDS_AT_MOST),
    );
    table
}

/// The milliseconds of each of so many creates, one after the other.
async fn block(api: &Api, creates: usize) -> Vec<f64> {
    let mut times = Vec::with_capacity(creates);
    for number in 0..creates {
        let covered = user(u32::try_from(number).expect("few") % 2_000);
        let (took, result) = create(api, covered).await;
        result.expect("a covered user may be bound");
        times.push(took);
    }
    times
}

async fn denials(api: &Api) -> Vec<f64> {
    let mut times = Vec::with_capacity(DENIALS);
    for _ in 0..DENIALS {
        sleep(BETWEEN_DENIALS).await;
        let (took, result) = create(api, "nobody@example.com".to_owned()).await;
        let error = result.expect_err("nobody is covered").to_string();
        assert!(error.contains("denied the request"), "{error}");
        times.push(took);
    }
    times
}

async fn create(api: &Api, user: String) -> (f64, kube::Result<()>) {
    let name = unique("create");
    let binding = role_binding(&name, "spectro-vm-user", [user].into_iter());
    let path = format!("{RBAC}/namespaces/default/rolebindings");
    let begin = Instant::now();
    let result = api.create(&path, &binding).await;
    (begin.elapsed().as_secs_f64() * 1e3, result)
}

/// API servers go on asking for a moment after the configurations are gone.
async fn until_nobody_asks(api: &Api, bindguard: &Bindguard) {
    for _ in 0..50 {
        sleep(Duration::from_millis(100)).await;
        let before = validated(bindguard);
        block(api, FIRST).await;
        if validated(bindguard) == before {
            return;
        }
    }
    panic!("the API server still asks bindguard");
}

/// How many reviews bindguard has allowed.
fn validated(bindguard: &Bindguard) -> usize {
    crate::under_change::counted(
        bindguard,
        r#"bindguard_requests_total{endpoint="validate",outcome="allow"}"#,
    )
}
