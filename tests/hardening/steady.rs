//! A client that does as the API server does, and takes the time of each call.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::runtime::Builder;
use tokio::time::{sleep, timeout};

use super::endpoint::Endpoint;

const REVIEW: &str = include_str!("../../examples/reviews/covered.json");
/// A call every so often.
const EVERY: Duration = Duration::from_millis(10);
/// And every so many of them over a new connection.
const RENEW: usize = 25;
/// Longer than any call may take.
const LIMIT: Duration = Duration::from_secs(10);

/// How long calls took, each with its connection where it was over a new one.
#[derive(Debug)]
pub(crate) struct Latencies(Vec<Duration>);

impl Latencies {
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn at(&self, share: f64) -> Duration {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "there are some thousands"
        )]
        let position = (self.0.len() as f64 * share) as usize;
        self.0[position.min(self.0.len() - 1)]
    }
}

/// A client in a thread of its own.
pub(crate) struct Steady {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Latencies>,
}

impl Steady {
    pub(crate) fn start(endpoint: &Endpoint) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, endpoint) = (Arc::clone(&stop), endpoint.clone());
        let run = move || {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(calls(&endpoint, || stopped.load(Ordering::Relaxed)))
        };
        // Named, for whoever looks at what the machine gives it.
        let thread = thread::Builder::new().name("steady".to_owned()).spawn(run);
        let thread = thread.expect("a thread for the client");
        Self { stop, thread }
    }

    /// Ends it. Fails the test if one of its calls was not answered with a verdict.
    pub(crate) fn finish(self) -> Latencies {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("every call is answered")
    }
}

/// One call, over a connection of its own.
pub(crate) async fn one_call(endpoint: &Endpoint) {
    let mut sender = connect(endpoint).await;
    call(&mut sender).await;
}

async fn calls(endpoint: &Endpoint, stopped: impl Fn() -> bool) -> Latencies {
    let mut took = Vec::new();
    let mut connection = None;
    while !stopped() {
        let began = Instant::now();
        if took.len() % RENEW == 0 {
            connection = None;
        }
        let sender = match &mut connection {
            Some(sender) => sender,
            None => connection.insert(connect(endpoint).await),
        };
        call(sender).await;
        took.push(began.elapsed());
        sleep(EVERY.saturating_sub(began.elapsed())).await;
    }
    took.sort();
    Latencies(took)
}

async fn connect(endpoint: &Endpoint) -> SendRequest<Full<Bytes>> {
    let stream = timeout(LIMIT, endpoint.api_server()).await;
    let stream = stream.expect("connected in time").expect("connected");
    let io = TokioIo::new(stream);
    let (sender, connection) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
    tokio::spawn(connection);
    sender
}

async fn call(sender: &mut SendRequest<Full<Bytes>>) {
    let answer = async {
        sender.ready().await?;
        let request = Request::post("https://localhost/validate?timeout=10s")
            .header("content-type", "application/json")
            .body(Full::from(REVIEW))
            .unwrap();
        let response = sender.send_request(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        Ok::<_, hyper::Error>((status, body))
    };
    let (status, body) = timeout(LIMIT, answer)
        .await
        .expect("answered in time")
        .expect("answered");
    assert_eq!(status, 200, "{body:?}");
    let verdict: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(verdict["response"]["allowed"], true, "{verdict}");
}
