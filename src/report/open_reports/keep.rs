//! Keeps the reports in a cluster as they are to be.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::Duration;

use jiff::Timestamp;
use kube::Client;
use kube::core::Status;
use tokio::time::{Instant, sleep, timeout};

use super::super::standing::Standings;
use super::object::{MOST_REPORTS, Plan, plan};
use crate::kubernetes::open_reports::{Key, apply, delete, list};
use crate::telemetry::labels::ReportWrite;
use crate::telemetry::metrics::Metrics;

/// How long changes are gathered before reports are written, so that a rush of them is one write.
const GATHER: Duration = Duration::from_secs(2);
/// How long after a failure it is tried again, and how often it is looked whether OpenReports has
/// been installed.
const AGAIN: Duration = Duration::from_secs(15);
/// How often it is looked at what there is, in case somebody else has changed it.
const LOOK_AGAIN: Duration = Duration::from_mins(10);
/// How long one write, or a list, may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many writes may fail before the others wait for the next attempt.
const ENOUGH: usize = 20;

/// Whoever keeps the reports of one cluster.
pub struct Keeper {
    /// The cluster.
    pub client: Client,
    /// What is wrong in it, from now on.
    pub standings: Standings,
    /// What is counted.
    pub metrics: Metrics,
    /// The clock.
    pub now: fn() -> Timestamp,
}

/// What is there, by its digest.
type Present = BTreeMap<Key, Option<String>>;

/// What was told last, so that it is told once.
#[derive(Debug, Default)]
struct Told {
    failing: Option<ReportWrite>,
    in_the_way: bool,
    left_out: bool,
    works: bool,
}

/// Why something could not be written or read.
#[derive(Debug)]
struct Failure {
    kind: ReportWrite,
    reason: String,
}

/// What one attempt could not do.
#[derive(Debug, Default)]
struct Failures {
    first: Option<Failure>,
    number: usize,
    in_the_way: Option<String>,
}

impl Keeper {
    /// Keeps them for as long as this future lives. Nothing depends on it: what fails is logged
    /// once, counted, and tried again.
    pub async fn keep(&self) -> Infallible {
        let mut standings = self.standings.clone();
        let mut told = Told::default();
        // Before anything is known, no report may be taken for one that nobody needs.
        while standings.wait_for(Option::is_some).await.is_err() {
            std::future::pending::<()>().await;
        }
        loop {
            let mut present = match self.look().await {
                Ok(present) => present,
                Err(failure) => {
                    self.metrics.set_reports(None, 0);
                    self.metrics.report_written(failure.kind);
                    told.tell(Some(&failure));
                    sleep(AGAIN).await;
                    continue;
                }
            };
            let looked = Instant::now();
            while looked.elapsed() < LOOK_AGAIN {
                let standing = standings.borrow_and_update().clone();
                let Some(standing) = standing else { break };
                let plan = plan(&standing.policy, &standing.report.findings);
                told.tell_left_out(plan.left_out);
                let failures = self.bring(&plan, &mut present).await;
                self.metrics.set_reports(Some(present.len()), plan.left_out);
                told.tell_in_the_way(failures.in_the_way.as_deref());
                told.tell(failures.first.as_ref());
                if failures.first.is_some() {
                    sleep(AGAIN).await;
                    // What is there is not known any more.
                    break;
                }
                let rest = LOOK_AGAIN.saturating_sub(looked.elapsed());
                // The sender lives as long as the process.
                let _ = timeout(rest, standings.changed()).await;
                // Much is put right as soon as it is wrong: companions come before their binding.
                sleep(GATHER).await;
            }
        }
    }

    async fn look(&self) -> Result<Present, Failure> {
        let found = in_time(list(&self.client)).await?;
        Ok(found
            .into_iter()
            .map(|found| (found.key, found.digest))
            .collect())
    }

    /// Makes what is there what is to be there, as far as it can be. The first failure, if any,
    /// and the first report that is somebody else's.
    async fn bring(&self, plan: &Plan, present: &mut Present) -> Failures {
        let mut failures = Failures::default();
        let unneeded = present.keys().filter(|key| !plan.reports.contains_key(key));
        for key in unneeded.cloned().collect::<Vec<_>>() {
            let deleted = in_time(delete(&self.client, &key)).await;
            if self.is_done(deleted, &mut failures) {
                present.remove(&key);
            }
            if failures.number >= ENOUGH {
                return failures;
            }
        }
        for (key, wanted) in &plan.reports {
            let there = present.get(key);
            if there.is_some_and(|digest| digest.as_ref() == Some(&wanted.digest)) {
                continue;
            }
            let object = wanted.object((self.now)());
            let written = in_time(apply(&self.client, key, &object, there.is_some())).await;
            if self.is_done(written, &mut failures) {
                present.insert(key.clone(), Some(wanted.digest.clone()));
            }
            if failures.number >= ENOUGH {
                return failures;
            }
        }
        failures
    }

