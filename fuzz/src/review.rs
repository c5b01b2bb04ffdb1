//! Reviews.

use bindguard::admission::answer::Answer;
use bindguard::admission::respond::Response;
use bindguard::admission::review::{Review, decode};
use bindguard::audit::line::LONGEST_LINE;
use bindguard::domain::policy::Action;
use bindguard::domain::text::needs_escape;
use bindguard::telemetry::labels::Decision;
use serde_json::{Value, json};

use super::contract;
use super::webhook::Judge;

/// The longest that a refusal of a body may be, in bytes.
const LONGEST_REASON: usize = 4_000;

thread_local! {
    static REFUSING: Judge = Judge::new(Action::Deny);
    static WARNING: Judge = Judge::new(Action::Warn);
}

/// A body is a review that gets a faultless answer, or is refused in a few printable words. Nobody
/// is told or refused anything without a record.
pub fn review(body: &[u8]) {
    let mutated = REFUSING.with(|judge| judge.mutate(body));
    let (refused, record) = REFUSING.with(|judge| judge.validate(body));
    let (warned, warning_record) = WARNING.with(|judge| judge.validate(body));
    if let Ok(review) = decode(body) {
        check_response(&review);
        check_verdict(&review, &mutated, &[]);
        check_verdict(&review, &refused, &record);
        check_verdict(&review, &warned, &warning_record);
        assert_eq!(mutated.decision, Some(Decision::Allow));
        assert_ne!(warned.decision, Some(Decision::Deny));
        // An action says how something is told, and not whether there is something to tell.
        let passes = |answer: &Answer| answer.decision == Some(Decision::Allow);
        assert_eq!(passes(&refused), passes(&warned));
    } else {
        check_refusal(&mutated, &[]);
        check_refusal(&refused, &record);
        check_refusal(&warned, &warning_record);
    }
}

/// Whatever a review says, even where it contradicts itself, an answer made of its words keeps the
/// contract.
fn check_response(review: &Review<'_>) {
    let request = request(review);
    let mut response = Response::deny(&review.uid, &format!("bindguard: {}", review.name()));
    response.push_warning(review.namespace().unwrap_or(review.name()));
    response.push_warning(&review.requester.username);
    response.annotate("requester", review.requester.username.as_str());
    for response in [response, Response::allow(&review.uid)] {
        let answer: Value = serde_json::from_slice(&response.encode()).expect("an answer is JSON");
        contract::check(&request, &answer, true);
    }
}

/// A verdict keeps the contract, names hostile subjects safely, and has its record.
fn check_verdict(review: &Review<'_>, answer: &Answer, record: &[u8]) {
    assert_eq!(answer.status, 200, "{answer:?}");
    let body: Value = serde_json::from_slice(&answer.body).expect("an answer is JSON");
    contract::check(&request(review), &body, true);
    let response = &body["response"];
    let decision = answer.decision.expect("a verdict has a decision");
    assert_eq!(response["allowed"], decision != Decision::Deny, "{body}");

    let warnings = response["warnings"].as_array();
    let told = warnings
        .into_iter()
        .flatten()
        .chain([&response["status"]["message"]]);
    for text in told.filter_map(Value::as_str) {
        let raw = |character: char| needs_escape(character) && character != '\n';
        assert!(!text.is_empty() && !text.contains(raw), "{text:?}");
    }
    if decision == Decision::Allow {
        assert!(
            record.is_empty() && response.get("warnings").is_none(),
            "{body}"
        );
    } else {
        check_record(response, record);
    }
}

/// There is one line, whole and printable, and the API server's audit log gets the same.
fn check_record(response: &Value, record: &[u8]) {
    assert!(record.len() <= LONGEST_LINE, "{} bytes", record.len());
    let line = str::from_utf8(record).expect("a line is UTF-8");
    let line = line.strip_suffix('\n').expect("a line ends");
    assert!(!line.contains(needs_escape), "{line:?}");
    let value: Value = serde_json::from_str(line).expect("a line is JSON");
    let annotations = &response["auditAnnotations"];
    assert_eq!(annotations["decision"], value["decision"]);
    assert_eq!(annotations["record"], line);
}

/// A body that is no review is refused in a few printable words, and leaves no record.
fn check_refusal(answer: &Answer, record: &[u8]) {
    assert_eq!((answer.status.as_u16(), answer.decision), (400, None));
    assert!(record.is_empty());
    let status: Value = serde_json::from_slice(&answer.body).expect("an answer is JSON");
    assert_eq!(status["kind"], "Status");
    let text = status["message"].as_str().expect("a message");
    assert!(text.len() > 20 && text.len() <= LONGEST_REASON, "{text}");
    assert!(!text.contains(needs_escape), "{text:?}");
}

fn request(review: &Review<'_>) -> Value {
    json!({
        "apiVersion": "admission.k8s.io/v1",
        "request": {"uid": review.uid.as_str()},
    })
}

/// The rule and the decision in the record that a body leaves where everything is refused, if it
/// leaves one.
pub fn record_of(body: &[u8]) -> Option<(String, String)> {
    let (_, record) = REFUSING.with(|judge| judge.validate(body));
    let record: Value = serde_json::from_slice(&record).ok()?;
    let field = |name: &str| record[name].as_str().expect("a word").to_owned();
    Some((field("rule"), field("decision")))
}
