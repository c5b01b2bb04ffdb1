//! What holdings and decisions take of memory, as lines of a name and a number each.
//!
//! A program of its own: an allocator that counts slows down whatever it counts, and is in the
//! whole process. `make bench` runs it; `cargo bench --bench memory` does too.
#![allow(
    clippy::print_stdout,
    reason = "it is a program whose output is its result"
)]

#[path = "../shared/mod.rs"]
mod shared;

use std::hint::black_box;

use shared::{COMPANIONS, Random, ReviewOf, decide, of_entries};

const ENTRIES: u32 = 1_000_000;
const DECISIONS: u32 = 1_000;

fn main() {
    for subjects in [1, 20] {
        holdings(subjects);
        decisions(subjects);
    }
}

/// What stays allocated of a snapshot, by the sizes that were asked for.
fn holdings(subjects: u32) {
    let mut snapshot = None;
    let allocated = allocation_counter::measure(|| {
        snapshot = Some(of_entries(ENTRIES, subjects));
    });
    println!("held_bytes_{subjects} {}", allocated.bytes_current);
    println!("held_blocks_{subjects} {}", allocated.count_current);
    println!("held_entries_{subjects} {ENTRIES}");
    drop(snapshot);
}

/// What decisions allocate, all of it given back at their end.
fn decisions(subjects: u32) {
    let users = 10_000;
    let snapshot = of_entries(users * COMPANIONS, subjects);
    let mut review = ReviewOf::subjects(subjects);
    let mut random = Random::new();
    let allocated = allocation_counter::measure(|| {
        for _ in 0..DECISIONS {
            review.ask_about(|| random.below(users));
            black_box(decide(review.body(), &snapshot));
        }
    });
    assert_eq!(allocated.bytes_current, 0, "a decision keeps something");
    println!("decisions_{subjects} {DECISIONS}");
    println!("decision_allocations_{subjects} {}", allocated.count_total);
    println!("decision_bytes_{subjects} {}", allocated.bytes_total);
}
