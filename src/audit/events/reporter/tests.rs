//! Against an API server of a few lines, which stores Events, in paused time.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};
use tower::service_fn;

use super::{Denials, Reporter};
use crate::audit::denial::tests::{pair, record};
use crate::audit::record::Record;
use crate::telemetry::metrics::Metrics;

#[derive(Default)]
struct Server {
    events: BTreeMap<String, Value>,
    writes: usize,
    /// Refuses everything with this.
    refuses: Option<(u16, &'static str)>,
    /// Does what it is told, and says that it failed.
    lies: bool,
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Server>>);

impl Shared {
    fn with<T>(&self, change: impl FnOnce(&mut Server) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn client(&self) -> Client {
        let shared = self.clone();
        let service = service_fn(move |request: Request<Body>| {
            let shared = shared.clone();
            async move {
                let (head, body) = request.into_parts();
                let body = body.collect().await.unwrap().to_bytes();
                let body: Value = serde_json::from_slice(&body).unwrap();
                let path = head.uri.path();
                let (code, answer) = shared.with(|server| server.answer(&head.method, path, body));
                let code = StatusCode::from_u16(code).unwrap();
                let body = Body::from(answer.to_string().into_bytes());
                Ok::<_, Infallible>(Response::builder().status(code).body(body).unwrap())
            }
        });
        Client::new(service, "other")
    }

    /// How often each Event says that it happened.
    fn counts(&self) -> Vec<i64> {
        let count = |event: &Value| event["series"]["count"].as_i64().unwrap_or(1);
        self.with(|server| server.events.values().map(count).collect())
    }
}

impl Server {
    fn answer(&mut self, method: &Method, path: &str, body: Value) -> (u16, Value) {
        self.writes += 1;
        if let Some((code, message)) = self.refuses {
            return failed(code, message);
        }
        let base = "/apis/events.k8s.io/v1/namespaces/dev/events";
        let answer = if method == Method::POST {
            assert_eq!(path, base);
            let name = body["metadata"]["name"].as_str().unwrap().to_owned();
            if self.events.contains_key(&name) {
                return failed(409, "it exists");
            }
            self.events.insert(name, body.clone());
            body
        } else {
            assert_eq!(method, Method::PATCH);
            let name = path.strip_prefix(base).unwrap().trim_start_matches('/');
            let Some(event) = self.events.get_mut(name) else {
                return failed(404, "there is none");
            };
            event["series"] = body["series"].clone();
            event.clone()
        };
        if self.lies {
            return failed(500, "no");
        }
        (200, answer)
    }
}

fn failed(code: u16, message: &str) -> (u16, Value) {
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": "x", "code": code,
    });
    (code, status)
}

struct Replica {
    denials: Denials,
    reporter: Reporter,
    metrics: Metrics,
    start: Instant,
}

impl Replica {
    fn new(shared: &Shared) -> Self {
        let metrics = Metrics::new("0.0.0");
        let denials = Denials::new(metrics.clone());
        let reporter = Reporter::new(denials.clone(), shared.client());
        Self {
            denials,
            reporter,
            metrics,
            start: Instant::now(),
        }
    }

    fn refuse(&self, requester: &str, subject: &str) {
        let since = i64::try_from(self.start.elapsed().as_millis()).unwrap();
        let time = Timestamp::from_millisecond(since).unwrap();
        let refused = record(requester, vec![pair(subject, "lists")]);
        self.denials.remember(&Record { time, ..refused });
    }

    async fn run(&mut self, seconds: u64) {
        let time = Duration::from_secs(seconds);
        assert!(timeout(time, self.reporter.run()).await.is_err());
    }

