use std::time::Duration;

use super::{Capacity, Misses, Place};
use crate::telemetry::labels::MissRefusal;
use crate::telemetry::metrics::Metrics;

const MIB: usize = 1024 * 1024;

fn misses(calls: usize, bytes: usize) -> Misses {
    let capacity = Capacity { calls, bytes };
    Misses::new(Duration::ZERO, capacity, Metrics::new("0.0.0"))
}

/// As many places as a requester gets, with bodies of this size.
fn fill(misses: &Misses, requester: &str, bytes: usize) -> Vec<Place> {
    std::iter::from_fn(|| misses.enter(requester, bytes).ok()).collect()
}

fn refusal(misses: &Misses, requester: &str, bytes: usize) -> MissRefusal {
    misses.enter(requester, bytes).unwrap_err()
}

fn entries(misses: &Misses) -> usize {
    misses.pool.taken().by_requester.len()
}

#[test]
fn one_requester_alone_gets_half_and_the_next_a_quarter_each() {
    let misses = misses(128, 64 * MIB);
    let held: Vec<_> = ["alice", "bob", "carol", "dave"]
        .map(|requester| fill(&misses, requester, 1_000))
        .into();
    let counts: Vec<_> = held.iter().map(Vec::len).collect();
    assert_eq!(counts, [64, 32, 32, 0]);
    assert_eq!(refusal(&misses, "dave", 1), MissRefusal::Calls);
    drop(held);
    assert_eq!(entries(&misses), 0);
}

#[test]
fn who_holds_much_is_told_that_it_is_their_share() {
    let misses = misses(128, 64 * MIB);
    let _held = fill(&misses, "alice", 1_000);
    assert_eq!(refusal(&misses, "alice", 1_000), MissRefusal::Share);
    drop(misses.enter("bob", 1_000).unwrap());
}

#[test]
fn large_bodies_are_shared_out_as_well() {
    let misses = misses(128, 64 * MIB);
    let alice = fill(&misses, "alice", 7 * MIB);
    assert_eq!(alice.len(), 4);
    assert_eq!(refusal(&misses, "alice", 7 * MIB), MissRefusal::Share);
    let bob = fill(&misses, "bob", 7 * MIB);
    assert_eq!(bob.len(), 2);
    let carol = fill(&misses, "carol", 7 * MIB);
    assert_eq!(carol.len(), 2);
    let dave = fill(&misses, "dave", 7 * MIB);
    assert_eq!(dave.len(), 1);
    assert_eq!(refusal(&misses, "erin", 7 * MIB), MissRefusal::Bytes);
    assert_eq!(fill(&misses, "erin", 64 * 1024).len(), 16);
}

#[test]
fn places_and_bytes_are_free_again_when_a_call_ends() {
    let misses = misses(4, 10);
    for _ in 0..100 {
        let place = misses.enter("alice", 10).unwrap();
        assert_eq!(refusal(&misses, "bob", 1), MissRefusal::Bytes);
        drop(place);
    }
    assert_eq!(fill(&misses, "alice", 0).len(), 2);
    let text = misses.pool.metrics.encode();
    assert!(text.contains("bindguard_misses_in_flight 0\n"), "{text}");
    assert!(text.contains("bindguard_misses_refused_total{reason=\"bytes\"} 100\n"));
}

#[test]
fn a_pool_of_one_serves_everybody_in_turn() {
    let misses = misses(1, 10);
    for requester in ["alice", "bob", "alice"] {
        assert_eq!(fill(&misses, requester, 10).len(), 1);
    }
}

#[test]
fn a_thousand_requesters_leave_nothing_behind() {
    let misses = misses(128, 64 * MIB);
    for number in 0..1_000 {
        let _place = misses.enter(&format!("user-{number}"), 1_000).unwrap();
        assert_eq!(entries(&misses), 1);
    }
    assert_eq!(entries(&misses), 0);
    let held: Vec<_> = (0..1_000)
        .filter_map(|number| misses.enter(&format!("user-{number}"), 1_000).ok())
        .collect();
    assert_eq!((held.len(), entries(&misses)), (128, 128));
}

#[test]
fn nobody_ever_holds_more_than_half_and_the_small_are_refused_only_when_all_is_taken() {
    let misses = misses(16, usize::MAX);
    // A walk without randomness through who comes and who goes.
    let mut held: Vec<(usize, Place)> = Vec::new();
    for step in 0..10_000_usize {
        let requester = (step * step / 7) % 5;
        let own = held.iter().filter(|(who, _)| *who == requester).count();
        match misses.enter(&requester.to_string(), step % 100) {
            Ok(place) => held.push((requester, place)),
            Err(MissRefusal::Calls) => assert_eq!(held.len(), 16),
            Err(MissRefusal::Share) => assert!(own >= 4 && held.len() >= 8),
            Err(MissRefusal::Bytes) => panic!("bytes are not limited here"),
        }
        let own = held.iter().filter(|(who, _)| *who == requester).count();
        assert!(own <= 8, "{own}");
        if step % 3 == 0 && !held.is_empty() {
            drop(held.swap_remove(step % held.len()));
        }
    }
}
