//! What is refused although each part of it is well-formed.

use serde_json::{Value, json};

use super::{refused, refused_at, review, with, without};
use crate::admission::review::decode;

#[test]
fn a_field_that_is_given_twice_is_refused_by_name() {
    let one = review("UPDATE");
    let one = with(
        one,
        "/request/object/metadata/annotations",
        json!({"bindguard.dev/order": ""}),
    );
    let whole = one.to_string();
    for (key, field) in [
        (r#""apiVersion":"#, "apiVersion"),
        (r#""uid":"#, "request.uid"),
        (r#""object":"#, "request.object"),
        (r#""oldObject":"#, "request.oldObject"),
        (r#""roleRef":"#, "request.object.roleRef"),
        (
            r#""bindguard.dev/order":"#,
            "request.object.metadata.annotations.bindguard.dev/order",
        ),
    ] {
        let twice = whole.replacen(key, &format!("{key}null,{key}"), 1);
        let twice = match key {
            r#""apiVersion":"# => {
                whole.replacen(key, &format!(r#"{key}"admission.k8s.io/v1",{key}"#), 1)
            }
            r#""uid":"# => whole.replacen(key, &format!(r#"{key}"1",{key}"#), 1),
            r#""roleRef":"# => {
                let role = r#"{"kind": "Role", "name": "x"}"#;
                whole.replacen(key, &format!("{key}{role},{key}"), 1)
            }
            _ => twice,
        };
        let error = decode(twice.as_bytes()).unwrap_err().to_string();
        let name = key.trim_matches(['"', ':']);
        assert!(
            error.starts_with(&format!("{field}: duplicate field `{name}`")),
            "{error}"
        );
    }
}

#[test]
fn an_operation_without_the_object_that_it_has_is_refused() {
    for (operation, missing, expected) in [
        (
            "CREATE",
            "object",
            "request.object: absent, and a CREATE has one",
        ),
        (
            "UPDATE",
            "object",
            "request.object: absent, and an UPDATE has one",
        ),
        (
            "UPDATE",
            "oldObject",
            "request.oldObject: absent, and an UPDATE has one",
        ),
        (
            "DELETE",
            "oldObject",
            "request.oldObject: absent, and a DELETE has one",
        ),
    ] {
        let pointer = format!("/request/{missing}");
        refused(without(review(operation), &pointer).to_string(), expected);
        refused(
            with(review(operation), &pointer, Value::Null).to_string(),
            expected,
        );
    }
}

#[test]
fn an_empty_uid_is_refused() {
    let review = with(review("CREATE"), "/request/uid", json!(""));
    refused(
        review.to_string(),
        "request.uid: empty, and an answer must repeat it",
    );
}

#[test]
fn a_role_binding_without_any_namespace_is_refused() {
    let review = without(review("CREATE"), "/request/namespace");
    let review = without(review, "/request/object/metadata/namespace");
    refused(
        review.to_string(),
        "request.namespace: absent, and a RoleBinding has one",
    );
}

#[test]
fn of_another_kind_too_what_is_wrong_with_the_request_is_told() {
    let other = with(review("CREATE"), "/request/kind/kind", json!("Role"));
    let other = with(other, "/request/object", json!({"rules": []}));
    decode(other.to_string().as_bytes()).unwrap();
    refused_at(
        &without(other, "/request/uid"),
        "request: missing field `uid`",
    );
}
