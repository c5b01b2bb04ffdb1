//! Clients that take their time: HTTP over a pipe in memory, on a clock that the tests advance.

use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tower::Service as _;

use super::super::connections::{Connection, Connections};
use super::super::limits;
use super::super::places::Places;
use super::super::readiness::Readiness;
use super::calls::router;
use crate::telemetry::metrics::Metrics;

const SECOND: Duration = Duration::from_secs(1);
/// What an idle connection is given at the least, and what one is that is slow.
const LENIENT: Duration = Duration::from_mins(2);
const ALMOST: Duration = Duration::from_secs(119);
const STRICT: Duration = Duration::from_secs(10);

/// A connection to a server in memory.
struct Pipe {
    client: DuplexStream,
    task: JoinHandle<()>,
    metrics: Metrics,
    began: Instant,
}

impl Pipe {
    async fn new() -> Self {
        Self::with_buffer(1024 * 1024).await
    }

    async fn with_buffer(bytes: usize) -> Self {
        let metrics = Metrics::new("test");
        let readiness = Readiness::new(&[]);
        let router = router(&metrics);
        let mut connections =
            Connections::of_webhook(router, Places::new(8), metrics.clone(), readiness);
        let connection: Connection = connections
            .call("10.0.0.1:1000".parse().unwrap())
            .await
            .unwrap();
        let (client, server) = duplex(bytes);
        let stream = connection.watch(server, connection.make_way());
        let task = tokio::spawn(async move {
            let mut http = Builder::new(TokioExecutor::new());
            limits::set(&mut http);
            let service = TowerToHyperService::new(connection);
            let serving = http.serve_connection(TokioIo::new(stream), service);
            // How it ends is seen by the client.
            drop(serving.await);
        });
        Self {
            client,
            task,
            metrics,
            began: Instant::now(),
        }
    }

    async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.client.write_all(bytes.as_ref()).await.unwrap();
        self.client.flush().await.unwrap();
    }

    /// Sends a byte a second until the connection is closed, a thousand at most.
    async fn drip(&mut self, byte: u8) {
        for _ in 0..1_000 {
            if self.client.write_all(&[byte]).await.is_err() {
                return;
            }
            sleep(SECOND).await;
        }
    }

    /// What the server has sent, a moment after it had the time to.
    async fn receive(&mut self) -> String {
        let mut received = Vec::new();
        let all = self.client.read_to_end(&mut received);
        drop(timeout(SECOND / 10, all).await);
        String::from_utf8_lossy(&received).into_owned()
    }

    /// How long after its beginning, and why, the connection was closed.
    async fn closed(mut self) -> (Duration, String) {
        // What is received must be taken, or it is the client that is waited for.
        let mut received = Vec::new();
        drop(self.client.read_to_end(&mut received).await);
        self.task.await.unwrap();
        (self.began.elapsed(), reason(&self.metrics))
    }
}

/// The reason for which one connection was cut.
fn reason(metrics: &Metrics) -> String {
    let text = metrics.encode();
    let cut = text.lines().find_map(|line| {
        line.strip_prefix("bindguard_connections_cut_total{reason=\"")?
            .strip_suffix("\"} 1")
    });
    cut.unwrap_or("none").to_owned()
}

fn assert_idle((after, reason): &(Duration, String)) {
    assert_eq!(reason, "idle", "after {after:?}");
    assert!(*after >= LENIENT, "after {after:?}");
    assert!(*after <= LENIENT + 10 * SECOND, "after {after:?}");
}

fn assert_slow((after, reason): &(Duration, String), since: Duration) {
    assert_eq!(reason, "slow_request", "after {after:?}");
    let took = after.saturating_sub(since);
    assert!(took <= STRICT, "after {took:?}");
    assert!(took > STRICT / 2, "after {took:?}");
}

const POST: &str = "POST /validate HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
const PREFACE: &str = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A frame on this stream.
fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags, 0, 0, 0, stream], payload].concat()
}

fn settings() -> Vec<u8> {
    frame(4, 0, 0, &[])
}

/// The head of `GET /x`, by the static table of HPACK: all that these tests need to be answered.
fn get(stream: u8) -> Vec<u8> {
    frame(1, 5, stream, b"\x82\x87\x44\x02/x\x41\x01a")
}

#[tokio::test(start_paused = true)]
async fn a_spare_connection_without_a_byte_is_left_alone_for_two_minutes() {
    assert_idle(&Pipe::new().await.closed().await);
}

