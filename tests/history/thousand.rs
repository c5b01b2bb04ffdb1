//! A thousand refused calls through three replicas, of which one is told to end and one is killed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::calls::Calls;
use crate::denials::{calls, denials, entries};
use crate::kubelet::{Running, inside};
use crate::release::{NAME, Release};
use crate::support::{ADMIN, fresh_folder, http_get_at, send_signal};
use crate::world::World;

const AUDIT_POLICY: &str = "
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
  resources: [{group: rbac.authorization.k8s.io, resources: [rolebindings]}]
- level: None
";
/// Each refusal would wait for companions that nobody makes.
const VALUES: [&str; 2] = ["settleMilliseconds=0", "lingerSeconds=3"];
const USERS: usize = 20;
const CALLS: usize = 1_000;
/// What the history may not know of a replica that was killed.
const LOSS: SignedDuration = SignedDuration::from_secs(5);
const LIMIT: Duration = Duration::from_mins(1);

#[test]
fn a_thousand_denials_are_a_thousand_lines_and_the_history_lacks_five_seconds_of_the_killed_at_most()
 {
    inside();
    let folder = fresh_folder("audit");
    let (policy, log) = (folder.join("policy.yaml"), folder.join("audit.log"));
    fs::write(&policy, AUDIT_POLICY).expect("an audit policy can be written");
    let world = World::with_flags(&[
        &format!("--audit-policy-file={}", policy.display()),
        &format!("--audit-log-path={}", log.display()),
    ]);
    let release = Release::absent(&world);
    release.install(&VALUES);
    let namespace = world.plane.namespace();
    people(&world, &namespace);

    let start = Instant::now();
    let mut pods = release.pods("serve");
    assert_eq!(pods.len(), 3);
    let load = Calls::begin(&world.plane.kubeconfig(ADMIN), &namespace, USERS, CALLS);
    load.until(300);
    let ended = busiest(&pods, &[]);
    release.kubectl(&["delete", "pod", &ended.name, "--wait=false"]);
    load.until(700);
    let killed = busiest(&pods, &[&ended]);
    send_signal("KILL", &killed.process.to_string());
    let killed_at = Timestamp::now();
    load.until(CALLS);
    let took = start.elapsed();
    world.until(NAME, "the end of the Pod that was told to", LIMIT, || {
        let running = world.kubelet.running(NAME);
        let is_gone = running.iter().all(|pod| pod.name != ended.name);
        is_gone.then_some(())
    });
    let later = release.pods("serve").into_iter();
    pods.extend(later.filter(|pod| pod.name != killed.name && pod.name != ended.name));
    pods.dedup_by(|one, other| one.name == other.name);
    pods.sort_by(|one, other| one.name.cmp(&other.name));
    pods.dedup_by(|one, other| one.name == other.name);

    // What clients saw is what the API server recorded, and each has one line.
    let by_pod: BTreeMap<&str, Vec<Value>> =
        pods.iter().map(|pod| (&*pod.name, lines(pod))).collect();
    let all: Vec<&Value> = by_pod.values().flatten().collect();
    let uids: BTreeSet<&str> = all
        .iter()
        .map(|line| line["uid"].as_str().unwrap())
        .collect();
    assert_eq!(uids.len(), all.len(), "no call has two lines");
    let recorded = recorded(&log, &namespace);
    assert_eq!((load.refused(), recorded.len()), (CALLS, CALLS));
    let unwritten: Vec<_> = recorded
        .iter()
        .filter(|uid| !uids.contains(uid.as_str()))
        .collect();
    assert!(unwritten.is_empty(), "{unwritten:?}");
    // A line whose call the killed replica could no longer answer.
    let unanswered = all.len() - CALLS;
    assert!(
        unanswered <= load.failed(),
        "{unanswered} of {}",
        load.failed()
    );

    // The history has them all, but for what the killed replica had not written yet.
    let since = killed_at - LOSS;
    let may_lack = by_pod[&*killed.name].iter().filter(|line| {
        let time: Timestamp = line["time"].as_str().unwrap().parse().unwrap();
        since <= time && time <= killed_at
    });
    let may_lack = may_lack.count();
    let least = u64::try_from(all.len() - may_lack).unwrap();
    world.until(NAME, "nothing waits to be written", LIMIT, || {
        let running = release.pods("serve");
        let metrics = running
            .iter()
            .map(|pod| http_get_at(&pod.address, 8080, "/metrics"));
        let is_done = |text: &str| text.contains("\nbindguard_history_waiting 0\n");
        let mut done = metrics.map(|metrics| metrics.is_ok_and(|(_, text)| is_done(&text)));
        (running.len() == 3 && done.all(|done| done)).then_some(())
    });
    let known = entries(denials(&world.plane, "reader", &["-n", &namespace]));
    eprintln!(
        "figure: {CALLS} denials in {took:.1?} by {USERS} users, {} calls made again; lines {:?}; \
         the history has {} in {} entries, and might lack {may_lack}",
        load.failed(),
        by_pod.values().map(Vec::len).collect::<Vec<_>>(),
        calls(&known),
        known.len(),
    );
    assert!(calls(&known) >= least, "{}", world.kubelet.logs(NAME));
    no_more_than(&known, &all);
    let before = by_pod[&*killed.name].len() - may_lack;
    assert!(before > 20, "it had written something: {before}");
    assert!(may_lack > 20, "it had something to lose: {may_lack}");
    assert!(by_pod[&*ended.name].len() > 20, "it had something to write");

    // An upgrade of the chart leaves it as it is.
    release.upgrade(&VALUES);
    assert_eq!(entries(denials(&world.plane, "reader", &[])), known);
    from_logs(&world, &folder, &pods, all.len());
    by_events(&world, &namespace, all.len());
    world.kubelet.check();
}

