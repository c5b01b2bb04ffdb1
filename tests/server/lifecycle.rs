//! How the server begins and ends.

use std::time::{Duration, Instant};

use super::client::{Call, Protocol};
use super::review::{create, role_binding, user};
use super::world::{World, verdict, within};

fn review() -> serde_json::Value {
    create(&role_binding("spectro-vm-user", &[user("alice")]))
}

#[test]
fn the_admin_port_tells_that_it_lives_that_it_is_ready_and_what_it_counts() {
    let world = World::new();
    assert_eq!(
        world.bindguard.admin("/livez").unwrap(),
        (200, "ok\n".to_owned())
    );
    assert_eq!(world.bindguard.admin("/readyz").unwrap().0, 200);
    let (status, metrics) = world.bindguard.admin("/metrics").unwrap();
    assert_eq!(status, 200);
    assert!(
        metrics.contains("\nbindguard_index_synced 1\n"),
        "{metrics}"
    );
    assert!(
        metrics.contains("\nbindguard_holdings_entries 7\n"),
        "{metrics}"
    );
    assert_eq!(world.bindguard.admin("/elsewhere").unwrap().0, 404);
}

#[test]
fn after_sigterm_it_is_unready_at_once_and_serves_on_for_the_linger() {
    let world = World::with(None, &["--linger", "3s"]);
    let mut old = world.client.connect(Protocol::Http2).unwrap();
    let signalled = Instant::now();
    world.bindguard.terminate();
    within(2, "unready", || {
        world
            .bindguard
            .admin("/readyz")
            .is_ok_and(|(status, _)| status == 503)
    });
    assert_eq!(world.bindguard.admin("/livez").unwrap().0, 200);
    let review = review();
    let call = || Call::post("/validate", review.to_string());
    assert!(verdict(&review, &old.send(call()).unwrap()).allowed);
    for protocol in Protocol::BOTH {
        let mut new = world.client.connect(protocol).unwrap();
        assert!(verdict(&review, &new.send(call()).unwrap()).allowed);
    }
    assert!(
        signalled.elapsed() < Duration::from_secs(3),
        "the machine is too slow to tell"
    );
    let status = world.bindguard.wait();
    assert_eq!(status.code(), Some(0));
    let took = signalled.elapsed();
    assert!(took >= Duration::from_secs(3), "{took:?}");
    assert!(
        took < Duration::from_secs(8),
        "idle connections hold nothing up: {took:?}"
    );
    assert!(
        world.client.connect(Protocol::Http2).is_err(),
        "the port is free again"
    );
}

#[test]
fn a_call_in_flight_is_answered_before_the_end() {
    let world = World::with(None, &["--linger", "0s"]);
    let review = review();
    let body = review.to_string();
    let mut connection = world.client.connect(Protocol::Http1).unwrap();
    let bindguard = &world.bindguard;
    let reply = connection
        .send_slowly("/validate", body.as_bytes(), || {
            bindguard.terminate();
            within(2, "draining", || bindguard.stderr().contains("draining"));
        })
        .unwrap();
    assert!(verdict(&review, &reply).allowed);
    assert_eq!(world.bindguard.wait().code(), Some(0));
}

#[test]
fn an_interrupt_does_not_linger() {
    let world = World::with(None, &["--linger", "20s"]);
    let signalled = Instant::now();
    world.bindguard.signal("INT");
    assert_eq!(world.bindguard.wait().code(), Some(0));
    assert!(signalled.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let world = World::with(None, &["--linger", "25s"]);
    let signalled = Instant::now();
    world.bindguard.terminate();
    within(2, "unready", || {
        world
            .bindguard
            .admin("/readyz")
            .is_ok_and(|(status, _)| status == 503)
    });
    world.bindguard.terminate();
    world.bindguard.wait();
    assert!(signalled.elapsed() < Duration::from_secs(10));
}
