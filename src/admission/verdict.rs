//! A decision, recorded and put into an answer.

use std::borrow::Cow;

use super::answer::Answer;
use super::budget::Budget;
use super::judge::{Undecided, UnderReview, refuse_to_guess};
use super::message::{About, Ordering, denial, old_faults, warnings};
use super::ordering::Told;
use super::removal::{self, Beside};
use super::respond::Response;
use super::review::Review;
use super::webhook::Webhook;
use crate::audit::line;
use crate::audit::record::{
    BindingName, Kind, Record, Requester, Rule, Verdict, because_word, pairs,
};
use crate::domain::binding::Binding;
use crate::domain::conclude::{Decision, Fault};
use crate::domain::policy::Policy;
use crate::state::snapshot::Snapshot;
use crate::telemetry::labels;

/// Records a decision, if it is one that leaves a record, and encodes its answer.
///
/// Refusals that are answered and lines that say so are the same number. So a refusal is recorded
/// only while there is time for its answer, when that is complete; it is counted in the moment in
/// which its line is handed over, with no point in between at which a call can be dropped; and
/// nothing is waited for afterwards but the line, for at most half of the time that is left. What
/// remains is a caller that hangs up in that while: its line says what it would have been told.
pub(super) async fn answer(
    webhook: &Webhook,
    under_review: UnderReview<'_>,
    snapshot: &Snapshot,
    decision: &Decision<'_, '_>,
    budget: Budget,
) -> Answer {
    let review = under_review.review;
    let policy = snapshot.policy();
    // What is refused takes nothing away.
    let not_judged = if matches!(decision, Decision::Deny(_)) {
        None
    } else {
        let beside = Some(Beside { policy, decision });
        match removal::judge(webhook, review, under_review.bytes, beside, budget).await {
            removal::Told::Answer(answer) => return answer,
            removal::Told::NotJudged(warning) => Some(warning),
            removal::Told::Nothing => None,
        }
    };
    let (verdict, fault) = match decision {
        Decision::Allow(_) => return webhook.allow(review, not_judged.as_deref()),
        Decision::Warn(fault) => (Verdict::Warn, fault),
        Decision::Audit(fault) => (Verdict::Audit, fault),
        Decision::Deny(fault) => (Verdict::Deny, fault),
    };
    let name = shown_name(review);
    let record = record(webhook, under_review, policy, verdict, fault, &name);
    let told = under_review.ordered.told(
        review,
        under_review.binding,
        policy,
        snapshot.bindings(),
        fault,
    );
    let response = respond(under_review, policy, verdict, fault, (&name, &told));
    let response = with_warnings(response, not_judged.into_iter().collect());
    // Boxed, so that calls that leave no record are small.
    Box::pin(recorded(webhook, &record, response, budget))
        .await
        .unwrap_or_else(|| refuse_to_guess(webhook, review, budget, &Undecided::Late))
}

/// Writes a record and encodes the answer that goes with it; nothing, if it is a refusal for whose
/// answer there is no time.
pub(super) async fn recorded(
    webhook: &Webhook,
    record: &Record<'_>,
    mut response: Response<'_>,
    budget: Budget,
) -> Option<Answer> {
    let verdict = record.decision;
    let line = line::encode(record);
    response.annotate("decision", verdict.as_str());
    response.annotate(
        "record",
        String::from_utf8_lossy(line.trim_ascii_end()).into_owned(),
    );
    let label = label_of(verdict);
    let answer = Answer::review(response.encode(), label);
    if verdict == Verdict::Deny && !budget.is_in_time() {
        return None;
    }
    let turn = webhook.audit.turn(budget.record_until()).await;
    webhook.metrics.decided(label);
    webhook.audit.remember(record);
    // Whatever becomes of the line: that is counted and logged, and the answer stands.
    turn.write(line, label).await;
    Some(answer)
}

pub(super) const fn label_of(verdict: Verdict) -> labels::Decision {
    match verdict {
        Verdict::Deny => labels::Decision::Deny,
        Verdict::Warn => labels::Decision::Warn,
        Verdict::Audit => labels::Decision::Audit,
    }
}

fn record<'a>(
    webhook: &Webhook,
    under_review: UnderReview<'a>,
    policy: &'a Policy,
    verdict: Verdict,
    fault: &'a Fault<'_, '_>,
    name: &'a str,
) -> Record<'a> {
    let UnderReview {
        review, binding, ..
    } = under_review;
    Record {
        time: to_milliseconds((webhook.now)()),
        decision: verdict,
        rule: Rule::Persona,
        because: because_word(fault.because),
        uid: &review.uid,
        operation: review.operation.as_str(),
        dry_run: review.dry_run,
        requester: requester_of(review),
        caller: webhook.caller,
        binding: BindingName {
            kind: Kind(binding.kind),
            namespace: binding.namespace,
            name,
        },
        persona: Some(fault.role),
        companion: None,
        policy: &policy.name,
        persona_bindings: Vec::new(),
        persona_bindings_total: 0,
        missing: pairs(policy, fault).collect(),
    }
}

fn respond<'a>(
    under_review: UnderReview<'a>,
    policy: &Policy,
    verdict: Verdict,
    fault: &Fault<'_, '_>,
    (name, told): (&str, &Told),
) -> Response<'a> {
    let UnderReview {
        review, binding, ..
    } = under_review;
    let about = About {
        ordering: told.as_ordering(),
        ..about_of(review, binding, name)
    };
    match verdict {
        Verdict::Audit => Response::allow(&review.uid),
        Verdict::Warn => {
            let response = Response::allow(&review.uid);
            with_warnings(response, warnings(policy, about, fault))
        }
        Verdict::Deny => {
            let response = Response::deny(&review.uid, &denial(policy, about, fault));
            with_warnings(response, old_faults(policy, about, fault))
        }
    }
}

pub(super) fn about_of<'a>(review: &Review<'_>, binding: &Binding<'a>, name: &'a str) -> About<'a> {
    About {
        kind: binding.kind,
        namespace: binding.namespace,
        name,
        ordering: Ordering::Silent,
        dry_run: review.dry_run,
    }
}

pub(super) fn requester_of<'r>(review: &'r Review<'_>) -> Requester<'r> {
    Requester {
        username: &review.requester.username,
        uid: &review.requester.uid,
        groups: review
            .requester
            .groups
            .iter()
            .map(|group| &**group)
            .collect(),
    }
}

pub(super) fn with_warnings(mut response: Response<'_>, warnings: Vec<String>) -> Response<'_> {
    for warning in warnings {
        response.push_warning(&warning);
    }
    response
}

/// Nobody reads nanoseconds, and millisecond stamps have one width.
pub(super) fn to_milliseconds(time: jiff::Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(time.as_millisecond()).unwrap_or(time)
}

/// The name, or as much of it as is known before `generateName` is carried out.
fn shown_name<'r>(review: &'r Review<'_>) -> Cow<'r, str> {
    match (review.name(), review.generate_name()) {
        ("", Some(prefix)) => Cow::Owned(format!("{prefix}…")),
        (name, _) => Cow::Borrowed(name),
    }
}
