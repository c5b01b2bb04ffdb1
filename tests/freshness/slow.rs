//! A way to the API server that is slow, or dead without a word.

use std::time::{Duration, Instant};

use crate::api::{Somebody, block_on};
use crate::asking::{Asker, Said};
use crate::proxy::Proxy;
use crate::stage::{metric, serve, stage};
use crate::support::{ADMIN, Bindguard, by_way_of, eventually, unique};

/// Within this time a watch is known to be dead and has been replaced.
const FRESH: Duration = Duration::from_secs(35);
const TIMEOUT: Duration = Duration::from_secs(10);

fn behind_a_proxy() -> (Bindguard, Proxy) {
    let plane = stage().plane;
    let target = plane.url().rsplit(':').next().unwrap().parse().unwrap();
    let proxy = Proxy::to(target);
    let kubeconfig = by_way_of(proxy.port(), &plane.accounts().serve);
    (serve(&kubeconfig).start(), proxy)
}

#[test]
fn a_watch_that_is_dead_without_a_word_is_replaced_in_time() {
    let (bindguard, proxy) = behind_a_proxy();
    let asker = Asker::of(&bindguard);
    let (old, new) = (unique("old"), unique("new"));
    let kubeconfig = stage().plane.kubeconfig(ADMIN);
    block_on(async {
        Somebody::with(&kubeconfig)
            .await
            .create_companions(&old)
            .await;
    });
    let known = eventually(FRESH, || {
        (asker.ask(&old, TIMEOUT).0 == Said::Allowed).then_some(())
    });
    known.expect("the watch works");

    proxy.hold();
    let held = Instant::now();
    block_on(async {
        let admin = Somebody::with(&kubeconfig).await;
        admin.create_companions(&new).await;
        admin.delete_companions(&old).await;
    });
    // The old one still holds them, as far as bindguard can know; the new one is never refused.
    let mut calls = 0;
    let fresh = eventually(FRESH, || {
        let (said, took) = asker.ask(&new, TIMEOUT);
        assert_ne!(said, Said::Denied, "after {:?}", held.elapsed());
        assert!(took < Duration::from_millis(3_500), "{took:?}");
        calls += 1;
        (asker.ask(&old, TIMEOUT).0 != Said::Allowed).then(|| held.elapsed())
    });
    let fresh = fresh.expect("the watch was replaced");
    eprintln!("{calls} calls; the watch was replaced after {fresh:?}");
    assert!(fresh < FRESH, "{fresh:?}");
    assert_eq!(asker.ask(&new, TIMEOUT).0, Said::Allowed);
}

#[test]
fn with_a_slow_api_server_every_call_is_answered_in_time() {
    let (bindguard, proxy) = behind_a_proxy();
    let asker = Asker::of(&bindguard);
    let covered = unique("covered");
    let kubeconfig = stage().plane.kubeconfig(ADMIN);
    block_on(async {
        Somebody::with(&kubeconfig)
            .await
            .create_companions(&covered)
            .await;
    });
    let known = eventually(FRESH, || {
        (asker.ask(&covered, TIMEOUT).0 == Said::Allowed).then_some(())
    });
    known.expect("the watch works");

    proxy.delay(Duration::from_secs(3));
    for timeout in [1, 3, 10, 30].map(Duration::from_secs) {
        let (said, took) = asker.ask(&covered, timeout);
        assert_eq!(said, Said::Allowed);
        assert!(took < Duration::from_millis(500), "{took:?}");
        for _ in 0..3 {
            let (said, took) = asker.ask(&unique("nobody"), timeout);
            assert_ne!(said, Said::Allowed);
            assert!(took < timeout, "{took:?} of {timeout:?}");
            let most = (timeout / 3).min(Duration::from_secs(3)) + Duration::from_millis(400);
            assert!(took < most, "{took:?} of {timeout:?}");
        }
    }
    proxy.delay(Duration::ZERO);
    let decided = eventually(FRESH, || {
        (asker.ask(&unique("nobody"), TIMEOUT).0 == Said::Denied).then_some(())
    });
    decided.expect("once it is fast again, calls are decided");
    assert_eq!(metric(&bindguard, "misses_in_flight"), 0);
}
