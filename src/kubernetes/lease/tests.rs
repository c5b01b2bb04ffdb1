//! Against an API server of a few lines, which stores one Lease, in paused time.

use std::cell::RefCell;
use std::convert::Infallible;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep};
use tower::service_fn;

use super::{Candidate, Timing};

#[derive(Default)]
struct Server {
    lease: Option<Value>,
    version: u64,
    is_down: bool,
    is_hanging: bool,
}

type Shared = Arc<Mutex<Server>>;

fn with<T>(server: &Shared, change: impl FnOnce(&mut Server) -> T) -> T {
    change(&mut server.lock().unwrap_or_else(PoisonError::into_inner))
}

impl Server {
    fn answer(&mut self, method: &Method, body: Option<Value>) -> (StatusCode, Value) {
        let failed = |code: StatusCode| {
            let reason = code.canonical_reason().unwrap_or_default().replace(' ', "");
            let status = json!({
                "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                "message": code.to_string(), "reason": reason, "code": code.as_u16(),
            });
            (code, status)
        };
        if self.is_down {
            return failed(StatusCode::INTERNAL_SERVER_ERROR);
        }
        let stored = self
            .lease
            .as_ref()
            .map(|lease| &lease["metadata"]["resourceVersion"]);
        match (method, body) {
            (&Method::GET, _) => match &self.lease {
                Some(lease) => (StatusCode::OK, lease.clone()),
                None => failed(StatusCode::NOT_FOUND),
            },
            (&Method::POST, Some(_)) if stored.is_some() => failed(StatusCode::CONFLICT),
            (&Method::PUT, Some(lease))
                if stored != Some(&lease["metadata"]["resourceVersion"]) =>
            {
                failed(StatusCode::CONFLICT)
            }
            (_, Some(mut lease)) => {
                self.version += 1;
                lease["metadata"]["resourceVersion"] = json!(self.version.to_string());
                self.lease = Some(lease.clone());
                (StatusCode::OK, lease)
            }
            (_, None) => failed(StatusCode::BAD_REQUEST),
        }
    }
}

fn client(server: &Shared) -> Client {
    let server = Arc::clone(server);
    let service = service_fn(move |request: Request<Body>| {
        let server = Arc::clone(&server);
        async move {
            let (head, body) = request.into_parts();
            let bytes = body.collect().await.unwrap().to_bytes();
            let body = serde_json::from_slice(&bytes).ok();
            while with(&server, |server| server.is_hanging) {
                sleep(Duration::from_millis(100)).await;
            }
            let (code, answer) = with(&server, |server| server.answer(&head.method, body));
            let mut response = Response::new(Body::from(answer.to_string().into_bytes()));
            *response.status_mut() = code;
            Ok::<_, Infallible>(response)
        }
    });
    Client::new(service, "n")
}

fn candidate(server: &Shared) -> Candidate {
    let now = || Timestamp::UNIX_EPOCH;
    Candidate::new(client(server), "n", "lease", Timing::default(), now)
}

/// Who works when, of two who would.
type Log = Rc<RefCell<Vec<(Duration, usize, bool)>>>;

fn run(server: &Shared, number: usize, log: &Log, start: Instant) -> tokio::task::JoinHandle<()> {
    let (mut candidate, log) = (candidate(server), Rc::clone(log));
    tokio::task::spawn_local(async move {
        let changed = |leads| log.borrow_mut().push((start.elapsed(), number, leads));
        let never = candidate
            .lead(changed, std::future::pending::<Infallible>)
            .await;
        match never {}
    })
}

fn leaders(log: &Log) -> Vec<(usize, bool)> {
    log.borrow()
        .iter()
        .map(|(_, who, leads)| (*who, *leads))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn one_of_two_leads_and_the_other_takes_over_when_it_is_gone() {
    let (server, log) = (Shared::default(), Log::default());
    LocalSet::new()
        .run_until(async {
            let start = Instant::now();
            let first = run(&server, 1, &log, start);
            sleep(Duration::from_secs(1)).await;
            let _second = run(&server, 2, &log, start);
            sleep(Duration::from_mins(2)).await;
            assert_eq!(leaders(&log), [(1, true)]);
            let gone = start.elapsed();
            first.abort();
            sleep(Duration::from_mins(1)).await;
            assert_eq!(leaders(&log), [(1, true), (2, true)]);
            let took = log.borrow()[1].0.saturating_sub(gone);
            let allowed = Duration::from_secs(13)..Duration::from_secs(20);
            assert!(allowed.contains(&took), "{took:?}");
            let lease = with(&server, |server| server.lease.clone().unwrap());
            assert_eq!(lease["spec"]["leaseTransitions"], 1);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_cannot_renew_stops_before_another_could_begin() {
    for hang in [false, true] {
        let (server, log) = (Shared::default(), Log::default());
        LocalSet::new()
            .run_until(async {
                let start = Instant::now();
                let _first = run(&server, 1, &log, start);
                sleep(Duration::from_secs(31)).await;
                with(&server, |server| {
                    server.is_hanging = hang;
                    server.is_down = !hang;
                });
                sleep(Duration::from_mins(1)).await;
                assert_eq!(leaders(&log), [(1, true), (1, false)]);
                let stopped = log.borrow()[1].0.saturating_sub(Duration::from_secs(31));
                assert!(stopped <= Timing::default().stop_after, "{stopped:?}");
                assert!(stopped >= Duration::from_secs(6), "{stopped:?}");
                with(&server, |server| {
                    server.is_hanging = false;
                    server.is_down = false;
                });
                sleep(Duration::from_secs(15)).await;
                assert_eq!(leaders(&log).last(), Some(&(1, true)));
            })
            .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_another_took_is_lost_with_the_next_renewal() {
    let (server, log) = (Shared::default(), Log::default());
    LocalSet::new()
        .run_until(async {
            let _first = run(&server, 1, &log, Instant::now());
            sleep(Duration::from_secs(5)).await;
            with(&server, |server| {
                let mut lease = server.lease.clone().unwrap();
                lease["spec"]["holderIdentity"] = json!("another");
                server.answer(&Method::PUT, Some(lease));
            });
            sleep(Duration::from_secs(3)).await;
            assert_eq!(leaders(&log), [(1, true), (1, false)]);
            sleep(Duration::from_secs(10)).await;
            assert_eq!(leaders(&log).len(), 2);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_is_deleted_or_given_back_is_free_at_once() {
    let server = Shared::default();
    let (mut first, mut second) = (candidate(&server), candidate(&server));
    let begun = first.acquire().await;
    assert_eq!(begun.elapsed(), Duration::ZERO);
    second.release().await.unwrap();
    assert!(!second.try_once(Instant::now()).await.unwrap());
    first.release().await.unwrap();
    assert!(second.try_once(Instant::now()).await.unwrap());
    with(&server, |server| server.lease = None);
    first.release().await.unwrap();
    assert!(first.try_once(Instant::now()).await.unwrap());
    assert_ne!(first.identity(), second.identity());
}

#[tokio::test(start_paused = true)]
async fn of_two_who_reach_for_it_at_the_same_moment_one_gets_it() {
    let server = Shared::default();
    let (mut first, mut second) = (candidate(&server), candidate(&server));
    let begun = Instant::now();
    let (one, two) = tokio::join!(first.try_once(begun), second.try_once(begun));
    let won = [one, two].into_iter().filter(|won| matches!(won, Ok(true)));
    assert_eq!(won.count(), 1);
}
