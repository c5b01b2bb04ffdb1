//! Mutated reviews, posted to a real server: whatever comes in, what goes out is an answer.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::client::Client;
use crate::fuzz::contract;
use crate::mutate::mutant;
use crate::random::{Random, setting};
use crate::support::{Bindguard, Serve, fresh_folder};

const MUTANTS: u64 = 10_000;
const CONNECTIONS: usize = 32;

/// Everything that the real server is asked about, and one that is covered.
const HOLDINGS: &str = r"
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: namespaces}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: spectro-list-namespaces}
subjects: [{kind: User, name: bob}, {kind: User, name: alice}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: templates}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: spectro-list-vmtemplates}
subjects: [{kind: User, name: bob}]
";

/// How many calls had which outcome.
#[derive(Debug, Default)]
struct Counts {
    allowed: AtomicU64,
    warned: AtomicU64,
    denied: AtomicU64,
    refused: AtomicU64,
}

/// The server under attack, and what it is attacked with.
struct Attack {
    server: Bindguard,
    bodies: Vec<Vec<u8>>,
    seed: u64,
    mutants: u64,
    next: AtomicU64,
    counts: Counts,
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_mutated_reviews_get_an_answer_each_and_never_a_server_error() {
    let folder = fresh_folder("mutants");
    fs::write(folder.join("holdings.yaml"), HOLDINGS).unwrap();
    let attack = Arc::new(Attack {
        server: tokio::task::spawn_blocking(move || serve(&folder))
            .await
            .unwrap(),
        bodies: fixtures(),
        seed: setting("HOSTILE_SEED", 1),
        mutants: setting("HOSTILE_MUTANTS", MUTANTS),
        next: AtomicU64::new(0),
        counts: Counts::default(),
    });
    let mut connections = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let attack = Arc::clone(&attack);
        connections.spawn(async move { attack.over_one_connection().await });
    }
    while let Some(end) = connections.join_next().await {
        end.unwrap();
    }

    let Attack { server, counts, .. } = &*attack;
    eprintln!("{counts:?}");
    let log = server.stderr();
    assert!(!log.contains("panicked"), "{log}");
    assert_eq!(server.admin("/livez").unwrap().0, 200);
    let count = |count: &AtomicU64| count.load(Ordering::SeqCst);
    for (decision, told) in [("deny", &counts.denied), ("warn", &counts.warned)] {
        let lines = server.audit_lines();
        let lines = lines.iter().filter(|line| line["decision"] == decision);
        assert_eq!(
            u64::try_from(lines.count()).unwrap(),
            count(told),
            "{decision}"
        );
    }
    // A generator that only makes rubbish would find nothing.
    for outcome in [&counts.allowed, &counts.denied, &counts.refused] {
        assert!(count(outcome) * 100 > attack.mutants, "{counts:?}");
    }
}

fn serve(folder: &Path) -> Bindguard {
    let folder = folder.to_str().expect("a path that is UTF-8");
    Serve::new(env!("CARGO_BIN_EXE_bindguard"))
        .args(&["--manifests", folder])
        .start()
}

fn fixtures() -> Vec<Vec<u8>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/reviews");
    let mut paths: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths
        .into_iter()
        .map(|path| fs::read(path).unwrap())
        .collect()
}

impl Attack {
    async fn over_one_connection(&self) {
        let authority = self.server.authority_file();
        let mut client = Client::connect(&self.server.url(), authority).await;
        loop {
            let number = self.next.fetch_add(1, Ordering::SeqCst);
            if number >= self.mutants {
                return;
            }
            let mut random = Random::of(self.seed, number);
            let body = mutant(&mut random, &self.bodies);
            let path = match number % 4 {
                0 => "/mutate?timeout=30s",
                _ => "/validate?timeout=30s",
            };
            let which = format!("mutant {number} of seed {}", self.seed);
            let answer = client.post(path, body.clone()).await;
            let (status, answer) = answer.unwrap_or_else(|error| {
                panic!("{which} got no answer: {error}\n{}", shown(&body));
            });
            let answer: Value = serde_json::from_slice(&answer)
                .unwrap_or_else(|error| panic!("{which}: {error} in an answer of {status}"));
            let check = || self.check(status, &answer, &body, path);
            if let Err(panic) = catch_unwind(AssertUnwindSafe(check)) {
                eprintln!("{which}, POST {path}\n{}\n{answer}", shown(&body));
                resume_unwind(panic);
            }
        }
    }

    fn check(&self, status: u16, answer: &Value, body: &[u8], path: &str) {
        let counts = &self.counts;
        let counted = if status == 200 {
            let request = head(body);
            contract::check(&request, answer, path.starts_with("/validate"));
            let verdict = &answer["response"];
            match verdict["auditAnnotations"]["decision"].as_str() {
                Some("deny") => &counts.denied,
                Some("warn") => &counts.warned,
                _ => &counts.allowed,
            }
        } else {
            assert!((400..500).contains(&status), "{status}");
            assert_eq!(answer["kind"], "Status");
            assert_eq!(answer["apiVersion"], "v1");
            assert_eq!(answer["code"], status);
            let text = |field: &str| answer[field].as_str().expect(field);
            assert!(!text("reason").is_empty());
            let message = text("message");
            assert!(message.len() > 20 && message.len() < 4_000, "{message}");
            assert!(!message.chars().any(char::is_control), "{message:?}");
            &counts.refused
        };
        counted.fetch_add(1, Ordering::SeqCst);
    }
}

/// As much of a review as its answer must repeat. The whole may be more than `Value` can hold.
fn head(body: &[u8]) -> Value {
    #[derive(Deserialize)]
    struct Head {
        #[serde(rename = "apiVersion")]
        api_version: String,
        request: Request,
    }
    #[derive(Deserialize)]
    struct Request {
        uid: String,
    }
    let Head {
        api_version,
        request,
    } = serde_json::from_slice(body).expect("what got a verdict is a review");
    json!({"apiVersion": api_version, "request": {"uid": request.uid}})
}

fn shown(body: &[u8]) -> String {
    let start = &body[..body.len().min(8_000)];
    format!("{} bytes: {}", body.len(), start.escape_ascii())
}
