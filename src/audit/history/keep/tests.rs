//! Against an API server of a few lines, which stores one ConfigMap, in paused time.

use std::convert::Infallible;
use std::future::pending;
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

use super::{Denials, Keeper, Trouble};
use crate::audit::denial::tests::{pair, record};
use crate::audit::history::Stored;
use crate::audit::record::{Record, Verdict};
use crate::telemetry::metrics::Metrics;

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Mood {
    #[default]
    Good,
    /// Refuses everything so.
    Refuses(u16),
    /// Writes what it is told, and says that it failed.
    Lies,
    /// Writes what it is told, and says nothing.
    Hangs,
}

#[derive(Default)]
struct Server {
    stored: Option<Value>,
    version: u64,
    mood: Mood,
    calls: usize,
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Server>>);

impl Shared {
    fn with_map() -> Self {
        let shared = Self::default();
        shared.with(|server| {
            server.stored = Some(json!({
                "metadata": {"name": "h", "namespace": "n", "resourceVersion": "0", "labels": {"a": "b"}},
            }));
        });
        shared
    }

    fn with<T>(&self, change: impl FnOnce(&mut Server) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn set(&self, mood: Mood) {
        self.with(|server| server.mood = mood);
    }

    fn history(&self) -> Stored {
        let data = self.with(|server| server.stored.as_ref().unwrap()["data"].clone());
        let data: Option<std::collections::BTreeMap<String, String>> =
            serde_json::from_value(data).unwrap();
        Stored::read(data.iter().flatten())
    }

    fn client(&self) -> Client {
        let shared = self.clone();
        let service = service_fn(move |request: Request<Body>| {
            let shared = shared.clone();
            async move {
                let (head, body) = request.into_parts();
                assert_eq!(head.uri.path(), "/api/v1/namespaces/n/configmaps/h");
                let body = body.collect().await.unwrap().to_bytes();
                let (code, answer, mood) = shared.with(|server| {
                    let (code, answer) = server.answer(&head.method, &body);
                    (code, answer, server.mood)
                });
                if mood == Mood::Hangs && head.method == Method::PUT {
                    pending::<()>().await;
                }
                // Long enough for others to come between.
                sleep(Duration::from_millis(2)).await;
                let response = Response::builder().status(code);
                let body = Body::from(answer.to_string().into_bytes());
                Ok::<_, Infallible>(response.body(body).unwrap())
            }
        });
        Client::new(service, "other")
    }
}

impl Server {
    fn answer(&mut self, method: &Method, body: &[u8]) -> (StatusCode, Value) {
        self.calls += 1;
        if let Mood::Refuses(code) = self.mood {
            return failed(code);
        }
        let Some(stored) = self.stored.clone() else {
            return failed(404);
        };
        if method == Method::GET {
            return (StatusCode::OK, stored);
        }
        assert_eq!(method, Method::PUT);
        let mut new: Value = serde_json::from_slice(body).unwrap();
        if new["metadata"]["resourceVersion"] != stored["metadata"]["resourceVersion"] {
            return failed(409);
        }
        assert_eq!(new["metadata"]["labels"], stored["metadata"]["labels"]);
        self.version += 1;
        new["metadata"]["resourceVersion"] = json!(self.version.to_string());
        self.stored = Some(new.clone());
        if self.mood == Mood::Lies {
            return failed(500);
        }
        (StatusCode::OK, new)
    }
}

fn failed(code: u16) -> (StatusCode, Value) {
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": format!("refused with {code}"), "reason": "x", "code": code,
    });
    (StatusCode::from_u16(code).unwrap(), status)
}

/// A replica: what it refused, and what brings that to the cluster.
struct Replica {
    denials: Denials,
    keeper: Keeper,
    metrics: Metrics,
}

impl Replica {
    fn new(shared: &Shared) -> Self {
        let metrics = Metrics::new("0.0.0");
        let denials = Denials::new(metrics.clone());
        let keeper = Keeper::new(denials.clone(), shared.client(), "n", "h");
        Self {
            denials,
            keeper,
            metrics,
        }
    }

    fn refuse(&self, requester: &str, at: i64) {
        let time = Timestamp::from_second(at).unwrap();
        let refused = record(requester, vec![pair("alice", "lists")]);
        self.denials.remember(&Record { time, ..refused });
    }

