//! What one decision costs at three sizes of the holdings, without a socket.

use std::hint::black_box;
use std::time::Instant;

use crate::shared::{COMPANIONS, Random, ReviewOf, decide, of_entries};
use crate::statistics::median;
use crate::table::{Budget, Table};

/// The last is compared with the first.
const ENTRIES: [u32; 3] = [1_000, 100_000, 1_000_000];
/// How much more it may cost there.
const AT_MOST: f64 = 1.2;
const ROUNDS: usize = 41;
/// Subjects that are decided on in one round at one size.
const SUBJECTS_A_ROUND: u32 = 20_000;

pub(crate) fn tables() -> Vec<Table> {
    let mut table = Table::new(
        "One decision in the process, from the bytes of the review to those of the answer",
        &[
            "subjects of the binding under review",
            "µs at 1,000 entries",
            "at 100,000",
            "at 1,000,000",
            "1,000,000 : 1,000",
            "at most",
        ],
    );
    for subjects in [1, 20] {
        let rounds = measure(subjects);
        let at = |size: usize| {
            let times = rounds.iter().map(|round| round.get(size).expect("a size"));
            format!("{:.2}", median(times.copied()))
        };
        // The two of a round were measured within milliseconds of each other, so that what else
        // the machine did concerns both.
        let ratio = median(rounds.iter().map(|[small, _, large]| large / small));
        table.row(
            [
                &subjects,
                &at(0),
                &at(1),
                &at(2),
                &format!("{ratio:.2}"),
                &AT_MOST,
            ],
            Budget::of(ratio <= AT_MOST),
        );
    }
    vec![table]
}

/// The microseconds of one decision at each size, by round.
fn measure(subjects: u32) -> Vec<[f64; 3]> {
    let snapshots = ENTRIES.map(|entries| of_entries(entries, subjects));
    let mut review = ReviewOf::subjects(subjects);
    let mut random = Random::new();
    let mut round = || {
        std::array::from_fn(|size| {
            let users = ENTRIES.get(size).expect("a size") / COMPANIONS;
            let snapshot = snapshots.get(size).expect("a size");
            let decisions = SUBJECTS_A_ROUND / subjects;
            let begin = Instant::now();
            for _ in 0..decisions {
                // Anybody, so that nothing is found in the cache but what always is.
                review.ask_about(|| random.below(users));
                black_box(decide(review.body(), snapshot));
            }
            begin.elapsed().as_secs_f64() * 1e6 / f64::from(decisions)
        })
    };
    // The first one finds nothing in place.
    round();
    (0..ROUNDS).map(|_| round()).collect()
}
