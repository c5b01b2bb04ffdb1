//! The rule against an oracle that is written another way, over generated policies, clusters and
//! reviews, and its idea of groups against a real API server.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a panic is how a test fails, and stderr is where it speaks"
)]

mod case;
mod kubernetes;
mod laws;
mod names;
mod oracle;
#[path = "../random/mod.rs"]
mod random;
mod rule;
#[path = "../support/mod.rs"]
mod support;
mod verdict;
mod words;
mod world;
mod written;

use std::sync::atomic::{AtomicUsize, Ordering};

/// How many cases the rule and the oracle are compared in, and each law is held over.
const CASES: u64 = 100_000;

#[test]
fn the_rule_agrees_with_the_oracle_and_its_words_name_those_who_lack_something() {
    let decided = ["allow", "warn", "audit", "deny"].map(|word| (word, AtomicUsize::new(0)));
    case::for_each(CASES, |case| {
        let body = case.body();
        let expected = case.world.foretell(body.as_bytes());
        let judged = case.world.judge_written(body.as_bytes());
        assert_eq!(judged.verdict, expected);
        words::check(&judged);
        for (word, count) in &decided {
            if expected.decision == *word {
                count.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    eprintln!("{decided:?}");
    // Cases that hardly ever reach a decision prove nothing of it.
    if random::setting("ORACLE_CASE", u64::MAX) == u64::MAX {
        for (word, count) in decided {
            assert!(
                count.into_inner() > 3_000,
                "hardly any case is decided {word}"
            );
        }
    }
}
