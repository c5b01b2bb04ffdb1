//! A server that runs out of file descriptors.

use std::net::Ipv4Addr;
use std::thread::sleep;
use std::time::Duration;

use futures::future::try_join_all;

use super::lab::{Lab, runtime};
use super::steady::one_call;

/// So few that even the few places for connections are more than it can have.
const DESCRIPTORS: u32 = 18;

#[test]
fn without_descriptors_it_waits_says_so_once_and_goes_on_when_there_are_some() {
    let lab = Lab::with_descriptors(DESCRIPTORS);
    let runtime = runtime();
    let crowd = (0..40).map(|number| lab.endpoint.tcp_from(Ipv4Addr::new(127, 0, 0, 2 + number)));
    let crowd = runtime.block_on(try_join_all(crowd)).unwrap();
    // The admin port cannot answer meanwhile, so it is the log that tells.
    let complaint = "cannot accept connections";
    lab.within(5, "it is out of descriptors", |lab| {
        lab.bindguard.stderr().contains(complaint)
    });
    sleep(Duration::from_secs(2));
    let log = lab.bindguard.stderr();
    assert_eq!(log.matches(complaint).count(), 1, "{log}");
    drop(crowd);
    lab.within(10, "the admin port answers", |lab| {
        lab.bindguard.admin("/livez").is_ok()
    });
    assert!(lab.metric("bindguard_accept_errors_total") > 0);
    runtime.block_on(one_call(&lab.endpoint));
    lab.within(15, "all are gone", |lab| lab.connections() == 0);
    lab.check_health();
}
