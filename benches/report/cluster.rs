//! bindguard with a real API server that has much in it.

use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::api::{Api, RBAC, companion_bindings, role_binding};
use crate::process::peak_memory;
use crate::shared::holdings::user;
use crate::statistics::median;
use crate::support::{ADMIN, Bindguard, ControlPlane, Serve};
use crate::table::{Budget, Table};
use crate::{BINDGUARD, commands, creates};

const COMPANION_BINDINGS: u32 = 200;
const SUBJECTS: u32 = 20;
const ROLE_BINDINGS: u32 = 11_000;
const NAMESPACES: u32 = 50;

/// The middle one of so many starts counts.
const STARTS: usize = 7;
const START_AT_MOST: f64 = 1000.0;
const MEMORY_AT_MOST: f64 = 64.0;
/// Seconds.
const SCAN_AT_MOST: f64 = 10.0;

pub(crate) fn tables() -> Vec<Table> {
    let control_plane = ControlPlane::start(&[]);
    control_plane.install_roles();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let api = runtime.block_on(Api::connect(&control_plane.kubeconfig(ADMIN)));
    runtime.block_on(fill(&api));

    let mut starts = Vec::new();
    let mut peaks = Vec::new();
    for _ in 0..STARTS {
        let (milliseconds, bindguard) = start(&control_plane);
        starts.push(milliseconds);
        // What is done after being ready counts too.
        sleep(Duration::from_millis(500));
        peaks.push(peak_memory(bindguard.id()));
    }
    let (_, bindguard) = start(&control_plane);
    let creates = creates::table(&runtime, &api, &control_plane, &bindguard);
    peaks.push(peak_memory(bindguard.id()));
    vec![of_starts(&starts, &peaks), creates, scan(&control_plane)]
}

/// A look at everything that is there.
fn scan(control_plane: &ControlPlane) -> Table {
    let mut table = Table::new(
        "`bindguard scan` of all this",
        &["", "worst of 3", "at most"],
    );
    let runs: Vec<(f64, f64)> = (0..3)
        .map(|_| {
            let mut command = Command::new(BINDGUARD);
            command.arg("scan").arg("--kubeconfig");
            command.arg(control_plane.kubeconfig(ADMIN));
            commands::run(command)
        })
        .collect();
    let seconds = runs.iter().map(|(seconds, _)| *seconds).fold(0.0, f64::max);
    let mebibytes = runs
        .iter()
        .map(|(_, mebibytes)| *mebibytes)
        .fold(0.0, f64::max);
    table.row(
        [&"seconds", &format!("{seconds:.2}"), &SCAN_AT_MOST],
        Budget::of(seconds <= SCAN_AT_MOST),
    );
    let memory = format!("{mebibytes:.0}");
    table.row([&"peak memory, MiB", &memory, &""], Budget::None);
    table
}

/// Milliseconds from before the process exists until it says that it is ready.
fn start(control_plane: &ControlPlane) -> (f64, Bindguard) {
    let begin = Instant::now();
    let bindguard = Serve::new(BINDGUARD)
        .kubeconfig(control_plane.kubeconfig(ADMIN))
        .launch();
    while !matches!(bindguard.admin("/readyz"), Ok((200, _))) {
        assert!(
            begin.elapsed() < Duration::from_secs(30),
            "never ready:\n{}",
            bindguard.stderr()
        );
        sleep(Duration::from_millis(2));
    }
    (begin.elapsed().as_secs_f64() * 1e3, bindguard)
}

fn of_starts(starts: &[f64], peaks: &[f64]) -> Table {
    let mut table = Table::new(
        "A cluster of 200 companion bindings of 20 subjects and 11,000 RoleBindings",
        &["", "median", "worst", "at most"],
    );
    let worst = |values: &[f64]| values.iter().copied().fold(0.0, f64::max);
    let middle = median(starts.iter().copied());
    table.row(
        [
            &"from start to ready, ms",
            &format!("{middle:.0}"),
            &format!("{:.0}", worst(starts)),
            &START_AT_MOST,
        ],
        Budget::of(middle <= START_AT_MOST),
    );
    table.row(
        [
            &"peak memory with start and all creates below, MiB",
            &format!("{:.1}", median(peaks.iter().copied())),
            &format!("{:.1}", worst(peaks)),
            &MEMORY_AT_MOST,
        ],
        Budget::of(worst(peaks) <= MEMORY_AT_MOST),
    );
    table
}

async fn fill(api: &Api) {
    let namespaces = (0..NAMESPACES).map(|number| {
        let namespace = json!({
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": format!("team-{number}")},
        });
        ("/api/v1/namespaces".to_owned(), namespace)
    });
    api.create_all(namespaces).await;
    let companions = companion_bindings(COMPANION_BINDINGS, SUBJECTS, user)
        .map(|binding| (format!("{RBAC}/clusterrolebindings"), binding));
    api.create_all(companions).await;
    // Some are persona bindings, as in a cluster in use.
    let covered = COMPANION_BINDINGS / 2 * SUBJECTS;
    let bindings = (0..ROLE_BINDINGS).map(|number| {
        let namespace = number % NAMESPACES;
        let role = if number % 4 == 0 {
            "spectro-vm-user"
        } else {
            "system:node"
        };
        let binding = role_binding(
            &format!("binding-{number}"),
            role,
            [user(number % covered)].into_iter(),
        );
        (
            format!("{RBAC}/namespaces/team-{namespace}/rolebindings"),
            binding,
        )
    });
    api.create_all(bindings).await;
}
