//! From `helm install` to the first denial, and nothing left by `helm uninstall`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::inventory::inventory;
use crate::is_soak;
use crate::load::{LET_THROUGH, Load};
use crate::release::{NAME, Release};
use crate::support::{ADMIN, Output, eventually};
use crate::world::{World, world};

/// From the first byte of Helm's until a binding is refused.
const FIRST_DENIAL: Duration = Duration::from_secs(30);

/// Between two attempts: kubectl takes the processor from what is watched.
const PAUSE: Duration = Duration::from_millis(100);

fn is_denied(output: &Output) -> bool {
    output
        .stderr
        .contains("admission webhook \"validate.bindguard.dev\" denied the request")
}

#[test]
fn installed_it_refuses_and_uninstalled_it_leaves_nothing() {
    let world = world();
    let release = Release::absent(&world);
    // Kubernetes puts its own objects into a namespace a moment after it is made.
    let account = [
        "get",
        "serviceaccount/default",
        "configmap/kube-root-ca.crt",
        "-n",
        NAME,
    ];
    let settled = eventually(Duration::from_secs(20), || {
        world
            .plane
            .kubectl(ADMIN, &account)
            .succeeded()
            .then_some(())
    });
    assert!(settled.is_some());
    let before = inventory(&world, NAME);
    let rounds = if is_soak() { 20 } else { 3 };
    for round in 0..rounds {
        // The Pods that go are waited for below, and for nothing.
        let install = || release.install(&["lingerSeconds=2"]);
        let (took, seen) = watched(&world, install);
        eprintln!("figure: helm install --wait took {took:.1?}");
        from_the_first_denial_on_all_are_answered(&seen);
        // Another denial after Helm has said that all is well.
        assert!(is_denied(&world.attempt()));
        if round == 0 {
            every_part_is_there_and_every_replica_is_asked(&release);
            let test = world
                .plane
                .helm(ADMIN, &["test", NAME, "--namespace", NAME]);
            assert!(test.succeeded(), "{test}\n{}", world.kubelet.logs(NAME));
        }
        let ((), seen) = watched(&world, || release.uninstall());
        let unasked = seen.iter().filter(|(_, seen)| *seen == Seen::Unasked);
        assert_eq!(unasked.count(), 0, "an uninstall is noticed: {seen:?}");
        let free = world.attempt();
        assert!(free.succeeded(), "{free}");
        let left = eventually(Duration::from_secs(30), || {
            (inventory(&world, NAME) == before).then_some(())
        });
        let after = inventory(&world, NAME);
        let left_behind: Vec<_> = after.difference(&before).collect();
        let taken_away: Vec<_> = before.difference(&after).collect();
        assert!(
            left.is_some(),
            "left: {left_behind:?}, taken away: {taken_away:?}"
        );
    }
}

/// What came of an attempt to make a binding that is to be refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    /// Nobody was asked.
    Free,
    Denied,
    /// bindguard was to be asked, and could not be.
    Unasked,
}

/// Attempts one after the other while something goes on, each with the time of its answer.
fn watched<T>(world: &World, work: impl FnOnce() -> T) -> (T, Vec<(Duration, Seen)>) {
    let (start, done) = (Instant::now(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut seen = Vec::new();
            while !done.load(Ordering::SeqCst) {
                let output = world.attempt();
                let what = if output.succeeded() {
                    Seen::Free
                } else if is_denied(&output) {
                    Seen::Denied
                } else {
                    assert!(output.stderr.contains("failed calling webhook"), "{output}");
                    Seen::Unasked
                };
                seen.push((start.elapsed(), what));
                std::thread::sleep(PAUSE);
            }
            seen
        });
        // Else the watch would never end, and with it the scope.
        let end = OnDrop(&done);
        let value = work();
        drop(end);
        (value, watch.join().expect("the watch does not panic"))
    })
}

struct OnDrop<'a>(&'a AtomicBool);

