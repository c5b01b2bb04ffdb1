//! What the fuzzer is seeded with, what it has found, and what becomes of both by damage, held
//! against what the fuzzer holds them against. `make fuzz` looks for more.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::fuzz;
use crate::mutate::damage;
use crate::random::{Random, setting};

/// How many damaged inputs each target is given.
const DAMAGED: u64 = 2_000;
const REVIEWS: [&str; 2] = ["tests/fixtures/reviews", "examples/reviews"];

#[test]
fn reviews_are_answered_or_refused_in_a_few_words() {
    check("review", &REVIEWS, fuzz::review);
}

/// Reviews that meet only one branch would make the test above say little.
#[test]
fn the_seeds_of_reviews_meet_every_decision_of_both_rules() {
    let inputs = REVIEWS.iter().copied().chain(["fuzz/seeds/review"]);
    let records: BTreeSet<_> = inputs
        .flat_map(files)
        .map(|body| fuzz::record_of(&body))
        .collect();
    for rule in ["persona", "companion_removal"] {
        for decision in ["deny", "warn"] {
            let record = Some((rule.to_owned(), decision.to_owned()));
            assert!(records.contains(&record), "{rule} {decision}: {records:?}");
        }
    }
    assert!(records.contains(&None));
}

#[test]
fn a_policy_that_is_read_survives_being_printed() {
    check("policy", &["examples/policies"], fuzz::policy);
}

#[test]
fn manifests_are_read_or_refused_with_a_place() {
    check("manifests", &["examples", "tests/support"], fuzz::manifests);
}

#[test]
fn yaml_is_read_or_refused_with_a_place() {
    check("yaml", &["examples", "tests/fixtures/reviews"], fuzz::yaml);
}

fn check(target: &str, seeds: &[&str], holds: fn(&[u8])) {
    let kept = [
        format!("fuzz/seeds/{target}"),
        format!("fuzz/found/{target}"),
    ];
    let folders = seeds.iter().copied().chain(kept.iter().map(String::as_str));
    let mut inputs: Vec<Vec<u8>> = folders.flat_map(files).collect();
    assert!(!inputs.is_empty(), "{target} has no seeds");
    for input in &inputs {
        try_one(input, holds);
    }
    if target == "policy" {
        inputs.push(
            bindguard::policy_file::to_yaml(&bindguard::domain::policy::Policy::built_in()).into(),
        );
    }
    let seed = setting("HOSTILE_SEED", 1);
    for number in 0..setting("HOSTILE_DAMAGED", DAMAGED) {
        let mut random = Random::of(seed, number);
        let mut input = random.pick(&inputs);
        for _ in 0..random.within(1..5) {
            damage(&mut random, &mut input, &inputs);
        }
        try_one(&input, holds);
    }
}

fn try_one(input: &[u8], holds: fn(&[u8])) {
    let told = Told(input);
    holds(input);
    std::mem::forget(told);
}

/// Tells an input when it is dropped, which it is only in a panic.
struct Told<'i>(&'i [u8]);

impl Drop for Told<'_> {
    fn drop(&mut self) {
        eprintln!("the input: {}", self.0.escape_ascii());
    }
}

/// The files of a folder of the repository, and of those in it.
fn files(folder: &str) -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut folders = vec![root];
    let mut paths = vec![];
    while let Some(folder) = folders.pop() {
        // There is no folder for a target that has found nothing yet.
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                paths.push(path);
            }
        }
    }
    paths.sort();
    paths
        .into_iter()
        .map(|path| fs::read(path).expect("a readable file"))
        .collect()
}
