//! What the API server demands of every answer to an `AdmissionReview`, written down apart from
//! the code that writes the answers.
//!
//! Sources: <https://kubernetes.io/docs/reference/config-api/apiserver-admission.v1/>,
//! `k8s.io/apiserver/pkg/admission/plugin/webhook/request/admissionreview.go`, and measurements
//! against kube-apiserver 1.37.2.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// Panics unless `response` is a faultless answer to `request`, both being whole reviews.
///
/// Stricter than the API server, which tolerates unknown fields: ours has none.
#[track_caller]
pub(crate) fn check(request: &Value, response: &Value, validating: bool) {
    only_keys(response, &["apiVersion", "kind", "response"]);
    assert_eq!(
        response["apiVersion"], request["apiVersion"],
        "another apiVersion"
    );
    assert_eq!(response["kind"], "AdmissionReview");
    let verdict = &response["response"];
    only_keys(
        verdict,
        &[
            "uid",
            "allowed",
            "status",
            "warnings",
            "auditAnnotations",
            "patch",
            "patchType",
        ],
    );
    assert!(
        request["request"]["uid"].is_string(),
        "the request has no uid"
    );
    assert_eq!(verdict["uid"], request["request"]["uid"], "another uid");
    check_verdict(verdict);
    check_warnings(verdict.get("warnings"));
    check_audit_annotations(verdict.get("auditAnnotations"));
    check_patch(verdict, validating);
}

#[track_caller]
fn check_verdict(verdict: &Value) {
    let allowed = verdict["allowed"].as_bool().expect("allowed is a boolean");
    let Some(status) = verdict.get("status") else {
        assert!(allowed, "a refusal without a status");
        return;
    };
    assert!(!allowed, "a status on what is let pass: {status}");
    only_keys(status, &["code", "reason", "message"]);
    assert_eq!(status["code"], 403);
    assert_eq!(status["reason"], "Forbidden");
    let message = text(&status["message"]);
    assert!(!message.trim().is_empty(), "a refusal without a message");
    let breaks = |character| matches!(character, '\n' | '\t');
    assert!(
        !message
            .chars()
            .any(|character| character.is_control() && !breaks(character)),
        "a control character reaches the terminal: {message:?}"
    );
}

#[track_caller]
fn check_warnings(warnings: Option<&Value>) {
    let Some(warnings) = warnings else { return };
    let warnings = warnings.as_array().expect("warnings are an array");
    assert!(!warnings.is_empty(), "an empty list of warnings");
    let mut seen = BTreeSet::new();
    for warning in warnings.iter().map(text) {
        assert!(!warning.is_empty(), "an empty warning is dropped");
        assert!(
            warning.chars().count() <= 256,
            "cut by the API server: {warning:?}"
        );
        assert!(
            !warning.chars().any(char::is_control),
            "dropped: {warning:?}"
        );
        assert!(seen.insert(warning), "told twice: {warning:?}");
    }
    let total: usize = seen.iter().map(|warning| warning.chars().count()).sum();
    assert!(total <= 4096, "{total} characters of warnings");
}

#[track_caller]
fn check_audit_annotations(annotations: Option<&Value>) {
    let Some(annotations) = annotations else {
        return;
    };
    let annotations = object(annotations);
    assert!(!annotations.is_empty(), "an empty map of audit annotations");
    let fits = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
    for (key, value) in annotations {
        assert!(value.is_string(), "{key} is no string: {value}");
        assert!(key.chars().all(fits), "{key:?} is no name");
        let ends = [key.chars().next(), key.chars().next_back()];
        assert!(
            ends.iter()
                .all(|end| end.is_some_and(|end| end.is_ascii_alphanumeric())),
            "{key:?} is no name"
        );
        assert!(key.len() <= 63, "{key:?} is too long for a name");
    }
}

#[track_caller]
fn check_patch(verdict: &Value, validating: bool) {
    let (patch, patch_type) = match (verdict.get("patch"), verdict.get("patchType")) {
        (None, None) => return,
        (Some(patch), Some(patch_type)) => (patch, patch_type),
        _ => panic!("patch and patchType come together or not at all: {verdict}"),
    };
    assert!(
        !validating,
        "a patch from a validating webhook fails the call"
    );
    assert_eq!(patch_type, "JSONPatch");
    let patch = from_base64(text(patch));
    let steps: Vec<Value> = serde_json::from_slice(&patch).expect("a patch is a list of steps");
    for step in &steps {
        for path in ["path", "from"]
            .iter()
            .filter_map(|key| step.get(key))
            .map(text)
        {
            let inside = path.strip_prefix("/metadata/annotations");
            let inside = inside.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
            assert!(inside, "a patch touches only annotations: {step}");
        }
    }
}

/// RFC 4648, section 4, with padding.
#[track_caller]
fn from_base64(text: &str) -> Vec<u8> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    assert_eq!(text.len() % 4, 0, "base64 without padding: {text}");
    let digits = text.trim_end_matches('=');
    assert!(text.len() - digits.len() <= 2, "no base64: {text}");
    let digit = |byte| {
        ALPHABET
            .iter()
            .position(|digit| *digit == byte)
            .expect("base64")
    };
    let bits: Vec<bool> = digits
        .bytes()
        .map(digit)
        .flat_map(|value| (0..6).rev().map(move |bit| value >> bit & 1 == 1))
        .collect();
    let byte = |bits: &[bool]| {
        bits.iter()
            .fold(0_u8, |byte, bit| byte << 1 | u8::from(*bit))
    };
    bits.chunks_exact(8).map(byte).collect()
}

#[track_caller]
fn only_keys(value: &Value, known: &[&str]) {
    for key in object(value).keys() {
        assert!(
            known.contains(&key.as_str()),
            "unknown field {key}: {value}"
        );
    }
}

#[track_caller]
fn object(value: &Value) -> &Map<String, Value> {
    value
        .as_object()
        .unwrap_or_else(|| panic!("no object: {value}"))
}

#[track_caller]
fn text(value: &Value) -> &str {
    value
        .as_str()
        .unwrap_or_else(|| panic!("no string: {value}"))
}
