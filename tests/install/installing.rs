//! From `helm install` to the first denial, and nothing left by `helm uninstall`.

use std::time::{Duration, Instant};

use crate::inventory::inventory;
use crate::is_soak;
use crate::load::Load;
use crate::release::{NAME, Release};
use crate::support::{ADMIN, Output, eventually};
use crate::world::world;

/// From the first byte of Helm's until a binding is refused.
const FIRST_DENIAL: Duration = Duration::from_secs(30);

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
        let start = Instant::now();
        let denied = std::thread::scope(|scope| {
            let watch = scope.spawn(|| {
                eventually(FIRST_DENIAL, || {
                    is_denied(&world.attempt()).then(|| start.elapsed())
                })
            });
            // The Pods that go are waited for here, and for nothing.
            let took = release.install(&["lingerSeconds=2"]);
            eprintln!("figure: helm install --wait took {took:.1?}");
            watch.join().expect("the watch does not panic")
        });
        let denied = denied.unwrap_or_else(|| panic!("no denial in {FIRST_DENIAL:?}"));
        eprintln!("figure: from helm install to the first denial: {denied:.1?}");
        // Another denial after Helm has said that all is well.
        assert!(is_denied(&world.attempt()));
        if round == 0 {
            every_part_is_there_and_every_replica_is_asked(&release);
            let test = world
                .plane
                .helm(ADMIN, &["test", NAME, "--namespace", NAME]);
            assert!(test.succeeded(), "{test}\n{}", world.kubelet.logs(NAME));
        }
        let start = Instant::now();
        release.uninstall();
        eprintln!("figure: helm uninstall --wait took {:.1?}", start.elapsed());
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