#[tokio::test(start_paused = true)]
async fn an_idle_http_1_connection_is_left_alone_for_two_minutes_after_each_request() {
    let mut pipe = Pipe::new().await;
    for _ in 0..4 {
        pipe.send(POST).await;
        let answer = pipe.receive().await;
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
        sleep(ALMOST).await;
    }
    pipe.send(POST).await;
    pipe.began = Instant::now();
    assert_idle(&pipe.closed().await);
}

#[tokio::test(start_paused = true)]
async fn an_idle_http_2_connection_is_left_alone_for_two_minutes_after_each_request() {
    let mut pipe = Pipe::new().await;
    pipe.send(PREFACE).await;
    pipe.send(settings()).await;
    for request in 0..4 {
        sleep(ALMOST).await;
        pipe.send(get(2 * request + 1)).await;
        let answer = pipe.receive().await;
        assert!(answer.contains("there is nothing at this path"), "{answer}");
    }
    pipe.began = Instant::now();
    assert_idle(&pipe.closed().await);
}

#[tokio::test(start_paused = true)]
async fn frames_that_begin_no_request_are_no_sign_of_life_nor_of_slowness() {
    let mut pipe = Pipe::new().await;
    pipe.send(PREFACE).await;
    pipe.send(settings()).await;
    for _ in 0..11 {
        sleep(STRICT).await;
        pipe.send(frame(6, 0, 0, &[0; 8])).await;
    }
    assert_idle(&pipe.closed().await);
}

#[tokio::test(start_paused = true)]
async fn a_head_that_is_begun_must_be_complete_soon() {
    for begun in [
        "P",
        "POST /validate HT",
        "POST / HTTP/1.1\r\nhost: a\r\n",
        PREFACE.get(..10).unwrap(),
    ] {
        let mut pipe = Pipe::new().await;
        pipe.send(begun).await;
        assert_slow(&pipe.closed().await, Duration::ZERO);
    }
}

#[tokio::test(start_paused = true)]
async fn a_head_that_drips_is_not_given_more_time_on_a_used_connection_either() {
    let mut pipe = Pipe::new().await;
    pipe.send(POST).await;
    assert!(pipe.receive().await.starts_with("HTTP/1.1 200"));
    sleep(LENIENT / 2).await;
    let since = pipe.began.elapsed();
    pipe.send("POST / HTTP/1.1\r\nx: ").await;
    pipe.drip(b'y').await;
    assert_slow(&pipe.closed().await, since + SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_frame_or_a_block_of_headers_that_is_begun_must_be_complete_soon() {
    let halves = [
        get(1)[..5].to_vec(),
        get(1)[..12].to_vec(),
        frame(1, 1, 1, b"\x82\x87"),
        frame(0, 0, 1, &[0; 100])[..50].to_vec(),
    ];
    for half in halves {
        let mut pipe = Pipe::new().await;
        pipe.send(PREFACE).await;
        pipe.send(settings()).await;
        sleep(LENIENT / 2).await;
        let since = pipe.began.elapsed();
        pipe.send(half).await;
        assert_slow(&pipe.closed().await, since);
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_takes_as_long_as_its_own_limit_allows_and_a_call_as_long_as_its() {
    let mut pipe = Pipe::new().await;
    let head = POST.replace("/validate", "/mutate?timeout=30s");
    pipe.send(head.replace(": 2", ": 5").trim_end_matches("{}"))
        .await;
    sleep(9 * SECOND).await;
    pipe.send("sleep").await;
    sleep(20 * SECOND).await;
    assert_eq!(reason(&pipe.metrics), "none");
    sleep(SECOND).await;
    let answer = pipe.receive().await;
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(answer.contains("retry-after: 1\r\n"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_nobody_takes_ends_the_connection() {
    // HTTP/1.1: the pipe is full.
    let mut pipe = Pipe::with_buffer(64).await;
    pipe.send(POST).await;
    sleep(STRICT + 2 * SECOND).await;
    assert_eq!(reason(&pipe.metrics), "slow_reader");
    // HTTP/2: the client's window is.
    let mut pipe = Pipe::new().await;
    pipe.send(PREFACE).await;
    pipe.send(frame(4, 0, 0, &[0, 4, 0, 0, 0, 0])).await;
    pipe.send(get(1)).await;
    sleep(STRICT + 2 * SECOND).await;
    assert_eq!(reason(&pipe.metrics), "slow_reader");
}

#[tokio::test(start_paused = true)]
async fn a_head_without_end_is_refused_and_not_held() {
    let mut pipe = Pipe::new().await;
    pipe.send("POST /validate HTTP/1.1\r\nhost: a\r\nx: ").await;
    pipe.send("y".repeat(64 * 1024)).await;
    let answer = pipe.receive().await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
}
