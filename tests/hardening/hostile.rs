//! Everything at once.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::future::try_join_all;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::JoinSet;

use super::attack;
use super::lab::{Lab, runtime};
use super::steady::{Latencies, Steady, one_call};

const IDLE: usize = 1_000;
const SLOW_HANDSHAKES: usize = 250;
const SLOW_HEADS: usize = 100;
const SLOW_BODIES: usize = 50;
/// How long the attack lasts: longer than any of the slow ones may take.
const ATTACK: Duration = Duration::from_secs(12);

#[test]
fn while_hostile_clients_do_what_they_can_the_api_server_is_answered_at_once() {
    let lab = Lab::start(&[]);
    let runtime = runtime();
    runtime.block_on(one_call(&lab.endpoint));
    lab.within(5, "nobody is connected", |lab| lab.connections() == 0);
    let descriptors = lab.descriptors();
    let quiet = quiet(&lab);
    eprintln!(
        "in quiet: p50 {:?}, longest {:?}",
        quiet.at(0.5),
        quiet.at(1.0)
    );
    let began = Instant::now();

    let idle: Vec<_> = runtime
        .block_on(
            stream::iter(0..IDLE)
                .map(|number| attack::idle(&lab.endpoint, number % 2 == 0))
                .buffer_unordered(32)
                .try_collect(),
        )
        .expect("a thousand connections are taken");
    assert_eq!(lab.connections(), IDLE as u64);
    eprintln!("{IDLE} idle connections after {:?}", began.elapsed());

    let steady = Steady::start(&lab.endpoint);
    let mut slow = JoinSet::new();
    let mut floods = JoinSet::new();
    let enter = runtime.enter();
    for number in 0..SLOW_HANDSHAKES {
        slow.spawn(attack::slow_handshake(lab.endpoint.clone()));
        if number < SLOW_HEADS {
            slow.spawn(attack::slow_head(lab.endpoint.clone()));
            slow.spawn(attack::slow_headers(lab.endpoint.clone()));
        }
        if number < SLOW_BODIES {
            slow.spawn(attack::slow_body(lab.endpoint.clone()));
        }
    }
    for _ in 0..2 {
        floods.spawn(attack::endless_head(lab.endpoint.clone()));
        floods.spawn(attack::endless_headers(lab.endpoint.clone()));
        floods.spawn(attack::garbage(lab.endpoint.clone()));
        floods.spawn(attack::resets(lab.endpoint.clone()));
        floods.spawn(attack::abandoned_calls(lab.endpoint.clone()));
        floods.spawn(attack::no_window(lab.endpoint.clone()));
    }
    drop(enter);
    let (attacked, idled) = (Instant::now(), lab.processor_time());
    std::thread::sleep(ATTACK);

    // Every slow client was shown the door, though none of them ever fell silent.
    runtime.block_on(async {
        let all = async { while slow.join_next().await.is_some() {} };
        let in_time = tokio::time::timeout(Duration::from_secs(5), all).await;
        assert!(in_time.is_ok(), "slow clients are connected still");
    });
    eprintln!(
        "the last slow client was gone after {:?}",
        attacked.elapsed()
    );
    runtime.block_on(floods.shutdown());
    let latencies = steady.finish();
    let memory = lab.peak_memory();
    eprintln!(
        "{} calls meanwhile: p50 {:?}, p99 {:?}, longest {:?}; peak memory {} MiB, {:?} of \
         processor time",
        latencies.count(),
        latencies.at(0.5),
        latencies.at(0.99),
        latencies.at(1.0),
        memory / 1024,
        lab.processor_time().saturating_sub(idled),
    );
    // On a machine that is busy with other things, quiet is no measure of seconds either.
    assert!(latencies.at(1.0) < Duration::from_secs(2) + 10 * quiet.at(1.0));
    assert!(memory < 128 * 1024, "{memory} KiB");

    // Those that only waited are there still, and nobody else.
    lab.within(5, "the idle ones remain", |lab| {
        lab.connections() == IDLE as u64
    });
    assert_eq!(lab.cut("slow_handshake"), SLOW_HANDSHAKES as u64);
    assert!(lab.cut("slow_request") >= 2 * SLOW_HEADS as u64);
    assert!(lab.cut("abandoned_calls") > 0);
    assert_eq!(lab.cut("idle") + lab.cut("full") + lab.cut("peer_full"), 0);
    let refused = "bindguard_requests_total{endpoint=\"validate\",outcome=\"bad_request\"}";
    assert!(lab.metric(refused) >= SLOW_BODIES as u64);
    drop(idle);
    drop(runtime);
    lab.within(5, "all are gone", |lab| lab.connections() == 0);
    lab.within(5, "their descriptors too", |lab| {
        lab.descriptors() == descriptors
    });
    assert_eq!(lab.metric("bindguard_requests_in_flight"), 0);
    lab.check_health();
}

