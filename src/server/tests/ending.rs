use std::process::Command;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use futures::StreamExt as _;
use tokio::time::sleep;

use super::super::shutdown::{Ended, Plan, Signal, signals};
use super::client::Client;
use super::running::{H1, H2, PATIENT, Running};

const SHORT_LINGER: Plan = Plan {
    linger: Duration::from_millis(1_500),
    drain: Duration::from_mins(1),
};
const SHORT_DRAIN: Plan = Plan {
    linger: Duration::ZERO,
    drain: Duration::from_millis(200),
};

async fn readyz(server: &Running) -> (StatusCode, String) {
    let reply = Client::plain(server.admin)
        .await
        .unwrap()
        .get("/readyz")
        .await
        .unwrap();
    (reply.status, String::from_utf8(reply.body.into()).unwrap())
}

async fn until_draining(server: &Running) {
    while !server.readiness.is_draining() {
        sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn at_sigterm_the_server_is_unready_at_once_and_serves_on_for_the_linger() {
    let server = Running::start(SHORT_LINGER).await;
    let (mut h1, mut h2) = (server.client(H1).await, server.client(H2).await);
    assert!(h1.post("/validate", "{}").await.is_ok());
    assert_eq!(readyz(&server).await, (StatusCode::OK, "ok\n".to_owned()));

    let started = Instant::now();
    server.signal(Signal::Terminate);
    until_draining(&server).await;
    let unready = (
        StatusCode::SERVICE_UNAVAILABLE,
        "the process is about to end\n".to_owned(),
    );
    assert_eq!(readyz(&server).await, unready);
    for old in [&mut h1, &mut h2] {
        assert_eq!(
            old.post("/validate", "{}").await.unwrap().status,
            StatusCode::OK
        );
    }
    let mut new = server.client(H2).await;
    assert_eq!(
        new.post("/validate", "{}").await.unwrap().status,
        StatusCode::OK
    );
    assert!(
        started.elapsed() < SHORT_LINGER.linger,
        "the machine is too slow for this test"
    );

    let address = server.webhook;
    assert_eq!(server.ended().await, Ended::Drained);
    assert!(started.elapsed() >= SHORT_LINGER.linger);
    assert!(Client::plain(address).await.is_err());
}

#[tokio::test]
async fn in_the_linger_http_1_clients_are_told_to_take_another_connection() {
    let server = Running::start(PATIENT).await;
    let (mut h1, mut h2) = (server.client(H1).await, server.client(H2).await);
    server.signal(Signal::Terminate);
    until_draining(&server).await;
    let reply = h1.post("/validate", "{}").await.unwrap();
    assert_eq!(reply.headers["connection"], "close");
    assert!(h1.post("/validate", "{}").await.is_err());
    // Over HTTP/2 the header is illegal, and one connection is all the API server has.
    for _ in 0..2 {
        let reply = h2.post("/validate", "{}").await.unwrap();
        assert!(!reply.headers.contains_key("connection"));
    }
}

#[tokio::test]
async fn a_call_in_flight_when_the_linger_ends_gets_its_answer() {
    for alpn in [H1, H2] {
        let plan = Plan {
            linger: Duration::from_millis(100),
            ..PATIENT
        };
        let server = Running::start(plan).await;
        let mut client = server.client(alpn).await;
        let call = tokio::spawn(async move { client.post("/mutate", "1000").await });
        server.until("bindguard_requests_in_flight 1").await;
        server.signal(Signal::Terminate);
        assert_eq!(server.ended().await, Ended::Drained);
        assert_eq!(call.await.unwrap().unwrap().body, "1000");
    }
}

#[tokio::test]
async fn a_call_that_outlasts_the_drain_is_cut() {
    let server = Running::start(SHORT_DRAIN).await;
    let mut client = server.client(H2).await;
    let call = tokio::spawn(async move { client.post("/mutate", "9000").await });
    server.until("bindguard_requests_in_flight 1").await;
    server.signal(Signal::Terminate);
    assert_eq!(server.ended().await, Ended::Cut { connections: 1 });
    assert!(call.await.unwrap().is_err());
}

#[tokio::test]
async fn probes_are_answered_while_calls_drain() {
    let server = Running::start(Plan {
        linger: Duration::ZERO,
        ..PATIENT
    })
    .await;
    let mut client = server.client(H2).await;
    let call = tokio::spawn(async move { client.post("/mutate", "1000").await });
    server.until("bindguard_requests_in_flight 1").await;
    server.signal(Signal::Terminate);
    sleep(Duration::from_millis(200)).await;
    assert_eq!(readyz(&server).await.0, StatusCode::SERVICE_UNAVAILABLE);
    let livez = Client::plain(server.admin)
        .await
        .unwrap()
        .get("/livez")
        .await
        .unwrap();
    assert_eq!(livez.status, StatusCode::OK);
    assert!(!server.has_ended());
    assert_eq!(server.ended().await, Ended::Drained);
    assert!(call.await.unwrap().is_ok());
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once_in_linger_and_drain() {
    for (plan, second) in [
        (PATIENT, Signal::Terminate),
        (PATIENT, Signal::Interrupt),
        (
            Plan {
                linger: Duration::ZERO,
                ..PATIENT
            },
            Signal::Terminate,
        ),
    ] {
        let server = Running::start(plan).await;
        let mut client = server.client(H2).await;
        let call = tokio::spawn(async move { client.post("/mutate", "9000").await });
        server.until("bindguard_requests_in_flight 1").await;
        server.signal(Signal::Terminate);
        until_draining(&server).await;
        sleep(Duration::from_millis(100)).await;
        assert!(!server.has_ended());
        server.signal(second);
        assert_eq!(server.ended().await, Ended::AtOnce);
        assert!(call.await.unwrap().is_err());
    }
}

#[tokio::test]
async fn at_sigint_there_is_no_linger() {
    let server = Running::start(PATIENT).await;
    let mut idle = server.client(H2).await;
    idle.post("/validate", "{}").await.unwrap();
    server.signal(Signal::Interrupt);
    assert_eq!(server.ended().await, Ended::Drained);
}

#[tokio::test]
async fn signals_of_the_system_are_told_apart() {
    let mut signals = signals().unwrap();
    for (name, expected) in [("-TERM", Signal::Terminate), ("-INT", Signal::Interrupt)] {
        let own = std::process::id().to_string();
        assert!(
            Command::new("kill")
                .args([name, &own])
                .status()
                .unwrap()
                .success()
        );
        assert_eq!(signals.next().await, Some(expected));
    }
}