impl Drop for OnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Before, while Helm has registered what is not ready yet, persona bindings are refused unjudged.
fn from_the_first_denial_on_all_are_answered(seen: &[(Duration, Seen)]) {
    let first = |what: Seen| seen.iter().position(|(_, seen)| *seen == what);
    let denied = first(Seen::Denied).unwrap_or_else(|| panic!("no denial: {seen:?}"));
    let at = seen[denied].0;
    assert!(at < FIRST_DENIAL, "the first denial came after {at:?}");
    let later = seen[denied..].iter();
    let odd = later.filter(|(_, seen)| *seen != Seen::Denied).count();
    assert_eq!(odd, 0, "not all after the first denial are: {seen:?}");
    let unasked =
        first(Seen::Unasked).map_or(Duration::ZERO, |first| at.saturating_sub(seen[first].0));
    eprintln!(
        "figure: from helm install to the first denial: {at:.1?}, of which {unasked:.1?} were with \
         nobody to ask"
    );
}

/// Under the chart's own accounts, and by the Service.
fn every_part_is_there_and_every_replica_is_asked(release: &Release<'_>) {
    let world = release.world;
    release.until_ready("serve", 3);
    release.until_ready("controller", 2);
    for (component, account) in [("serve", NAME), ("controller", "bindguard-controller")] {
        for pod in release.pods(component) {
            let stored = world.get(&["pod", &pod.name, "--namespace", NAME]);
            assert_eq!(stored["spec"]["serviceAccountName"], account);
        }
    }
    // Both controllers start at the same moment, and one of them makes the one CA.
    let controllers = release.pods("controller");
    let logs = controllers.iter().map(crate::kubelet::Running::stderr);
    let made = logs.map(|log| log.matches("there is no CA, so one is made").count());
    assert_eq!(made.sum::<usize>(), 1);
    let attempts = eventually(Duration::from_secs(30), || {
        assert!(is_denied(&world.attempt()));
        let pods = release.pods("serve");
        let denials = pods
            .iter()
            .map(|pod| pod.stdout().matches("\"decision\":\"deny\"").count());
        let denials: Vec<usize> = denials.collect();
        denials.iter().all(|number| *number > 0).then_some(denials)
    });
    let denials = attempts.expect("every replica is asked");
    eprintln!("figure: denials by each replica: {denials:?}");
    assert_eq!(denials.len(), 3);
}

/// At first it lets pass what nobody judges, and when it judges it refuses that.
#[test]
fn installed_in_two_steps_it_fails_no_call() {
    let world = world();
    let release = Release::absent(&world);
    let load = Load::light(&world, 20);
    std::thread::sleep(Duration::from_secs(1));
    let begun = load.elapsed();
    release.install(&["failurePolicy=Ignore"]);
    let judges = load.elapsed();
    release.upgrade(&["failurePolicy=Fail"]);
    std::thread::sleep(Duration::from_secs(2));
    let report = load.end();
    let unjudged = report.failures.iter().map(|failure| failure.at).max();
    let unjudged = unjudged.unwrap_or_default();
    eprintln!(
        "figure: in two steps: {} applied, {} denied, {} let through, the last {:.1?} after helm \
         install began",
        report.applied,
        report.denied,
        report.failures.len(),
        unjudged.saturating_sub(begun)
    );
    for failure in &report.failures {
        assert_eq!(failure.reason, LET_THROUGH, "{failure:?}");
    }
    assert!(unjudged < judges, "let through when it judged already");
    assert!(report.applied > 0 && report.denied > 0, "{report:?}");
}

#[test]
fn an_upgrade_with_changed_values_rolls_without_a_failed_call() {
    let world = world();
    let release = Release::installed(&world);
    let load = Load::begin(&world, 50);
    release.upgrade(&[
        "logLevel=debug",
        "settleMilliseconds=200",
        "podLabels.changed=yes",
    ]);
    release.until_ready("serve", 3);
    let log = release.pods("serve")[0].stderr();
    assert!(log.contains("\"level\":\"DEBUG\""), "{log}");
    load.end_without_failure("helm upgrade");
}
