//! Pods come and go, and no call notices.

use std::time::Instant;

use crate::is_soak;
use crate::load::Load;
use crate::release::{NAME, Release};
use crate::world::world;

#[test]
fn all_replicas_are_rolled_five_times_under_fifty_writes_a_second_without_a_failed_one() {
    let world = world();
    let release = Release::installed(&world);
    let load = Load::begin(&world, 50);
    let rounds = if is_soak() { 20 } else { 5 };
    for _ in 0..rounds {
        let start = Instant::now();
        release.roll(NAME);
        eprintln!("figure: a roll of three took {:.1?}", start.elapsed());
    }
    load.end_without_failure(&format!("{rounds} rolls"));
}
