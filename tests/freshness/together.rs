//! Companions and persona binding created at the same moment, by different clients.

use std::time::{Duration, Instant};

use futures::StreamExt as _;
use futures::stream;

use crate::api::{Somebody, block_on};
use crate::soaks;
use crate::stage::{metric, stage};
use crate::support::{ADMIN, unique};

/// How many pairs are under way at once.
const AT_ONCE: usize = 8;

#[test]
fn what_is_created_at_the_same_moment_is_never_refused() {
    let stage = stage();
    let namespace = stage.plane.namespace();
    let kubeconfig = stage.plane.kubeconfig(ADMIN);
    let times = if soaks() { 2_000 } else { 200 };
    let slowest = block_on(async {
        // Connections of their own, so that neither waits for the other.
        let (first, second) = (
            Somebody::with(&kubeconfig).await,
            Somebody::with(&kubeconfig).await,
        );
        let pairs = stream::iter(0..times).map(|number| {
            let (first, second) = (first.clone(), second.clone());
            let user = format!("user-{number}-{namespace}");
            let namespace = &namespace;
            async move {
                let persona_binding = async {
                    let began = Instant::now();
                    let name = format!("vm-{number}");
                    let created = second.create_persona_binding(namespace, &name, &user).await;
                    created.unwrap_or_else(|error| panic!("{user}: {error}"));
                    began.elapsed()
                };
                let companions = first.create_companions(&user);
                tokio::join!(persona_binding, companions).0
            }
        });
        let took: Vec<Duration> = pairs.buffer_unordered(AT_ONCE).collect().await;
        took.into_iter().max().unwrap()
    });
    let settled = metric(&stage.bindguard, "misses_settled_total");
    let found = metric(&stage.bindguard, "confirmations_total{result=\"found\"}");
    eprintln!("{times} pairs: the slowest took {slowest:?}, {settled} settled, {found} found");
}

#[test]
fn without_companions_the_refusal_comes_within_a_second() {
    let stage = stage();
    let namespace = stage.plane.namespace();
    let kubeconfig = stage.plane.kubeconfig(ADMIN);
    block_on(async {
        let somebody = Somebody::with(&kubeconfig).await;
        let mut took = Vec::new();
        for number in 0..5 {
            let began = Instant::now();
            let user = unique("nobody");
            let name = format!("vm-{number}");
            let refused = somebody
                .create_persona_binding(&namespace, &name, &user)
                .await;
            took.push(began.elapsed());
            let error = refused.unwrap_err().to_string();
            assert!(error.contains("denied the request"), "{error}");
            // Other tests ask at the same time, and reads begin half a second apart.
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        took.sort();
        eprintln!("refusals took {took:?}");
        assert!(took[2] < Duration::from_secs(1), "{took:?}");
        assert!(took[4] < Duration::from_millis(1_500), "{took:?}");
    });
}
