//! Certificates and CAs are replaced while calls flow.

use std::time::{Duration, Instant};

use crate::calls::Calls;
use crate::world::{CA, World, until};

#[test]
#[ignore = "runs in a network of its own"]
fn certificates_and_authorities_of_a_short_life_are_replaced_without_a_failed_call() {
    let short = ["--ca-lifetime", "60s", "--certificate-lifetime", "15s"];
    let installed = World::installed(&short);
    let world = &installed.world;
    let calls = Calls::begin(world);
    let (first, start) = (world.signing(), Instant::now());
    until("another CA is published", || {
        world.authorities().authorities.next.is_some()
    });
    let published = start.elapsed();
    let both = || {
        world
            .bundles()
            .iter()
            .all(|bundle| bundle.matches("BEGIN").count() == 2)
    };
    until("both are trusted", both);
    until("the new one signs", || world.signing() != first);
    let signs = start.elapsed();
    let second = world.signing();
    until("the old one is dropped", || {
        world.bundles().iter().all(|bundle| bundle == second.pem())
    });
    let dropped = start.elapsed();
    let answered = calls.end();
    eprintln!(
        "figure: CA of 60 s: next published at {published:?}, signs at {signs:?}, old dropped at \
         {dropped:?}; {answered} calls, none failed"
    );
    // Two thirds of a minute.
    assert!((30..45).contains(&published.as_secs()), "{published:?}");
    assert!(
        signs.saturating_sub(published) >= Duration::from_secs(9),
        "{:?}",
        signs.saturating_sub(published)
    );
    assert!(dropped < Duration::from_mins(1), "{dropped:?}");
    let leader = installed
        .controllers
        .iter()
        .find(|controller| controller.leads());
    let leader = leader.expect("one leads");
    let rotated = leader.metric("certificate_rotations_total{certificate=\"serving\"}");
    assert!(rotated >= 5, "{rotated}");
}

#[test]
#[ignore = "runs in a network of its own"]
fn a_rotation_is_done_on_request() {
    let installed = World::installed(&[]);
    let world = &installed.world;
    let calls = Calls::begin(world);
    let (authority, certificate) = (world.signing(), world.serving());
    let start = Instant::now();
    let output = world.certs(&["rotate"]);
    eprintln!("figure: certs rotate {:?}", start.elapsed());
    output.expect_success();
    assert_ne!(world.serving(), certificate);
    assert_eq!(world.signing(), authority);

    let start = Instant::now();
    let output = world.certs(&["rotate", "--ca"]);
    eprintln!("figure: certs rotate --ca {:?}", start.elapsed());
    output.expect_success();
    let after = world.signing();
    assert_ne!(after, authority);
    assert_eq!(world.bundles(), [after.pem(), after.pem()]);
    assert!(after.has_signed(&world.serving().serving.expect("a certificate").chain[0]));

    let output = world.certs(&["rotate", "--ca", "--no-wait"]);
    output.expect_success();
    until("it is begun", || {
        world.authorities().authorities.next.is_some()
    });
    let secret = world.secret(CA).expect("a Secret");
    assert!(secret.metadata.annotations.unwrap_or_default().is_empty());
    calls.end();
}

#[test]
#[ignore = "runs in a network of its own"]
fn a_rotation_goes_on_after_a_crash_and_the_old_ca_waits_for_a_replica_that_hangs() {
    let installed = World::installed(&[]);
    let world = &installed.world;
    let old = world.signing();
    world
        .certs(&["rotate", "--ca", "--no-wait"])
        .expect_success();
    let next = || world.authorities().authorities.next;
    until("a new CA is published", || next().is_some());
    for controller in &installed.controllers {
        controller.process.kill();
    }
    let published = next();
    assert!(
        published.is_some(),
        "it signs before it was published for long enough"
    );
    installed.replicas[1].process.signal("STOP");

    let controller = world.controller(&[]);
    until("it signs", || world.signing() != old);
    assert_eq!(
        published.map(|next| next.certificate().clone()),
        Some(world.signing())
    );
    let signing = world.signing();
    let issued = || world.serving().serving.expect("a certificate").chain[0].clone();
    until("it has signed", || signing.has_signed(&issued()));
    std::thread::sleep(Duration::from_secs(5));
    assert_eq!(
        world.authorities().authorities.previous,
        std::slice::from_ref(&old)
    );
    for bundle in world.bundles() {
        assert!(bundle.contains(old.pem()) && bundle.contains(signing.pem()));
    }
    let output = world.certs(&["rotate", "--timeout", "1s"]);
    output.expect_success();

    installed.replicas[1].process.signal("CONT");
    let took = until("the old one is dropped", || {
        world.authorities().authorities.previous.is_empty()
            && world.bundles() == [signing.pem(), signing.pem()]
    });
    eprintln!("figure: the last replica has changed, the old CA is dropped after {took:?}");
    assert_eq!(
        controller.metric("certificate_errors_total{work=\"endpoints\"}"),
        0
    );
    Calls::begin(world).end();
}
