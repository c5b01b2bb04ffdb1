//! Reviews.

use bindguard::admission::message::{About, denial, warnings};
use bindguard::admission::respond::Response;
use bindguard::admission::review::{Review, decode};
use bindguard::domain::assess::assess;
use bindguard::domain::binding::Binding;
use bindguard::domain::conclude::{Decision, Evidence, conclude};
use bindguard::domain::policy::Policy;
use bindguard::state::index::Index;
use serde_json::{Value, json};

use super::contract;

/// The longest that a refusal of a body may be, in bytes.
const LONGEST_REASON: usize = 4_000;

/// A body is a review that gets a faultless answer, or is refused in a few printable words.
pub fn review(body: &[u8]) {
    match decode(body) {
        Ok(review) => {
            check_answers(&review);
            if let Some(binding) = review.binding() {
                check_binding(&review, &binding);
            }
        }
        Err(error) => {
            let text = error.to_string();
            assert!(!text.is_empty() && text.len() <= LONGEST_REASON, "{text}");
            assert!(!text.chars().any(char::is_control), "{text:?}");
        }
    }
}

/// Whatever a review says, even where it contradicts itself, its answer keeps the contract.
fn check_answers(review: &Review<'_>) {
    let request = json!({
        "apiVersion": "admission.k8s.io/v1",
        "request": {"uid": review.uid.as_str()},
    });
    let mut response = Response::deny(&review.uid, &format!("bindguard: {}", review.name()));
    response.push_warning(review.namespace().unwrap_or(review.name()));
    response.push_warning(&review.requester.username);
    response.annotate("requester", review.requester.username.as_str());
    for response in [response, Response::allow(&review.uid)] {
        let answer: Value = serde_json::from_slice(&response.encode()).expect("an answer is JSON");
        contract::check(&request, &answer, true);
    }
}

/// Messages and warnings name hostile subjects safely.
fn check_binding(review: &Review<'_>, binding: &Binding<'_>) {
    let policy = Policy::built_in();
    let previous = review.previous();
    let assessment = assess(&policy, binding, previous.as_ref(), &Index::new());
    let about = About {
        kind: binding.kind,
        namespace: binding.namespace,
        name: binding.name,
        asks_for_companions: false,
    };
    let texts = match conclude(&policy, assessment, Evidence::default()) {
        Decision::Deny(fault) => vec![denial(&policy, about, &fault)],
        Decision::Warn(fault) => warnings(&policy, about, &fault),
        Decision::Allow(_) | Decision::Audit(_) => vec![],
    };
    for text in texts {
        let raw = |character: char| character.is_control() && character != '\n';
        assert!(!text.is_empty() && !text.contains(raw), "{text:?}");
    }
}
