//! A thousand orders while whoever leads is killed: each carried out once, none lost.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use bindguard::kubernetes::client::{ClientOptions, connect};
use futures::stream::{StreamExt as _, iter};
use k8s_openapi::api::rbac::v1::{RoleBinding, RoleRef, Subject};
use kube::api::{Api, ObjectMeta, PostParams};
use serde_json::Value;

use crate::at_once::companions;
use crate::crew::{Crew, PROVISION};
use crate::support::{ControlPlane, Controller, eventually, fresh_folder};
use crate::world::{POLICY, both};

const AT_A_TIME: usize = 4;
/// How many companions a controller creates at a time: of eight orders, two each.
const UNDER_WAY: usize = 16;
/// The life of a lease, and more than enough to work through what waited for its end.
const LIMIT: Duration = Duration::from_mins(3);

#[test]
fn each_pair_is_made_once_and_none_is_lost_while_whoever_leads_is_killed() {
    let is_soak = std::env::var_os("BINDGUARD_SOAK").is_some();
    let (orders, kills) = if is_soak { (10_000, 10) } else { (1_000, 3) };
    let folder = fresh_folder("audit");
    let log = folder.join("audit.log");
    let policy = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/companions/audit-policy.yaml"
    );
    let plane = Box::leak(Box::new(ControlPlane::start(&[
        &format!("--audit-policy-file={policy}"),
        &format!("--audit-log-path={}", log.display()),
    ])));
    let crew = Crew::gather(plane, POLICY);
    crew.restore();
    crew.another_controller();
    let before = made(&log).len();
    let namespace = plane.namespace();
    let began = Instant::now();
    let slowest = std::thread::scope(|scope| {
        let arriving =
            scope.spawn(|| arrive(&plane.kubeconfig(both()), &namespace, orders, AT_A_TIME));
        for kill in 0..kills {
            // Once the leader of now has made something.
            let so_far = made(&log).len();
            let works = eventually(LIMIT, || (made(&log).len() > so_far).then_some(()));
            if works.is_none() {
                break;
            }
            kill_the_leader(&crew, if kill % 2 == 0 { "KILL" } else { "TERM" });
            crew.another_controller();
        }
        arriving.join().expect("all arrive")
    });
    // What is stored counts. Of a create whose caller was killed meanwhile the API server records
    // that it was cut off, whether or not it was stored.
    let expected = 2 * orders;
    let all = eventually(LIMIT, || (companions(&crew) >= expected).then_some(()));
    let stored = companions(&crew);
    assert!(all.is_some(), "{stored} of {expected}: {}", crew.log());
    let took = began.elapsed();
    // Nothing comes after the last one.
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(companions(&crew), expected);
    let made = made(&log);
    let twice: Vec<_> = made.iter().filter(|(_, times)| **times != 1).collect();
    assert!(twice.is_empty(), "made more than once: {twice:?}");
    // As many as the leaders that were killed may have had under way.
    let cut_off = expected.saturating_sub(made.len() - before);
    assert!(cut_off <= kills * UNDER_WAY, "{cut_off}");
    let peak = crew
        .controllers()
        .iter()
        .map(|one| peak_memory(one.process.id()))
        .max();
    eprintln!(
        "figure: {orders} orders carried out in {took:.1?}, the leader killed {kills} times, \
         {cut_off} creates cut off; slowest create {slowest:.0?}; a controller's memory at most {} MiB",
        peak.unwrap_or_default() / 1024
    );
}

fn kill_the_leader(crew: &Crew, signal: &str) {
    let mut controllers = crew.controllers();
    if let Some(position) = controllers.iter().position(Controller::leads) {
        let leader = controllers.remove(position);
        leader.process.signal(signal);
        leader
            .process
            .wait(Duration::from_secs(30))
            .expect("it ends");
    }
}

/// Creates bindings that ask, for a user each; how long the slowest took.
pub(crate) fn arrive(
    kubeconfig: &Path,
    namespace: &str,
    count: usize,
    at_a_time: usize,
) -> Duration {
    let options = ClientOptions {
        kubeconfig: Some(kubeconfig.to_owned()),
        ..ClientOptions::default()
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let client = connect(&options).await.expect("a client");
        let api: Api<RoleBinding> = Api::namespaced(client, namespace);
        let creations = iter(0..count).map(|number| {
            let api = api.clone();
            async move {
                let began = Instant::now();
                let created = api.create(&PostParams::default(), &asking(number)).await;
                created.unwrap_or_else(|error| panic!("nobody refuses it: {error}"));
                began.elapsed()
            }
        });
        let times: Vec<Duration> = creations.buffer_unordered(at_a_time).collect().await;
        times.into_iter().max().unwrap_or_default()
    })
}

fn asking(number: usize) -> RoleBinding {
    RoleBinding {
        metadata: ObjectMeta {
            name: Some(format!("team-{number}")),
            annotations: Some([(PROVISION.to_owned(), "true".to_owned())].into()),
            ..ObjectMeta::default()
        },
        role_ref: RoleRef {
            api_group: Some("rbac.authorization.k8s.io".to_owned()),
            kind: "ClusterRole".to_owned(),
            name: "spectro-vm-user".to_owned(),
        },
        subjects: Some(vec![Subject {
            api_group: Some("rbac.authorization.k8s.io".to_owned()),
            kind: "User".to_owned(),
            name: format!("user-{number}"),
            namespace: None,
        }]),
    }
}

/// How often each companion binding was made by a controller, as the API server has recorded it.
fn made(log: &Path) -> HashMap<String, usize> {
    let mut made = HashMap::new();
    for line in fs::read_to_string(log).unwrap_or_default().lines() {
        // The last line may be half written.
        let Ok(event) = serde_json::from_str::<Value>(line) else {
            continue;
        };
        let by = event["user"]["username"].as_str().unwrap_or_default();
        if by.ends_with(":bindguard-controller") && event["responseStatus"]["code"] == 201 {
            let name = event["objectRef"]["name"].as_str().unwrap_or_default();
            *made.entry(name.to_owned()).or_default() += 1;
        }
    }
    made
}

/// In KiB.
pub(crate) fn peak_memory(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number
        .and_then(|number| number.parse().ok())
        .unwrap_or_default()
}
