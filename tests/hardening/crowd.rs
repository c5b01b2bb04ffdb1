//! More connections than there are places.

use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::sleep;

use super::endpoint::Endpoint;
use super::lab::{Lab, runtime};
use super::steady::{Steady, one_call};

/// 156 places for connections, 78 of them for one address.
const DESCRIPTORS: u32 = 232;

/// Connections from this address that say nothing.
async fn silent(endpoint: &Endpoint, last: u8, number: usize) -> Vec<TcpStream> {
    let mut open = Vec::new();
    for _ in 0..number {
        open.push(
            endpoint
                .tcp_from(Ipv4Addr::new(127, 0, 0, last))
                .await
                .unwrap(),
        );
        // What accepts them comes last, among all that happens on a small machine.
        sleep(Duration::from_millis(1)).await;
    }
    open
}

#[test]
fn a_crowd_does_not_keep_the_api_server_out() {
    let lab = Lab::with_descriptors(DESCRIPTORS);
    let runtime = runtime();
    let steady = Steady::start(&lab.endpoint);
    let crowd = runtime.block_on(async {
        let mut crowd = Vec::new();
        for last in 2..8 {
            crowd.push(silent(&lab.endpoint, last, 100).await);
        }
        // A newcomer gets in, too.
        one_call(&lab.endpoint).await;
        crowd
    });
    let latencies = steady.finish();
    eprintln!(
        "{} calls in a crowd of 600: p99 {:?}, longest {:?}",
        latencies.count(),
        latencies.at(0.99),
        latencies.at(1.0)
    );
    assert!(lab.connections() <= 156 + 156 / 8, "{}", lab.connections());
    assert!(lab.cut("made_way") > 400, "{}", lab.cut("made_way"));
    assert_eq!(lab.metric("bindguard_accept_errors_total"), 0);
    let log = lab.bindguard.stderr();
    assert_eq!(log.matches("there are too many").count(), 1, "{log}");
    drop(crowd);
    lab.within(5, "all are gone", |lab| lab.connections() == 0);
    lab.check_health();
}

#[test]
fn a_crowd_on_the_admin_port_does_not_keep_probes_out() {
    let lab = Lab::with_descriptors(DESCRIPTORS);
    let crowd: Vec<_> = (0..100)
        .map(|_| {
            let port = lab.bindguard.admin_port();
            std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap()
        })
        .collect();
    lab.within(5, "a probe is answered", |lab| {
        lab.bindguard.admin("/livez").is_ok()
    });
    assert!(lab.cut("made_way") + lab.cut("peer_full") > 50);
    lab.check_health();
    drop(crowd);
}
