//! An API server that hangs, goes away and comes back, and forgets what it said before.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::api::{Somebody, block_on};
use crate::asking::{Asker, Said};
use crate::proxy::Proxy;
use crate::soaks;
use crate::stage::{furnish, metric, serve};
use crate::support::{ADMIN, Bindguard, ControlPlane, by_way_of, eventually, unique};

/// Within this time after an outage the index is what the cluster is.
const FRESH: Duration = Duration::from_secs(35);
const TIMEOUT: Duration = Duration::from_secs(10);
/// What one attempt may take: three seconds, and what a busy machine adds.
const ATTEMPT: Duration = Duration::from_millis(3_500);

/// A control plane of its own, a bindguard that reaches it by way of a proxy, and a user whose
/// companions it knows.
struct Cluster {
    plane: ControlPlane,
    proxy: Proxy,
    bindguard: Bindguard,
    covered: String,
    /// How many refusals were answered.
    refused: AtomicUsize,
}

impl Cluster {
    fn start() -> Self {
        let plane = ControlPlane::start(&[]);
        let kubeconfig = furnish(&plane);
        let proxy = Proxy::to(plane.url().rsplit(':').next().unwrap().parse().unwrap());
        let bindguard = serve(&by_way_of(proxy.port(), &kubeconfig)).start();
        let cluster = Self {
            plane,
            proxy,
            bindguard,
            covered: unique("covered"),
            refused: AtomicUsize::new(0),
        };
        cluster.create_companions(&cluster.covered);
        cluster.wait_for_entries(2);
        cluster
    }

    fn create_companions(&self, user: &str) {
        let kubeconfig = self.plane.kubeconfig(ADMIN);
        block_on(async {
            Somebody::with(&kubeconfig)
                .await
                .create_companions(user)
                .await;
        });
    }

    fn delete_companions(&self, user: &str) {
        let kubeconfig = self.plane.kubeconfig(ADMIN);
        block_on(async {
            Somebody::with(&kubeconfig)
                .await
                .delete_companions(user)
                .await;
        });
    }

    /// Waits until the index has so many entries, which only the watch can bring about.
    fn wait_for_entries(&self, entries: i64) -> Duration {
        let began = Instant::now();
        let seen = || metric(&self.bindguard, "holdings_entries");
        let fresh = eventually(FRESH, || (seen() == entries).then(|| began.elapsed()));
        fresh.unwrap_or_else(|| {
            let (seen, log) = (seen(), self.bindguard.stderr());
            panic!("the index has {seen} entries and not {entries} after {FRESH:?}\n{log}")
        })
    }
}

/// Asks without end about the covered user, who must always be allowed, and about one who is not
/// covered, who must never be: by as many threads as there are kinds.
struct Crowd<'a> {
    cluster: &'a Cluster,
    uncovered: String,
    over: AtomicBool,
    hits: AtomicUsize,
    refused: AtomicUsize,
    unanswered: AtomicUsize,
}

impl<'a> Crowd<'a> {
    fn during(cluster: &'a Cluster, happens: impl FnOnce()) -> Self {
        let crowd = Self {
            cluster,
            uncovered: unique("uncovered"),
            over: AtomicBool::new(false),
            hits: AtomicUsize::new(0),
            refused: AtomicUsize::new(0),
            unanswered: AtomicUsize::new(0),
        };
        thread::scope(|scope| {
            scope.spawn(|| crowd.ask_about_the_covered());
            for _ in 0..4 {
                scope.spawn(|| crowd.ask_about_the_uncovered());
            }
            // A panic must end the others, too.
            let _over = Over(&crowd.over);
            happens();
        });
        crowd
    }

    fn ask_about_the_covered(&self) {
        let _over = Over(&self.over);
        let asker = Asker::of(&self.cluster.bindguard);
        while !self.over.load(Ordering::SeqCst) {
            let (said, took) = asker.ask(&self.cluster.covered, TIMEOUT);
            assert_eq!(said, Said::Allowed);
            assert!(took < Duration::from_secs(1), "a hit took {took:?}");
            self.hits.fetch_add(1, Ordering::SeqCst);
            thread::sleep(Duration::from_millis(15));
        }
    }

    fn ask_about_the_uncovered(&self) {
        let _over = Over(&self.over);
        let asker = Asker::of(&self.cluster.bindguard);
        while !self.over.load(Ordering::SeqCst) {
            let (said, took) = asker.ask(&self.uncovered, TIMEOUT);
            assert!(took < ATTEMPT, "a miss took {took:?}");
            match said {
                Said::Allowed => panic!("allowed without companions"),
                Said::Denied => self.refused.fetch_add(1, Ordering::SeqCst),
                Said::AskAgain(message) => {
                    assert!(
                        message.contains("did not confirm it within 3000 ms")
                            || message.contains("could not be asked to confirm it"),
                        "{message}"
                    );
                    assert!(message.ends_with("please try again"), "{message}");
                    // The API server would wait for a second.
                    thread::sleep(Duration::from_millis(200));
                    self.unanswered.fetch_add(1, Ordering::SeqCst)
                }
            };
        }
    }

