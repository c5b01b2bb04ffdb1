//! Who leads, and what happens when nobody does.

use std::time::{Duration, Instant};

use crate::calls::Calls;
use crate::world::{Installed, Running, TLS, World, until};

fn leader(controllers: &[Running; 2]) -> usize {
    until("one leads", || {
        controllers.iter().filter(|one| one.leads()).count() == 1
    });
    usize::from(!controllers[0].leads())
}

#[test]
#[ignore = "runs in a network of its own"]
fn a_leader_that_ends_gives_the_lease_back_and_one_that_is_killed_is_followed() {
    let Installed {
        world,
        controllers,
        replicas,
    } = World::unguarded().install(&[]);
    let calls = Calls::begin(&world);
    let first = leader(&controllers);
    let start = Instant::now();
    controllers[first].process.signal("TERM");
    let status = controllers[first].process.wait(Duration::from_secs(5));
    let ended = start.elapsed();
    assert_eq!(status.and_then(|status| status.code()), Some(0));
    until("the other one leads", || controllers[1 - first].leads());
    let took = start.elapsed();
    eprintln!("figure: SIGTERM, ended after {ended:?}, the other leads after {took:?}");
    assert!(took < Duration::from_secs(6), "{took:?}");

    let third = world.controller(&[]);
    third.wait_until_ready();
    let start = Instant::now();
    controllers[1 - first].process.kill();
    until("the third one leads", || third.leads());
    let took = start.elapsed();
    eprintln!("figure: SIGKILL, another leads after {took:?}");
    assert!(took < Duration::from_secs(21), "{took:?}");

    // For a while nobody leads, and somebody breaks what is theirs.
    third.process.kill();
    let before = world.serving();
    std::thread::sleep(Duration::from_secs(3));
    calls.end();
    world.set_bundle(0, None);
    world.kubectl(&["delete", "secret", TLS]).expect_success();
    let fourth = world.controller(&[]);
    let start = Instant::now();
    until("all is whole again", || {
        world.secret(TLS).is_some() && world.bundles().iter().all(|bundle| !bundle.is_empty())
    });
    eprintln!(
        "figure: after a time without any controller, whole after {:?}",
        start.elapsed()
    );
    assert_ne!(world.serving(), before);
    assert!(fourth.leads());
    for replica in &replicas {
        until("it is trusted", || {
            replica.metric("certificate_trusted") == 1
        });
    }
    Calls::begin(&world).end();
}

#[test]
#[ignore = "runs in a network of its own"]
fn a_leader_whose_lease_another_takes_stops_its_work() {
    let world = World::unguarded();
    world.register();
    let controller = world.controller(&[]);
    until("it leads", || controller.is_ready() && controller.leads());
    until("bundles are right", || {
        world.bundles().iter().all(|bundle| !bundle.is_empty())
    });
    let patch = r#"--patch={"spec":{"holderIdentity":"somebody"}}"#;
    let args = [
        "patch",
        "lease",
        "bindguard-controller",
        "--type=merge",
        patch,
    ];
    world.kubectl(&args).expect_success();
    let took = until("it leads no more", || !controller.leads());
    eprintln!("figure: a lease that is taken is noticed after {took:?}");
    world.set_bundle(0, None);
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(world.bundles()[0], "", "only a leader may write");
    assert!(controller.is_ready(), "{}", controller.readyz());
    // Nobody renews it, so it runs out.
    until("it leads again", || controller.leads());
    until("bundles are right", || {
        world.bundles().iter().all(|bundle| !bundle.is_empty())
    });
}

#[test]
#[ignore = "runs in a network of its own"]
fn a_leader_that_does_not_reach_the_api_server_stops_before_another_could_begin() {
    let Installed {
        world,
        controllers,
        replicas,
    } = World::alone().install(&[]);
    leader(&controllers);
    world.plane.signal_api_server("STOP");
    let took = until("nobody leads", || {
        let leaders = controllers.iter().filter(|one| one.leads()).count();
        assert!(leaders < 2, "two lead");
        leaders == 0
    });
    eprintln!("figure: API server hangs, the leader stops after {took:?}");
    assert!(took < Duration::from_secs(14), "{took:?}");
    until("they say so", || {
        controllers
            .iter()
            .all(|one| one.readyz().contains("cannot be watched"))
    });
    for replica in &replicas {
        assert!(replica.is_ready(), "{}", replica.readyz());
    }
    world.plane.signal_api_server("CONT");
    let took = until("one leads again", || {
        controllers.iter().filter(|one| one.leads()).count() == 1
    });
    eprintln!("figure: API server goes on, one leads after {took:?}");
    world.set_bundle(0, None);
    until("bundles are right", || {
        world.bundles().iter().all(|bundle| !bundle.is_empty())
    });
    Calls::begin(&world).end();
    for controller in &controllers {
        controller.wait_until_ready();
    }
}
