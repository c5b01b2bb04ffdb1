//! One case: a policy, a cluster and a review, all of them from a seed.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use bindguard::domain::policy::Policy;
use bindguard::state::index::Index;
use serde_json::Value;

use crate::oracle::{self, Bound};
use crate::random::{Random, setting};
use crate::rule::{self, Judged};
use crate::verdict::Verdict;
use crate::world;
use crate::written::written;

/// So many cases in a row share a policy, and so many a cluster, since reading those costs more
/// than a review.
const CASES_A_POLICY: u64 = 200;
const CASES_A_CLUSTER: u64 = 20;

/// A policy and a cluster, both as JSON and as read.
pub(crate) struct World {
    pub(crate) spec: Value,
    pub(crate) policy: Policy,
    pub(crate) cluster: Vec<Value>,
    pub(crate) index: Index,
    pub(crate) bound: Bound,
}

impl World {
    pub(crate) fn of(seed: u64, number: u64) -> Self {
        let mut random = Random::of(seed ^ 0x706f, number / CASES_A_POLICY);
        let spec = world::policy(&mut random);
        let policy = rule::policy(&spec);
        let mut random = Random::of(seed ^ 0x636c, number / CASES_A_CLUSTER);
        let cluster = world::cluster(&mut random);
        Self::with(spec, policy, cluster)
    }

    fn with(spec: Value, policy: Policy, cluster: Vec<Value>) -> Self {
        Self {
            index: rule::index(&policy, &cluster),
            bound: Bound::of(&cluster),
            spec,
            policy,
            cluster,
        }
    }

    /// The same policy with other bindings.
    pub(crate) fn with_cluster(&self, cluster: Vec<Value>) -> Self {
        Self::with(self.spec.clone(), self.policy.clone(), cluster)
    }

    /// What the rule says of a review.
    pub(crate) fn judge(&self, review: &Value) -> Verdict {
        self.judge_written(review.to_string().as_bytes()).verdict
    }

    pub(crate) fn judge_written(&self, body: &[u8]) -> Judged {
        rule::judge(&self.policy, &self.index, body)
    }

    /// What the oracle says of a review.
    pub(crate) fn foretell(&self, body: &[u8]) -> Verdict {
        oracle::judge(&self.spec, &self.bound, body)
    }
}

impl fmt::Display for World {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "policy: {}", self.spec)?;
        for binding in &self.cluster {
            writeln!(formatter, "holding: {binding}")?;
        }
        Ok(())
    }
}

/// A case, with what is random in it still to be drawn.
pub(crate) struct Case<'w> {
    pub(crate) world: &'w World,
    pub(crate) review: Value,
    pub(crate) random: Random,
}

impl Case<'_> {
    /// The review in one of the ways to write it.
    pub(crate) fn body(&mut self) -> String {
        written(&mut self.random, &self.review)
    }
}

impl fmt::Display for Case<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}review: {}", self.world, self.review)
    }
}

/// Runs a check over many cases, on all cores. `ORACLE_CASES` asks for more of them,
/// `ORACLE_SEED` for others, and `ORACLE_CASE` for one of them alone.
pub(crate) fn for_each(default_cases: u64, check: impl Fn(&mut Case<'_>) + Sync) {
    let seed = setting("ORACLE_SEED", 1);
    let one = setting("ORACLE_CASE", u64::MAX);
    let cases = default_cases.saturating_mul(setting("ORACLE_CASES", 1));
    let blocks = AtomicU64::new(0);
    let work = || {
        loop {
            let first = blocks.fetch_add(1, Ordering::Relaxed) * CASES_A_CLUSTER;
            if first >= cases {
                return;
            }
            if one != u64::MAX && first != one / CASES_A_CLUSTER * CASES_A_CLUSTER {
                continue;
            }
            let world = World::of(seed, first);
            for number in first..first + CASES_A_CLUSTER {
                if one == u64::MAX || one == number {
                    run(&world, seed, number, &check);
                }
            }
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
}

fn run(world: &World, seed: u64, number: u64, check: &(impl Fn(&mut Case<'_>) + Sync)) {
    let mut random = Random::of(seed, number);
    let review = world::review(&mut random, &world.spec);
    let mut case = Case {
        world,
        review,
        random,
    };
    let outcome = catch_unwind(AssertUnwindSafe(|| check(&mut case)));
    if let Err(panic) = outcome {
        eprintln!("ORACLE_SEED={seed} ORACLE_CASE={number} repeats this case:\n{case}");
        resume_unwind(panic);
    }
}