    /// Says how it went, and checks that refusals that were answered, decided and recorded are the
    /// same number.
    fn conclude(self, what: &str) -> usize {
        let [hits, refused, unanswered] =
            [self.hits, self.refused, self.unanswered].map(AtomicUsize::into_inner);
        eprintln!("{what}: {hits} allowed, {refused} refused, {unanswered} to be asked again");
        let bindguard = &self.cluster.bindguard;
        let lines = bindguard.audit_lines();
        let denied = lines
            .iter()
            .filter(|line| line["decision"] == "deny")
            .count();
        let decided = metric(bindguard, "decisions_total{decision=\"deny\"}");
        let written = metric(bindguard, "audit_lines_total{decision=\"deny\"}");
        let answered = self.cluster.refused.fetch_add(refused, Ordering::SeqCst) + refused;
        assert_eq!(denied, answered);
        let denied = i64::try_from(denied).unwrap();
        assert_eq!((decided, written), (denied, denied));
        hits + refused + unanswered
    }
}

/// Ends the crowd when one of it panics.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[test]
fn through_every_outage_nobody_is_judged_wrongly_and_the_index_is_fresh_soon_after() {
    let cluster = Cluster::start();
    let mut calls = 0;

    let crowd = Crowd::during(&cluster, || {
        cluster.plane.signal_api_server("STOP");
        thread::sleep(Duration::from_secs(8));
        cluster.plane.signal_api_server("CONT");
        cluster.create_companions("after-the-pause");
        let fresh = cluster.wait_for_entries(4);
        eprintln!("after the pause it was fresh in {fresh:?}");
    });
    assert!(crowd.unanswered.load(Ordering::SeqCst) > 0);
    calls += crowd.conclude("an API server that hangs");

    let restarts = if soaks() { 10 } else { 2 };
    let crowd = Crowd::during(&cluster, || {
        for restart in 0..restarts {
            cluster.plane.stop_api_server();
            thread::sleep(Duration::from_secs(1));
            cluster.plane.start_api_server();
            let user = format!("after-restart-{restart}");
            cluster.create_companions(&user);
            let fresh = cluster.wait_for_entries(6);
            eprintln!("after restart {restart} it was fresh in {fresh:?}");
            cluster.delete_companions(&user);
            cluster.wait_for_entries(4);
        }
    });
    calls += crowd.conclude("restarts");

    let crowd = Crowd::during(&cluster, || {
        // What happens while the line is dead is gone from etcd and from the API server's memory
        // when it works again, so the watch cannot go on where it was.
        cluster.proxy.block();
        cluster.delete_companions("after-the-pause");
        cluster.create_companions("forgotten-1");
        cluster.create_companions("forgotten-2");
        cluster.plane.compact();
        cluster.plane.stop_api_server();
        cluster.plane.start_api_server();
        cluster.proxy.unblock();
        let fresh = cluster.wait_for_entries(6);
        eprintln!("after the compaction it was fresh in {fresh:?}");
    });
    calls += crowd.conclude("a compaction");
    eprintln!("{calls} calls in all");
    assert!(calls >= 1_000, "{calls}");
}

#[test]
fn who_cannot_be_answered_reads_why_in_kubectl() {
    let cluster = Cluster::start();
    let _registration = cluster.bindguard.register(&cluster.plane);
    cluster.proxy.block();
    let began = Instant::now();
    let create = [
        "create",
        "rolebinding",
        "vm",
        "--clusterrole=spectro-vm-user",
        "--user=nobody@example.com",
    ];
    let refused = cluster.plane.kubectl(ADMIN, &create);
    let took = began.elapsed();
    let error = refused.clone().expect_failure();
    let words = "failed calling webhook \"validate.bindguard.dev\": failed to call webhook: \
                 bindguard: a companion seems to be missing, and the API server did not confirm it";
    assert!(error.contains(words), "{refused}");
    assert!(took < TIMEOUT + ATTEMPT, "{took:?}");

    // Three attempts, of which the last one was told not to come again.
    let covered = format!("--user={}", cluster.covered);
    let create = [
        "create",
        "rolebinding",
        "covered",
        "--clusterrole=view",
        &covered,
    ];
    cluster.plane.kubectl(ADMIN, &create).expect_success();
    let unavailable = metric(
        &cluster.bindguard,
        "requests_total{endpoint=\"validate\",outcome=\"unavailable\"}",
    );
    assert_eq!(unavailable, 3);
}