    fn is_done(&self, written: Result<(), Failure>, failures: &mut Failures) -> bool {
        let kind = match &written {
            Ok(()) => ReportWrite::Ok,
            Err(failure) => failure.kind,
        };
        self.metrics.report_written(kind);
        let Err(failure) = written else {
            return true;
        };
        match kind {
            // Its namespace is going, and so is the binding.
            ReportWrite::Going => {}
            ReportWrite::InTheWay => failures.in_the_way = Some(failure.reason),
            _ => {
                failures.number += 1;
                failures.first.get_or_insert(failure);
            }
        }
        false
    }
}

async fn in_time<T>(work: impl Future<Output = kube::Result<T>>) -> Result<T, Failure> {
    match timeout(PATIENCE, work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(Failure {
            kind: kind(&error),
            reason: error.to_string(),
        }),
        Err(_elapsed) => Err(Failure {
            kind: ReportWrite::Unreachable,
            reason: format!("no answer within {PATIENCE:?}"),
        }),
    }
}

fn kind(error: &kube::Error) -> ReportWrite {
    match error {
        kube::Error::Api(status) => match status.code {
            403 if is_going(status) => ReportWrite::Going,
            404 => ReportWrite::Absent,
            403 => ReportWrite::Forbidden,
            409 => ReportWrite::InTheWay,
            429 | 500.. => ReportWrite::Unreachable,
            _ => ReportWrite::Refused,
        },
        _ => ReportWrite::Unreachable,
    }
}

/// Whether nothing more is made in a namespace, because it is being deleted.
fn is_going(status: &Status) -> bool {
    let details = status.details.as_ref();
    let mut causes = details.into_iter().flat_map(|details| &details.causes);
    causes.any(|cause| cause.reason == "NamespaceTerminating")
}

impl Told {
    /// Logs what fails now, if that was not said before.
    fn tell(&mut self, failure: Option<&Failure>) {
        let kind = failure.map(|failure| failure.kind);
        if self.failing == kind && (self.works || kind.is_some()) {
            return;
        }
        self.failing = kind;
        self.works = kind.is_none();
        match failure {
            None => tracing::info!("reports of findings are written"),
            Some(failure) if failure.kind == ReportWrite::Absent => tracing::info!(
                reason = failure.reason,
                "OpenReports is not installed; reports of findings are written when it is"
            ),
            Some(failure) => tracing::warn!(
                reason = failure.reason,
                "reports of findings cannot be written; nothing waits for them"
            ),
        }
    }

    fn tell_in_the_way(&mut self, reason: Option<&str>) {
        if let (Some(reason), false) = (reason, self.in_the_way) {
            tracing::warn!(
                reason,
                "a report that somebody else made has the name that one of ours would have; it is \
                 left alone"
            );
        }
        self.in_the_way = reason.is_some();
    }

    fn tell_left_out(&mut self, bindings: usize) {
        let is_over = bindings > 0;
        if is_over && !self.left_out {
            tracing::warn!(
                bindings,
                "more than {MOST_REPORTS} bindings have findings; the others have no report, and \
                 bindguard scan lists them"
            );
        }
        self.left_out = is_over;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{ReportWrite, Status, kind};

    #[test]
    fn what_the_api_server_says_is_told_apart() {
        for (code, expected) in [
            (404, ReportWrite::Absent),
            (403, ReportWrite::Forbidden),
            (409, ReportWrite::InTheWay),
            (422, ReportWrite::Refused),
            (429, ReportWrite::Unreachable),
            (503, ReportWrite::Unreachable),
        ] {
            let status = Status::failure("no", "No").with_code(code);
            assert_eq!(kind(&kube::Error::Api(status.boxed())), expected, "{code}");
        }
        // As the API server says it of a namespace that is being deleted.
        let going = json!({
            "status": "Failure", "reason": "Forbidden", "code": 403, "message": "no",
            "details": {"causes": [{"reason": "NamespaceTerminating", "message": "no", "field": "metadata.namespace"}]},
        });
        let going: Status = serde_json::from_value(going).unwrap();
        assert_eq!(kind(&kube::Error::Api(going.boxed())), ReportWrite::Going);
    }
}
