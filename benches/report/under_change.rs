//! How long calls take while the holdings change a thousand times a second.

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::load::{Loader, Run};
use crate::shared::ReviewOf;
use crate::support::{Bindguard, Serve, fresh_folder};
use crate::table::{Budget, Table};
use crate::{BINDGUARD, fake_api};

const RATE: u32 = 500;
/// Twenty seconds' worth.
const REQUESTS: u32 = 20 * RATE;
const MILLISECONDS_AT_MOST: f64 = 5.0;
/// Bindguard, the loader and the API server share what there is.
const ALL_CPUS: &str = "0,1";

pub(crate) fn tables() -> Vec<Table> {
    let folder = fresh_folder("change");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let address = runtime.block_on(fake_api::start());
    let kubeconfig = folder.join("kubeconfig");
    let configuration = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "fake", "cluster": {"server": format!("http://{address}")}}],
        "users": [{"name": "fake", "user": {}}],
        "contexts": [{"name": "fake", "context": {"cluster": "fake", "user": "fake"}}],
        "current-context": "fake",
    });
    fs::write(&kubeconfig, configuration.to_string()).expect("the folder can be written");
    let bindguard = Serve::new(BINDGUARD).kubeconfig(kubeconfig).start();
    sleep(Duration::from_secs(1));

    let loader = Loader::new(&folder, ReviewOf::subjects(1).body());
    let url = format!("{}/validate?timeout=10s", bindguard.url());
    let (begin, before) = (Instant::now(), changes(&bindguard));
    let run = loader.h2load(
        ALL_CPUS,
        &url,
        REQUESTS,
        &[
            "--clients=1",
            "--max-concurrent-streams=100",
            &format!("--rps={RATE}"),
        ],
    );
    let taken_in = (changes(&bindguard) - before) as f64 / begin.elapsed().as_secs_f64();
    vec![table(run, taken_in)]
}

fn table(run: Run, changes: f64) -> Table {
    let mut table = Table::new(
        "500 calls a second over HTTP/2 on both processors, while the holdings change",
        &[
            "changes of 20 subjects/s",
            "calls/s",
            "median, ms",
            "p99, ms",
            "at most",
        ],
    );
    let p99 = run.p99 / 1e3;
    table.row(
        [
            &format!("{changes:.0}"),
            &format!("{:.0}", run.requests / run.seconds),
            &format!("{:.2}", run.p50 / 1e3),
            &format!("{p99:.2}"),
            &MILLISECONDS_AT_MOST,
        ],
        Budget::of(p99 <= MILLISECONDS_AT_MOST),
    );
    table
}

/// How many changes of the holdings bindguard has taken in.
fn changes(bindguard: &Bindguard) -> usize {
    counted(
        bindguard,
        r#"bindguard_watch_events_total{kind="ClusterRoleBinding"}"#,
    )
}

/// The value of a counter of bindguard's.
pub(crate) fn counted(bindguard: &Bindguard, series: &str) -> usize {
    let (_, metrics) = bindguard.admin("/metrics").expect("the admin port answers");
    let line = metrics.lines().find_map(|line| line.strip_prefix(series));
    let value = line.unwrap_or_else(|| panic!("no {series} in\n{metrics}"));
    value.trim().parse().expect("a counter is a number")
}
