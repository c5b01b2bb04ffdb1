//! What is refused, and in which words.

use serde_json::json;

use super::{refused, refused_at, review, with, without};
use crate::admission::review::decode;

#[test]
fn a_body_that_is_no_json_object_is_refused() {
    let empty = "the body is empty; an AdmissionReview of admission.k8s.io/v1 in JSON is expected";
    for (body, expected) in [
        ("", empty),
        (" \n", empty),
        (
            "[]",
            "AdmissionReview: invalid type: sequence, expected an object (line 1, column 0)",
        ),
        (
            "null",
            "AdmissionReview: invalid type: null, expected an object (line 1, column 4)",
        ),
        (
            "5",
            "AdmissionReview: invalid type: integer `5`, expected an object (line 1, column 1)",
        ),
        (
            "hello",
            "AdmissionReview: expected value (line 1, column 1)",
        ),
        (
            "{",
            "AdmissionReview: EOF while parsing an object (line 1, column 1)",
        ),
        (
            "{}",
            "AdmissionReview: missing field `apiVersion` (line 1, column 2)",
        ),
        (
            "{\"request\":\n {\"uid\": 5}}",
            "request.uid: invalid type: integer `5`, expected a string (line 2, column 10)",
        ),
    ] {
        refused(body, expected);
    }
}

#[test]
fn broken_utf8_is_refused_wherever_it_stands() {
    refused(b"\xff", "the body is not UTF-8 (line 1, column 1)");
    let whole = with(review("CREATE"), "/request/options", json!("HERE")).to_string();
    let (before, after) = whole.split_once("HERE").unwrap();
    let broken = [before.as_bytes(), b"\xff", after.as_bytes()].concat();
    let column = before.len() + 1;
    let expected = format!("the body is not UTF-8 (line 1, column {column})");
    refused(broken, &expected);
}

#[test]
fn garbage_after_the_review_is_refused() {
    let body = format!("{} {{}}", review("CREATE"));
    let error = decode(body.as_bytes()).unwrap_err().to_string();
    assert!(
        error.starts_with("AdmissionReview: trailing characters"),
        "{error}"
    );
}

#[test]
fn another_version_or_kind_of_review_is_named() {
    for (pointer, value, expected) in [
        (
            "/apiVersion",
            "admission.k8s.io/v1beta1",
            "apiVersion: reviews of version \"admission.k8s.io/v1beta1\" are not answered, \
             only \"admission.k8s.io/v1\"",
        ),
        (
            "/kind",
            "Review\u{1b}",
            r#"kind: objects of kind "Review\u{1b}" are not answered, only "AdmissionReview""#,
        ),
    ] {
        refused_at(&with(review("CREATE"), pointer, json!(value)), expected);
    }
}

#[test]
fn a_missing_field_is_named() {
    for (pointer, expected) in [
        ("/apiVersion", "AdmissionReview: missing field `apiVersion`"),
        ("/kind", "AdmissionReview: missing field `kind`"),
        ("/request", "AdmissionReview: missing field `request`"),
        ("/request/uid", "request: missing field `uid`"),
        ("/request/kind", "request: missing field `kind`"),
        ("/request/kind/group", "request.kind: missing field `group`"),
        ("/request/operation", "request: missing field `operation`"),
        (
            "/request/object/roleRef",
            "request.object: missing field `roleRef`",
        ),
        (
            "/request/object/roleRef/name",
            "request.object.roleRef: missing field `name`",
        ),
        (
            "/request/object/subjects/0/kind",
            "request.object.subjects[0]: missing field `kind`",
        ),
    ] {
        refused_at(&without(review("CREATE"), pointer), expected);
    }
    let old = without(review("DELETE"), "/request/oldObject/roleRef");
    refused_at(&old, "request.oldObject: missing field `roleRef`");
}

#[test]
fn a_value_of_another_type_is_refused_by_name() {
    let number = "invalid type: integer `5`, expected a string";
    for pointer in [
        "request/uid",
        "request/operation",
        "request/name",
        "request/namespace",
        "request/kind/version",
        "request/userInfo/username",
        "request/object/metadata/name",
        "request/object/metadata/deletionTimestamp",
        "request/object/roleRef/name",
        "request/object/roleRef/apiGroup",
    ] {
        let expected = format!("{}: {number}", pointer.replace('/', "."));
        refused_at(
            &with(review("CREATE"), &format!("/{pointer}"), json!(5)),
            &expected,
        );
    }
    let array = "invalid type: sequence, expected an object";
    for (pointer, value, expected) in [
        ("/request", json!(["1"]), format!("request: {array}")),
        (
            "/request",
            json!(null),
            "request: invalid type: null, expected an object".into(),
        ),
        (
            "/request/kind",
            json!(["", "v1", "Pod"]),
            format!("request.kind: {array}"),
        ),
        (
            "/request/userInfo",
            json!(["bob"]),
            format!("request.userInfo: {array}"),
        ),
        (
            "/request/userInfo/groups",
            json!(["a", 5]),
            format!("request.userInfo.groups[1]: {number}"),
        ),
        (
            "/request/dryRun",
            json!("true"),
            "request.dryRun: invalid type: string \"true\", expected a boolean".into(),
        ),
        (
            "/request/object",
            json!([]),
            format!("request.object: {array}"),
        ),
        (
            "/request/object/roleRef",
            json!(null),
            "request.object.roleRef: invalid type: null, expected an object".into(),
        ),
        (
            "/request/object/subjects/0",
            json!(["", "User", "alice"]),
            format!("request.object.subjects[0]: {array}"),
        ),
        (
            "/request/object/subjects/0/name",
            json!(5),
            format!("request.object.subjects[0].name: {number}"),
        ),
        (
            "/request/object/metadata/annotations",
            json!({"bindguard.dev/order": 5}),
            format!("request.object.metadata.annotations.bindguard.dev/order: {number}"),
        ),
    ] {
        refused_at(&with(review("CREATE"), pointer, value), &expected);
    }
}

#[test]
fn an_unknown_operation_is_refused() {
    for operation in ["PATCH", "create", ""] {
        let review = with(review("CREATE"), "/request/operation", json!(operation));
        let error = decode(review.to_string().as_bytes())
            .unwrap_err()
            .to_string();
        let words =
            format!("operation {operation:?} is none of CREATE, UPDATE, DELETE and CONNECT");
        assert!(
            error.starts_with(&format!("request.operation: {words}")),
            "{error}"
        );
    }
}

#[test]
fn a_binding_in_a_version_that_is_not_known_is_refused() {
    let review = with(review("CREATE"), "/request/kind/version", json!("v1beta1"));
    let error = decode(review.to_string().as_bytes())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("request.kind: version \"v1beta1\" of RoleBinding is not judged"),
        "{error}"
    );
}
