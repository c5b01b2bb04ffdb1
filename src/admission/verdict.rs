//! A decision, recorded and put into an answer.

use std::borrow::Cow;

use super::answer::Answer;
use super::judge::UnderReview;
use super::message::{About, denial, old_faults, warnings};
use super::respond::Response;
use super::review::Review;
use super::webhook::Webhook;
use crate::audit::line;
use crate::audit::log::Written;
use crate::audit::record::{BindingName, Kind, Record, Requester, Verdict, because_word, pairs};
use crate::domain::conclude::{Decision, Fault};
use crate::domain::policy::Policy;
use crate::telemetry::labels;

/// Records a decision, if it is one that leaves a record, and encodes its answer.
pub(super) async fn answer(
    webhook: &Webhook,
    under_review: UnderReview<'_>,
    policy: &Policy,
    decision: &Decision<'_, '_>,
) -> Answer {
    let review = under_review.review;
    let (verdict, fault) = match decision {
        Decision::Allow(_) => return webhook.allow(review),
        Decision::Warn(fault) => (Verdict::Warn, fault),
        Decision::Audit(fault) => (Verdict::Audit, fault),
        Decision::Deny(fault) => (Verdict::Deny, fault),
    };
    let name = shown_name(review);
    let line = line::encode(&record(
        webhook,
        under_review,
        policy,
        verdict,
        fault,
        &name,
    ));
    let mut response = respond(under_review, policy, verdict, fault, &name);
    response.annotate("decision", verdict.as_str());
    response.annotate(
        "record",
        String::from_utf8_lossy(line.trim_ascii_end()).into_owned(),
    );
    let label = match verdict {
        Verdict::Deny => labels::Decision::Deny,
        Verdict::Warn => labels::Decision::Warn,
        Verdict::Audit => labels::Decision::Audit,
    };
    write(webhook, label, line).await;
    webhook.metrics.decided(label);
    Answer::review(response.encode(), label)
}

async fn write(webhook: &Webhook, label: labels::Decision, line: Vec<u8>) {
    match webhook.audit.write(line).await {
        Written::Yes => webhook.metrics.audit_line_written(label),
        Written::No => {
            webhook.metrics.audit_line_lost();
            tracing::error!("an audit line could not be written to standard output in time");
        }
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
        because: because_word(fault.because),
        uid: &review.uid,
        operation: review.operation.as_str(),
        dry_run: review.dry_run,
        requester: Requester {
            username: &review.requester.username,
            uid: &review.requester.uid,
            groups: review
                .requester
                .groups
                .iter()
                .map(|group| &**group)
                .collect(),
        },
        caller: webhook.caller,
        binding: BindingName {
            kind: Kind(binding.kind),
            namespace: binding.namespace,
            name,
        },
        persona: fault.role,
        policy: &policy.name,
        missing: pairs(policy, &fault.missing).collect(),
    }
}

fn respond<'a>(
    under_review: UnderReview<'a>,
    policy: &Policy,
    verdict: Verdict,
    fault: &Fault<'_, '_>,
    name: &str,
) -> Response<'a> {
    let UnderReview {
        review, binding, ..
    } = under_review;
    let about = About {
        kind: binding.kind,
        namespace: binding.namespace,
        name,
        asks_for_companions: asks_for_companions(review),
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

fn with_warnings(mut response: Response<'_>, warnings: Vec<String>) -> Response<'_> {
    for warning in warnings {
        response.push_warning(&warning);
    }
    response
}

fn asks_for_companions(review: &Review<'_>) -> bool {
    review
        .object()
        .and_then(|object| object.metadata().annotations().provision.as_ref())
        .is_some_and(|provision| provision.as_str() == "true")
}

/// Nobody reads nanoseconds, and millisecond stamps have one width.
fn to_milliseconds(time: jiff::Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(time.as_millisecond()).unwrap_or(time)
}

/// The name, or as much of it as is known before `generateName` is carried out.
fn shown_name<'r>(review: &'r Review<'_>) -> Cow<'r, str> {
    match (review.name(), review.generate_name()) {
        ("", Some(prefix)) => Cow::Owned(format!("{prefix}…")),
        (name, _) => Cow::Borrowed(name),
    }
}