/// How long calls take when nobody else calls.
fn quiet(lab: &Lab) -> Latencies {
    let steady = Steady::start(&lab.endpoint);
    std::thread::sleep(Duration::from_secs(1));
    let latencies = steady.finish();
    lab.within(5, "nobody is connected", |lab| lab.connections() == 0);
    latencies
}

#[test]
fn bodies_that_nobody_could_hold_are_refused_with_a_time_to_try_again() {
    let lab = Lab::start(&[]);
    let runtime = runtime();
    // Each sends 6 MiB of 7, and waits.
    let piece = Bytes::from(vec![b' '; 64 * 1024]);
    let greedy = || {
        let (endpoint, piece) = (lab.endpoint.clone(), piece.clone());
        async move {
            let mut stream = endpoint.http1().await?;
            let head = "POST /validate?timeout=30s HTTP/1.1\r\nhost: a\r\n\
                        content-type: application/json\r\ncontent-length: 7000000\r\n\r\n";
            stream.write_all(head.as_bytes()).await?;
            for _ in 0..96 {
                stream.write_all(&piece).await?;
            }
            stream.flush().await?;
            let mut answer = vec![0; 1_024];
            let length = stream.read(&mut answer).await?;
            answer.truncate(length);
            Ok::<_, std::io::Error>(String::from_utf8_lossy(&answer).into_owned())
        }
    };
    let mut clients = JoinSet::new();
    let enter = runtime.enter();
    for _ in 0..40 {
        clients.spawn(greedy());
    }
    drop(enter);
    let busy = "bindguard_requests_total{endpoint=\"validate\",outcome=\"busy\"}";
    lab.within(10, "some are refused", |lab| lab.metric(busy) > 20);
    runtime.block_on(async {
        let answers = async {
            let mut told = 0;
            while let Some(answer) = clients.join_next().await {
                // One that is refused while it sends may see the reset and not the answer.
                if let Ok(Ok(answer)) = answer
                    && answer.starts_with("HTTP/1.1 503")
                {
                    assert!(answer.contains("retry-after: 1\r\n"), "{answer}");
                    assert!(answer.contains("too much is being read"), "{answer}");
                    told += 1;
                }
            }
            told
        };
        let told = tokio::time::timeout(Duration::from_secs(15), answers).await;
        eprintln!(
            "{} of 40 were told to try again",
            told.expect("all were answered")
        );
        // And when they are gone, all is as before.
        one_call(&lab.endpoint).await;
    });
    let memory = lab.peak_memory();
    eprintln!("peak memory {} MiB", memory / 1024);
    assert!(memory < 192 * 1024, "{memory} KiB");
    lab.check_health();
}

#[test]
fn a_hundred_clients_that_come_at_once_are_all_served() {
    let lab = Lab::start(&[]);
    let runtime = runtime();
    let calls = (0..100).map(|_| async {
        one_call(&lab.endpoint).await;
        Ok::<_, std::convert::Infallible>(())
    });
    runtime.block_on(try_join_all(calls)).unwrap();
    assert_eq!(lab.cut("made_way") + lab.cut("full"), 0);
}
