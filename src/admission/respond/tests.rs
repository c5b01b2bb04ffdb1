//! What every answer must be, whatever it is made of.

use serde_json::{Value, json};

use super::Response;
use crate::admission::contract;

const UID: &str = "d8a4e91e-78b7-4b11-818d-6ccb740c4936";

#[track_caller]
fn sent(response: &Response<'_>) -> Value {
    let sent = serde_json::from_slice(&response.encode()).unwrap();
    let request = json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {"uid": UID},
    });
    contract::check(&request, &sent, true);
    sent
}

#[test]
fn to_let_pass_is_to_say_no_more_than_that() {
    assert_eq!(
        sent(&Response::allow(UID)),
        json!({
            "kind": "AdmissionReview",
            "apiVersion": "admission.k8s.io/v1",
            "response": {"uid": UID, "allowed": true},
        })
    );
}

#[test]
fn a_refusal_is_a_403_with_reason_and_message() {
    assert_eq!(
        sent(&Response::deny(UID, "User alice lacks\nview"))["response"],
        json!({
            "uid": UID,
            "allowed": false,
            "status": {"code": 403, "reason": "Forbidden", "message": "User alice lacks\nview"},
        })
    );
}

#[test]
fn a_refusal_prints_no_control_character_but_line_breaks_and_tabs() {
    let sent = sent(&Response::deny(UID, "a\n\tb\u{1b}[2J\r\0\u{9b}"));
    assert_eq!(
        sent["response"]["status"]["message"],
        "a\n\tb\\u{1b}[2J\\u{d}\\u{0}\\u{9b}"
    );
}

#[test]
fn warnings_and_audit_annotations_go_with_either_verdict() {
    for mut response in [Response::allow(UID), Response::deny(UID, "no")] {
        response.push_warning("look out");
        response.push_warning("");
        response.annotate("decision", "warn");
        response.annotate("decision", "deny");
        let sent = sent(&response);
        assert_eq!(sent["response"]["warnings"], json!(["look out"]));
        assert_eq!(
            sent["response"]["auditAnnotations"],
            json!({"decision": "deny"})
        );
    }
}

#[test]
fn a_key_that_is_no_qualified_name_is_made_one() {
    let mut response = Response::allow(UID);
    response.annotate("/bindguard.dev/missing pair-", "x");
    response.annotate(&format!("{}.{}", "a".repeat(62), "b"), "y");
    assert_eq!(
        sent(&response)["response"]["auditAnnotations"],
        json!({"bindguard.dev-missing-pair": "x", "a".repeat(62): "y"})
    );
}

#[test]
fn the_uid_is_repeated_to_the_letter() {
    let uid = "\"odd\" \u{7} 😀";
    let sent: Value = serde_json::from_slice(&Response::allow(uid).encode()).unwrap();
    assert_eq!(sent["response"]["uid"], uid);
}
