//! What it costs to have a create judged, through a real API server.

use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::time::sleep;

use crate::api::{Api, RBAC, role_binding};
use crate::at_once::AtOnce;
use crate::shared::holdings::user;
use crate::statistics::{median, percentile};
use crate::support::{Bindguard, ControlPlane, Registration, unique};
use crate::table::{Budget, Table};

/// How much longer the median create may take.
const MILLISECONDS_AT_MOST: f64 = 0.6;
/// Rounds of one block of each kind, in turn in one order and the other, so that what changes with
/// time on the machine falls on all alike.
const ROUNDS: usize = 12;
/// Creates in each block, and before each, which bring up connections and caches.
const CREATES: usize = 200;
const FIRST: usize = 30;
const DENIALS: usize = 8;
/// A new read before a denial begins half a second after the last at the earliest. That denials
/// queue is none of what one costs.
const BETWEEN_DENIALS: Duration = Duration::from_millis(700);

/// Who is asked about creates.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    Nobody,
    /// A webhook that allows everything at once.
    AtOnce,
    Bindguard,
}

const KINDS: [Asked; 3] = [Asked::Nobody, Asked::AtOnce, Asked::Bindguard];

pub(crate) fn table(
    runtime: &Runtime,
    api: &Api,
    control_plane: &ControlPlane,
    bindguard: &Bindguard,
) -> Table {
    let at_once = AtOnce::start();
    let webhooks = Webhooks { bindguard, at_once };
    let mut times: [Vec<f64>; 3] = Default::default();
    let (mut by_asking, mut by_bindguard, mut denied) = (Vec::new(), Vec::new(), Vec::new());
    let mut registered = None;
    for round in 0..ROUNDS {
        let mut medians = [0.0; 3];
        let mut kinds = KINDS;
        if round % 2 == 1 {
            kinds.reverse();
        }
        for kind in kinds {
            if registered.as_ref().is_none_or(|(asked, _)| *asked != kind) {
                // The one before must be gone first.
                drop(registered.take());
                registered = Some((kind, webhooks.register(kind, control_plane)));
            }
            runtime.block_on(webhooks.until_asked_are(kind, api));
            let before = webhooks.answered();
            let block = runtime.block_on(block(api, CREATES));
            assert_eq!(webhooks.answered(), after(before, kind, CREATES));
            medians[kind as usize] = median(block.iter().copied());
            times[kind as usize].extend(block);
            if kind == Asked::Bindguard && denied.is_empty() {
                denied = runtime.block_on(denials(api));
            }
        }
        let [plain, asked, judged] = medians;
        by_asking.push(asked - plain);
        by_bindguard.push(judged - plain);
    }
    let [plain, asked, judged] = &times;
    let mut table = Table::new(
        "A create through the API server, one client, in ms",
        &["", "median", "p99"],
    );
    let mut row = |name: &str, times: &[f64]| {
        let of = |percent| format!("{:.2}", percentile(times.iter().copied(), percent));
        table.row([&name, &of(50), &of(99)], Budget::None);
    };
    row("without any webhook", plain);
    row("allowed by a webhook that looks at nothing", asked);
    row("allowed by bindguard", judged);
    row("refused by bindguard, after a live read", &denied);
    let (asking, more) = (median(by_asking), median(by_bindguard));
    table.row(
        [
            &"what asking any webhook adds",
            &format!("{asking:.2}"),
            &"",
        ],
        Budget::None,
    );
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

struct Webhooks<'b> {
    bindguard: &'b Bindguard,
    at_once: AtOnce,
}

impl Webhooks<'_> {
    fn register<'a>(
        &self,
        kind: Asked,
        control_plane: &'a ControlPlane,
    ) -> Option<Registration<'a>> {
        match kind {
            Asked::Nobody => None,
            Asked::AtOnce => Some(self.at_once.register(control_plane)),
            Asked::Bindguard => Some(self.bindguard.register(control_plane)),
        }
    }

    /// How many reviews each has allowed, the one that looks at nothing first.
    fn answered(&self) -> [usize; 2] {
        let by_bindguard = crate::under_change::counted(
            self.bindguard,
            r#"bindguard_requests_total{endpoint="validate",outcome="allow"}"#,
        );
        [self.at_once.answered(), by_bindguard]
    }

    /// API servers take a moment to ask others. What it takes to see brings up connections and
    /// caches, too.
    async fn until_asked_are(&self, kind: Asked, api: &Api) {
        for _ in 0..50 {
            let before = self.answered();
            block(api, FIRST).await;
            if self.answered() == after(before, kind, FIRST) {
                return;
            }
            sleep(Duration::from_millis(100)).await;
        }
        panic!("the API server still asks others");
    }
}

/// What each has answered after so many creates more.
fn after([at_once, by_bindguard]: [usize; 2], kind: Asked, creates: usize) -> [usize; 2] {
    match kind {
        Asked::Nobody => [at_once, by_bindguard],
        Asked::AtOnce => [at_once + creates, by_bindguard],
        Asked::Bindguard => [at_once, by_bindguard + creates],
    }
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
