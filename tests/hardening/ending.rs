//! The end, while clients hang on.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::attack;
use super::lab::{Lab, runtime};

/// Clients of each sort, and how long after their coming SIGTERM comes.
fn hang_on(lab: &Lab) -> (tokio::runtime::Runtime, JoinSet<std::io::Result<()>>) {
    let runtime = runtime();
    let mut clients = JoinSet::new();
    let enter = runtime.enter();
    for _ in 0..10 {
        clients.spawn(attack::slow_handshake(lab.endpoint.clone()));
        clients.spawn(attack::slow_head(lab.endpoint.clone()));
        clients.spawn(attack::slow_headers(lab.endpoint.clone()));
        clients.spawn(attack::slow_body(lab.endpoint.clone()));
    }
    drop(enter);
    let in_flight = "bindguard_requests_in_flight";
    lab.within(10, "all are there", |lab| {
        lab.connections() == 40 && lab.metric(in_flight) == 10
    });
    (runtime, clients)
}

#[test]
fn clients_that_hang_on_are_cut_within_the_thirty_seconds_there_are() {
    let lab = Lab::start(&["--linger", "1s"]);
    let (_runtime, _clients) = hang_on(&lab);
    let signalled = Instant::now();
    lab.bindguard.terminate();
    assert_eq!(lab.bindguard.wait().code(), Some(0));
    let took = signalled.elapsed();
    eprintln!("gone after {took:?}");
    assert!(took < Duration::from_secs(30), "{took:?}");
}

#[test]
fn a_second_signal_cuts_them_at_once() {
    let lab = Lab::start(&["--linger", "0s"]);
    let (_runtime, _clients) = hang_on(&lab);
    lab.bindguard.terminate();
    lab.within(5, "draining", |lab| {
        lab.bindguard.stderr().contains("draining")
    });
    let signalled = Instant::now();
    lab.bindguard.terminate();
    lab.bindguard.wait();
    assert!(signalled.elapsed() < Duration::from_secs(2));
}