/// One who may read the history, and one who may read the Events of one namespace.
fn people(world: &World, namespace: &str) {
    let kubectl = |args: &[&str]| world.plane.kubectl(ADMIN, args).expect_success();
    let reader = [
        "create",
        "rolebinding",
        "reader",
        "--clusterrole=bindguard-reader",
    ];
    kubectl(&[&reader[..], &["--user=reader", "--namespace", NAME]].concat());
    let role = [
        "create",
        "role",
        "events",
        "--verb=list",
        "--resource=events.events.k8s.io",
    ];
    kubectl(&[&role[..], &["--namespace", namespace]].concat());
    let lead = [
        "create",
        "rolebinding",
        "events",
        "--role=events",
        "--user=lead",
    ];
    kubectl(&[&lead[..], &["--namespace", namespace]].concat());
}

/// The Pod with most audit lines, apart from these. Which replica the API server calls is its own
/// choice.
fn busiest(pods: &[Running], without: &[&Running]) -> Running {
    let pods = pods.iter();
    let pods = pods.filter(|pod| without.iter().all(|other| other.name != pod.name));
    pods.max_by_key(|pod| lines(pod).len())
        .expect("there are three")
        .clone()
}

/// The audit lines about denials of a Pod, those of earlier processes included. The last may be cut
/// off, when its process was killed.
fn lines(pod: &Running) -> Vec<Value> {
    let stdout = pod.stdout();
    let whole = stdout.rfind('\n').map_or("", |end| &stdout[..end]);
    let lines = whole.lines().map(serde_json::from_str::<Value>);
    lines
        .map(|line| line.expect("a line is JSON"))
        .filter(|line| line["decision"] == "deny" && line["dry_run"] == false)
        .collect()
}

/// The uid of each denial that the API server's own audit log has.
fn recorded(log: &Path, namespace: &str) -> Vec<String> {
    let log = fs::read_to_string(log).expect("the API server writes an audit log");
    let events = log
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    events
        .filter(|event| event["objectRef"]["namespace"] == namespace)
        .filter(|event| event["annotations"]["validate.bindguard.dev/decision"] == "deny")
        .map(|event| {
            let record = &event["annotations"]["validate.bindguard.dev/record"];
            let record: Value = serde_json::from_str(record.as_str().unwrap()).unwrap();
            // The API server knows who asked, and the record says the same.
            let asked = &event["impersonatedUser"]["username"];
            assert_eq!(*asked, record["requester"]["username"], "{event}");
            record["uid"].as_str().unwrap().to_owned()
        })
        .collect()
}

/// The history counts nothing that there is no line of.
fn no_more_than(known: &[Value], lines: &[&Value]) {
    let key = |one: &Value, requester: &Value| {
        format!("{requester} {} {}", one["binding"]["name"], one["persona"])
    };
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for line in lines {
        *counts
            .entry(key(line, &line["requester"]["username"]))
            .or_default() += 1;
    }
    assert!(known.len() >= USERS, "{known:#?}");
    for entry in known {
        let most = counts[&key(entry, &entry["requester"])];
        assert!(entry["count"].as_u64().unwrap() <= most, "{entry}: {most}");
        assert_eq!(entry["missing"].as_array().unwrap().len(), 2, "{entry}");
    }
}

/// The logs of all replicas say exactly what their lines do.
fn from_logs(world: &World, folder: &Path, pods: &[Running], lines: usize) {
    let file: PathBuf = folder.join("serve.log");
    let mut logs = String::new();
    for pod in pods {
        logs.push_str(&pod.stderr());
        logs.push_str(&pod.stdout());
        logs.push('\n');
    }
    fs::write(&file, logs).unwrap();
    let output = denials(&world.plane, "nobody", &["-f", &file.display().to_string()]);
    assert!(
        output.stderr.contains("that are no audit lines"),
        "{output}"
    );
    assert_eq!(calls(&entries(output)), lines as u64);
}

/// Who may only read the Events of the namespace gets those, and is told so.
fn by_events(world: &World, namespace: &str, lines: usize) {
    let plane = &world.plane;
    let output = denials(plane, "lead", &["-n", namespace]);
    for words in [
        "the history cannot be read",
        "\"lead\"",
        "Events of namespace",
    ] {
        assert!(output.stderr.contains(words), "{output}");
    }
    let found = entries(output);
    assert!(!found.is_empty());
    assert!(calls(&found) <= lines as u64);
    for entry in &found {
        assert_eq!(entry["binding"]["namespace"], namespace, "{entry}");
        assert!(entry["requester"].as_str().unwrap().starts_with("user-"));
    }
    eprintln!(
        "figure: Events tell of {} of {lines} denials",
        calls(&found)
    );

    let output = denials(plane, "nobody", &["-n", namespace]);
    assert_eq!(output.status.code(), Some(2), "{output}");
    assert!(output.stderr.contains("nor Events"), "{output}");
    let output = denials(plane, "lead", &[]);
    assert_eq!(output.status.code(), Some(2), "{output}");
    assert!(output.stderr.contains("--namespace"), "{output}");
}
