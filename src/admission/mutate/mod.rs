//! What `/mutate` does: it stamps orders, and takes off those that a request brings itself.
//!
//! It decides nothing. What it stamps, the guard judges by who the requester really is; and
//! `/validate` and the controller apply every condition again.

mod patch;

use std::sync::Arc;
use std::time::Duration;

use self::patch::{Changes, Present};
use super::answer::Answer;
use super::respond::Response;
use super::review::{Annotations, Metadata, Object, Review};
use super::webhook::Webhook;
use crate::domain::assess::{Assessment, Missing, assess};
use crate::kubernetes::access_review::Who;
use crate::provisioning::access::NoAccess;
use crate::provisioning::guard::canary::CANARY;
use crate::provisioning::order::{Conditions, NoOrder, Order, Wanted, may_place, place};
use crate::telemetry::labels::{self, Decision};

/// The most bytes that all annotations of an object may have together.
///
/// Source: `k8s.io/apimachinery/pkg/api/validation`, `TotalAnnotationSizeLimitB`.
const MOST_ANNOTATIONS: usize = 262_144;

/// Why nothing is stamped on a binding that asks for it.
#[derive(Debug, thiserror::Error)]
enum Declined {
    #[error(transparent)]
    NoOrder(#[from] NoOrder),
    #[error(transparent)]
    NoAccess(#[from] NoAccess),
}

/// Answers a review with what is to be changed about its order.
pub(super) async fn answer(webhook: &Webhook, review: &Review<'_>, timeout: Duration) -> Answer {
    let mut response = Response::allow(&review.uid);
    let changes = match review.object() {
        // Annotations on what is being deleted would bring back the check of RBAC that changes to
        // finalizers are spared, and garbage collection could not end.
        Some(object) if object.metadata().deletion_timestamp.is_none() => {
            changes(webhook, review, object, timeout, &mut response).await
        }
        _ => Changes::default(),
    };
    if let Some(object) = review.object() {
        response.patch(&changes.patch(present(object.metadata().annotations())));
    }
    Answer::review(response.encode(), Decision::Allow)
}

async fn changes(
    webhook: &Webhook,
    review: &Review<'_>,
    object: &Object<'_>,
    timeout: Duration,
    response: &mut Response<'_>,
) -> Changes {
    let new = object.metadata().annotations();
    let old = review.old_object().map(Object::metadata);
    let mut changes = Changes::default();
    if brings_an_order(new, old) {
        if order_of(new) == Some(CANARY) {
            return changes;
        }
        webhook.metrics.order(labels::Order::TakenOff);
        changes.restore(old.and_then(Metadata::annotations));
    }
    match stamp(webhook, review, object, timeout).await {
        Ok(Some(order)) => {
            webhook.metrics.order(labels::Order::Placed);
            changes.order(order, &review.requester.username);
        }
        Ok(None) => {}
        Err(declined) => {
            webhook.metrics.order(labels::Order::Declined);
            response.push_warning(&format!("bindguard: nothing is ordered: {declined}"));
        }
    }
    changes
}

/// The order that this request places; none, if it does not ask for one, or `/validate` says why
/// there is none.
async fn stamp(
    webhook: &Webhook,
    review: &Review<'_>,
    object: &Object<'_>,
    timeout: Duration,
) -> Result<Option<String>, Declined> {
    let (Some(snapshot), Some(access)) = (webhook.state.current(), webhook.orders.access()) else {
        return Ok(None);
    };
    let policy = Arc::clone(snapshot.policy());
    let epoch = webhook.orders.epoch();
    let conditions = Conditions {
        policy: &policy,
        epoch: epoch.as_ref().as_ref().map_err(String::as_str),
        now: (webhook.now)(),
        companions: snapshot.bindings(),
    };
    // Most bindings ask for nothing, and looking who lacks something costs the most.
    if may_place(conditions, &wanted(review, object, &[])).is_err() {
        return Ok(None);
    }
    let drawn = {
        let Some(binding) = review.binding() else {
            return Ok(None);
        };
        let previous = review.previous();
        let assessment = assess(&policy, &binding, previous.as_ref(), &*snapshot);
        let missing: &[Missing<'_>] = match &assessment {
            Assessment::Judged(judged) => &judged.missing,
            Assessment::NotJudged(_) => &[],
        };
        if missing.is_empty() {
            return Ok(None);
        }
        place(conditions, &wanted(review, object, missing))
    };
    // `/validate` comes to the same where there is none, and says why where that matters.
    let Ok(order) = drawn else {
        return Ok(None);
    };
    let text = fitting(&order, object, &review.requester.username)?;
    let half = timeout / 2;
    access
        .may_create_companions(&policy, who(review), half)
        .await?;
    Ok(Some(text))
}

pub(super) fn wanted<'a>(
    review: &'a Review<'a>,
    object: &'a Object<'a>,
    missing: &'a [Missing<'a>],
) -> Wanted<'a, super::text::Text<'a>> {
    let before = review
        .old_object()
        .and_then(|object| object.metadata().annotations());
    Wanted {
        username: &review.requester.username,
        groups: &review.requester.groups,
        provision: provision_of(object.metadata().annotations()),
        provision_before: provision_of(before),
        missing,
    }
}

/// The text of an order, if it fits beside the other annotations.
fn fitting(order: &Order, object: &Object<'_>, username: &str) -> Result<String, NoOrder> {
    let text = order.encode().ok_or(NoOrder::TooLong)?;
    let others = object
        .metadata()
        .annotations()
        .map_or(0, |annotations| annotations.bytes);
    if others + patch::KEYS + text.len() + username.len() > MOST_ANNOTATIONS {
        return Err(NoOrder::NoRoom);
    }
    Ok(text)
}

/// Whether the object has an order that it did not have, or that somebody else now stands for: the
/// same question as the guard's.
fn brings_an_order(new: Option<&Annotations<'_>>, old: Option<&Metadata<'_>>) -> bool {
    let Some(order) = order_of(new) else {
        return false;
    };
    let Some(old) = old.map(Metadata::annotations) else {
        return true;
    };
    order != order_of(old).unwrap_or_default()
        || ordered_by_of(new).unwrap_or_default() != ordered_by_of(old).unwrap_or_default()
}

fn order_of<'a>(annotations: Option<&'a Annotations<'_>>) -> Option<&'a str> {
    annotations?.order.as_deref()
}

fn ordered_by_of<'a>(annotations: Option<&'a Annotations<'_>>) -> Option<&'a str> {
    annotations?.ordered_by.as_deref()
}

pub(super) fn provision_of<'a>(annotations: Option<&'a Annotations<'_>>) -> Option<&'a str> {
    annotations?.provision.as_deref()
}

fn present<'a>(annotations: Option<&'a Annotations<'_>>) -> Option<Present<'a>> {
    annotations.map(|annotations| Present {
        order: annotations.order.as_deref(),
        ordered_by: annotations.ordered_by.as_deref(),
    })
}

fn who(review: &Review<'_>) -> Who {
    let requester = &review.requester;
    let owned = |texts: &[super::text::Text<'_>]| -> Vec<String> {
        texts.iter().map(|text| text.as_str().to_owned()).collect()
    };
    Who {
        username: requester.username.as_str().to_owned(),
        uid: requester.uid.as_str().to_owned(),
        groups: owned(&requester.groups),
        extra: requester
            .extra
            .iter()
            .map(|(key, values)| (key.as_str().to_owned(), owned(values)))
            .collect(),
    }
}