    /// Runs while something is refused every second.
    async fn run_refusing(&mut self, seconds: u64, subject: impl Fn(u64) -> String) {
        let refused = Self {
            denials: self.denials.clone(),
            reporter: Reporter::new(self.denials.clone(), Shared::default().client()),
            metrics: self.metrics.clone(),
            start: self.start,
        };
        let refusing = async {
            for second in 0..seconds {
                refused.refuse("bob", &subject(second));
                sleep(Duration::from_secs(1)).await;
            }
        };
        tokio::select! {
            never = self.reporter.run() => match never {},
            () = refusing => {}
        }
    }

    #[track_caller]
    fn has(&self, result: &str, count: usize) {
        let text = self.metrics.encode();
        let line = format!("bindguard_events_total{{result=\"{result}\"}} {count}");
        assert!(text.lines().any(|one| one == line), "{line}\n{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_denial_is_an_event_and_its_repetitions_are_a_series() {
    let shared = Shared::default();
    let mut replica = Replica::new(&shared);
    replica.refuse("bob", "alice");
    replica.run(3).await;
    let event = shared
        .with(|server| server.events.values().next().cloned())
        .unwrap();
    assert_eq!(event["regarding"]["namespace"], "dev");
    assert_eq!(event["regarding"]["kind"], "RoleBinding");
    assert_eq!(event["type"], "Warning");
    assert_eq!(event["series"], Value::Null);
    let denial = event["metadata"]["annotations"]["bindguard.dev/denial"].as_str();
    assert!(denial.unwrap().contains("\"requester\":\"bob\""), "{event}");

    for _ in 0..3 {
        replica.refuse("bob", "alice");
    }
    replica.run(3).await;
    assert_eq!(shared.counts(), [4]);
    // Another denial, seen twice before it is written, is another Event.
    replica.refuse("bob", "carol");
    replica.refuse("bob", "carol");
    replica.run(3).await;
    let mut counts = shared.counts();
    counts.sort_unstable();
    assert_eq!(counts, [2, 4]);
    assert_eq!(shared.with(|server| server.writes), 3);

    // After a while it is a series of its own, and one that is gone is made again.
    replica.run(11 * 60).await;
    replica.refuse("bob", "alice");
    replica.run(3).await;
    let mut counts = shared.counts();
    counts.sort_unstable();
    assert_eq!(counts, [1, 2, 4]);
    shared.with(|server| server.events.clear());
    replica.refuse("bob", "alice");
    replica.run(3).await;
    assert_eq!(shared.counts(), [2]);
}

#[tokio::test(start_paused = true)]
async fn a_noisy_requester_is_limited_and_counted_and_others_are_not() {
    let shared = Shared::default();
    let mut replica = Replica::new(&shared);
    for number in 0..100 {
        replica.refuse("noisy", &format!("user-{number}"));
    }
    replica.run(2).await;
    replica.refuse("quiet", "alice");
    replica.run(2).await;
    assert_eq!(shared.with(|server| server.events.len()), 11);
    // What was held back comes bit by bit.
    replica.run(100).await;
    let events = shared.with(|server| server.events.len());
    assert!((20..=22).contains(&events), "{events}");
    replica.run(2_000).await;
    assert_eq!(shared.with(|server| server.events.len()), 101);
    replica.has("ok", 101);
    replica.has("limited", 0);
}

#[tokio::test(start_paused = true)]
async fn a_series_that_never_ends_costs_a_write_now_and_then() {
    let shared = Shared::default();
    let mut replica = Replica::new(&shared);
    replica.run_refusing(600, |_| "alice".to_owned()).await;
    replica.run(30).await;
    assert_eq!(shared.counts(), [600]);
    let writes = shared.with(|server| server.writes);
    assert!((60..80).contains(&writes), "{writes} writes in ten minutes");
}

#[tokio::test(start_paused = true)]
async fn what_is_held_back_is_bounded() {
    let shared = Shared::default();
    shared.with(|server| server.refuses = Some((500, "no")));
    let mut replica = Replica::new(&shared);
    replica.refuse("quiet", "alice");
    for number in 0..3_000 {
        replica.refuse("noisy", &format!("user-{number}"));
    }
    replica.run(5).await;
    assert!(replica.reporter.seen.len() <= 1_000);
    replica.has("limited", 3_001 - replica.reporter.seen.len());
    shared.with(|server| server.refuses = None);
    replica.run(100).await;
    let quiet = |event: &Value| event["note"].as_str().unwrap().starts_with("quiet");
    assert!(shared.with(|server| server.events.values().any(quiet)));
}

#[tokio::test(start_paused = true)]
async fn while_kubernetes_says_no_it_is_asked_ever_less_often() {
    let shared = Shared::default();
    shared.with(|server| server.refuses = Some((500, "no")));
    let mut replica = Replica::new(&shared);
    replica.refuse("bob", "alice");
    replica.run(600).await;
    let writes = shared.with(|server| server.writes);
    assert!(
        (10..20).contains(&writes),
        "{writes} attempts in ten minutes"
    );
    replica.has("unreachable", writes);
    shared.with(|server| server.refuses = None);
    replica.run(70).await;
    assert_eq!(shared.counts(), [1]);

    // Without the right, an Event is given up, and the next is tried later.
    let shared = Shared::default();
    shared.with(|server| server.refuses = Some((403, "may not")));
    let mut replica = Replica::new(&shared);
    replica
        .run_refusing(600, |second| format!("user-{}", second % 8))
        .await;
    let writes = shared.with(|server| server.writes);
    assert!(writes < 30, "{writes} attempts in ten minutes");
    replica.has("forbidden", writes);
    let first = replica.reporter.told.as_ref().map(|(_, at)| at.elapsed());
    assert!(
        first.unwrap() > Duration::from_secs(590),
        "it was told once"
    );
}

#[tokio::test(start_paused = true)]
async fn what_one_namespace_does_not_take_holds_up_no_other() {
    let shared = Shared::default();
    let message = "unable to create: namespace dev is being terminated";
    shared.with(|server| server.refuses = Some((403, message)));
    let mut replica = Replica::new(&shared);
    let namespace = "../kube-system";
    let mut forged = record("bob", vec![pair("alice", "lists")]);
    forged.binding.namespace = Some(namespace);
    replica.denials.remember(&forged);
    replica.refuse("bob", "alice");
    replica.run(2).await;
    replica.has("refused", 2);
    assert_eq!(shared.with(|server| server.writes), 1);
    shared.with(|server| server.refuses = None);
    replica.refuse("bob", "carol");
    replica.run(2).await;
    assert_eq!(shared.counts(), [1]);
}

#[tokio::test(start_paused = true)]
async fn an_event_that_arrived_although_its_answer_did_not_is_made_and_counted_once() {
    let shared = Shared::default();
    shared.with(|server| server.lies = true);
    let mut replica = Replica::new(&shared);
    replica.refuse("bob", "alice");
    replica.run(2).await;
    shared.with(|server| server.lies = false);
    replica.run(10).await;
    assert_eq!(shared.counts(), [1]);
    shared.with(|server| server.lies = true);
    replica.refuse("bob", "alice");
    replica.run(2).await;
    shared.with(|server| server.lies = false);
    replica.run(10).await;
    assert_eq!(shared.counts(), [2]);
}

#[tokio::test(start_paused = true)]
async fn the_end_writes_what_is_left_and_dry_runs_are_never_there() {
    let shared = Shared::default();
    let mut replica = Replica::new(&shared);
    let dry = record("bob", vec![pair("alice", "lists")]);
    replica.denials.remember(&Record {
        dry_run: true,
        ..dry
    });
    replica.run(5).await;
    assert_eq!(shared.with(|server| server.writes), 0);
    replica.refuse("bob", "alice");
    replica
        .reporter
        .finish(Instant::now() + Duration::from_secs(1))
        .await;
    assert_eq!(shared.counts(), [1]);
}
