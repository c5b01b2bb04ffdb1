//! Reviews as the API server sends them, and as it never would.

mod answered;
mod contradictory;
mod fixtures;
mod hostile;
mod malformed;
mod meaning;

use std::path::PathBuf;

use serde_json::{Value, json};

use super::decode;

/// Every real review, with the name of its file.
fn fixtures() -> Vec<(String, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/reviews");
    let mut fixtures: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read(&path).unwrap())
        })
        .collect();
    fixtures.sort();
    fixtures
}

fn binding(name: &str, namespace: Option<&str>) -> Value {
    json!({
        "metadata": {"name": name, "namespace": namespace},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
        "subjects": [{"kind": "User", "name": "alice"}],
    })
}

/// A review of a RoleBinding `dev/viewers` that has all that its operation needs.
fn review(operation: &str) -> Value {
    let object = binding("viewers", Some("dev"));
    json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "1",
            "kind": {
                "group": "rbac.authorization.k8s.io",
                "version": "v1",
                "kind": "RoleBinding",
            },
            "operation": operation,
            "name": "viewers",
            "namespace": "dev",
            "userInfo": {"username": "bob"},
            "object": if operation == "DELETE" { Value::Null } else { object.clone() },
            "oldObject": if operation == "CREATE" { Value::Null } else { object },
        },
    })
}

/// The review with what stands at the JSON pointer replaced.
fn with(mut review: Value, pointer: &str, value: Value) -> Value {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = review.pointer_mut(parent).unwrap();
    match parent {
        Value::Array(list) => list[key.parse::<usize>().unwrap()] = value,
        _ => parent[key] = value,
    }
    review
}

/// The review without what stands at the JSON pointer.
fn without(mut review: Value, pointer: &str) -> Value {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = review.pointer_mut(parent).unwrap();
    parent.as_object_mut().unwrap().remove(key).unwrap();
    review
}

#[track_caller]
fn refused(body: impl AsRef<[u8]>, expected: &str) {
    let error = decode(body.as_ref()).expect_err(expected).to_string();
    assert_eq!(error, expected);
}

/// Refused in words that end in the position, which is left to the other tests.
#[track_caller]
fn refused_at(review: &Value, expected: &str) {
    let error = decode(review.to_string().as_bytes())
        .expect_err(expected)
        .to_string();
    let (words, position) = error.rsplit_once(" (line 1, column ").unwrap();
    assert_eq!(words, expected);
    assert!(position.ends_with(')'));
}