    #[track_caller]
    fn has(&self, metric: &str) {
        let text = self.metrics.encode();
        let metric = format!("bindguard_history_{metric}");
        assert!(text.lines().any(|line| line == metric), "{metric}\n{text}");
    }

    async fn run(&mut self, time: Duration) {
        assert!(timeout(time, self.keeper.run()).await.is_err());
    }

    async fn finish(&mut self) -> u64 {
        self.keeper
            .finish(Instant::now() + Duration::from_secs(3))
            .await
    }
}

const LONG: Duration = Duration::from_mins(2);
const FIVE: Duration = Duration::from_secs(5);

#[tokio::test(start_paused = true)]
async fn three_replicas_that_write_at_the_same_time_lose_and_double_nothing() {
    let shared = Shared::with_map();
    let mut replicas = [(); 3].map(|()| Replica::new(&shared));
    for round in 0..10 {
        for (number, replica) in replicas.iter().enumerate() {
            for call in 0..20 {
                replica.refuse(&format!("user-{}", (number + call) % 20), round * 10);
            }
        }
        let running = replicas.iter_mut().map(|replica| replica.run(FIVE));
        futures::future::join_all(running).await;
        let expected = u64::try_from((round + 1) * 60).unwrap();
        assert_eq!(shared.history().denials.calls(), expected);
    }
    let history = shared.history();
    assert_eq!((history.denials.len(), history.garbage), (20, 0));
    for (_, seen) in history.denials.iter() {
        assert_eq!(
            (seen.first_seen.as_second(), seen.last_seen.as_second()),
            (0, 90)
        );
    }
    let conflicts: usize = replicas
        .iter()
        .map(|replica| replica.metrics.encode())
        .filter(|text| !text.contains("history_writes_total{result=\"conflict\"} 0"))
        .count();
    assert!(conflicts > 0, "nothing was contended");
    replicas[0].has("waiting 0");
    replicas[0].has("entries 20");
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_arrived_although_its_answer_did_not_is_counted_once() {
    for mood in [Mood::Lies, Mood::Hangs] {
        let shared = Shared::with_map();
        let mut replica = Replica::new(&shared);
        replica.refuse("bob", 1);
        shared.set(mood);
        replica.run(LONG).await;
        replica.has("writes_total{result=\"unreachable\"} 1");
        replica.has("writes_total{result=\"ok\"} 1");
        replica.refuse("bob", 2);
        shared.set(Mood::Good);
        replica.run(LONG).await;
        assert_eq!(shared.history().denials.calls(), 2, "{mood:?}");
        replica.has("waiting 0");
    }
}

#[tokio::test(start_paused = true)]
async fn while_kubernetes_says_no_it_is_asked_ever_less_often_and_nothing_is_lost() {
    let absent = Shared::default();
    let forbidden = Shared::with_map();
    forbidden.set(Mood::Refuses(403));
    let broken = Shared::with_map();
    broken.set(Mood::Refuses(422));
    let down = Shared::with_map();
    down.set(Mood::Refuses(500));
    for (shared, label, trouble) in [
        (absent, "absent", Trouble::Absent),
        (forbidden, "forbidden", Trouble::Forbidden),
        (
            broken,
            "refused",
            Trouble::Refused("refused with 422".to_owned()),
        ),
        (down, "unreachable", Trouble::Unreachable),
    ] {
        let mut replica = Replica::new(&shared);
        replica.refuse("bob", 1);
        replica.run(Duration::from_mins(10)).await;
        assert_eq!(replica.keeper.told, Some(trouble));
        let calls = shared.with(|server| server.calls);
        assert!(
            (15..30).contains(&calls),
            "{label}: {calls} calls in ten minutes"
        );
        replica.has(&format!("writes_total{{result=\"{label}\"}} {calls}"));
        replica.refuse("bob", 2);
        replica.has("waiting 2");

        let whole = Shared::with_map().with(|server| server.stored.clone());
        shared.with(|server| {
            server.stored = whole;
            server.mood = Mood::Good;
        });
        replica.run(LONG).await;
        assert_eq!(shared.history().denials.calls(), 2);
        assert_eq!(replica.keeper.told, None);
        replica.has("waiting 0");
    }
}

#[tokio::test(start_paused = true)]
async fn what_waits_stays_in_bounds_and_what_had_to_go_is_counted() {
    let shared = Shared::default();
    let mut replica = Replica::new(&shared);
    replica.refuse("quiet", 0);
    for number in 0..10_000 {
        let name = format!("binding-{number}");
        let mut refused = record("noisy", vec![]);
        refused.binding.name = &name;
        refused.time = Timestamp::from_second(number).unwrap();
        replica.denials.remember(&refused);
    }
    replica.run(LONG).await;
    shared.with(|server| server.stored = Shared::with_map().with(|server| server.stored.take()));
    replica.run(LONG).await;
    let history = shared.history();
    assert!(history.denials.len() <= 2_000);
    assert!(
        history
            .denials
            .iter()
            .any(|(denial, _)| denial.requester == "quiet")
    );
    replica.has("waiting 0");
    let evicted = 10_001 - history.denials.len();
    replica.has(&format!("evicted_total {evicted}"));
}

#[tokio::test(start_paused = true)]
async fn the_end_writes_what_is_left_and_waits_for_nobody_who_says_no() {
    let shared = Shared::with_map();
    let mut replica = Replica::new(&shared);
    replica.refuse("bob", 1);
    let start = Instant::now();
    assert_eq!(replica.finish().await, 0);
    assert!(start.elapsed() < Duration::from_millis(100));
    assert_eq!(shared.history().denials.calls(), 1);

    // An attempt that is broken off goes on.
    replica.refuse("bob", 2);
    shared.set(Mood::Hangs);
    replica.run(Duration::from_secs(4)).await;
    shared.set(Mood::Good);
    replica.refuse("bob", 3);
    assert_eq!(replica.finish().await, 0);
    assert_eq!(shared.history().denials.calls(), 3);

    for (mood, least, most) in [
        (Mood::Refuses(403), 0, 1),
        (Mood::Refuses(500), 3, 4),
        (Mood::Hangs, 3, 4),
    ] {
        let mut replica = Replica::new(&shared);
        shared.set(mood);
        replica.refuse("bob", 4);
        replica.refuse("eve", 5);
        let start = Instant::now();
        assert_eq!(replica.finish().await, 2, "{mood:?}");
        let took = start.elapsed().as_secs();
        assert!((least..most).contains(&took), "{mood:?}: {took} s");
    }
}

#[tokio::test(start_paused = true)]
async fn a_denial_is_in_the_cluster_within_three_seconds() {
    let shared = Shared::with_map();
    let mut replica = Replica::new(&shared);
    replica.refuse("bob", 1);
    replica.run(Duration::from_secs(3)).await;
    assert_eq!(shared.history().denials.calls(), 1);
    // And nobody is asked while there is nothing to write.
    let calls = shared.with(|server| server.calls);
    replica.run(LONG).await;
    assert_eq!(shared.with(|server| server.calls), calls);
}

#[tokio::test(start_paused = true)]
async fn garbage_is_dropped_and_counted() {
    let shared = Shared::with_map();
    shared.with(|server| {
        let stored = server.stored.as_mut().unwrap();
        stored["data"] = json!({"denials": "garbage\n", "other": "x"});
        stored["binaryData"] = json!({"more": "AA=="});
    });
    let mut replica = Replica::new(&shared);
    replica.refuse("bob", 1);
    replica.run(FIVE).await;
    replica.has("garbage_total 3");
    assert_eq!(shared.history().denials.calls(), 1);
    assert_eq!(shared.history().garbage, 0);
    assert!(shared.with(|server| server.stored.as_ref().unwrap()["binaryData"].is_null()));
}

#[tokio::test(start_paused = true)]
async fn dry_runs_and_calls_that_pass_are_not_in_it() {
    let shared = Shared::with_map();
    let mut replica = Replica::new(&shared);
    let refused = record("bob", vec![pair("alice", "lists")]);
    replica.denials.remember(&Record {
        dry_run: true,
        ..refused.clone()
    });
    for decision in [Verdict::Warn, Verdict::Audit] {
        replica.denials.remember(&Record {
            decision,
            ..refused.clone()
        });
    }
    replica.run(LONG).await;
    assert_eq!(replica.finish().await, 0);
    assert_eq!(shared.with(|server| server.calls), 0);
    replica.has("waiting 0");
}
