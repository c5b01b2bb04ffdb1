//! Every real review, read twice and independently.

use serde_json::Value;

use super::fixtures;
use crate::admission::review::{Operation, Review, Target, decode};
use crate::domain::binding::{Binding, BindingKind, RoleKind};
use crate::domain::identity::Identity;

#[test]
fn every_real_review_is_read_as_serde_json_reads_it() {
    let fixtures = fixtures();
    assert!(fixtures.len() >= 75, "fixtures are missing");
    for (name, body) in fixtures {
        println!("{name}");
        let value: Value = serde_json::from_slice(&body).unwrap();
        let review = decode(&body).unwrap();
        check_request(&review, &value["request"]);
        check_objects(&review, &value["request"]);
    }
}

fn check_request(review: &Review<'_>, request: &Value) {
    assert_eq!(review.uid.as_str(), request["uid"]);
    assert_eq!(review.operation.as_str(), request["operation"]);
    assert_eq!(review.dry_run, request["dryRun"]);
    assert!(review.sub_resource.is_empty());
    assert_eq!(review.namespace(), request["namespace"].as_str());
    let user = &request["userInfo"];
    let requester = &review.requester;
    assert_eq!(requester.username.as_str(), user["username"]);
    assert_eq!(
        requester.uid.as_str(),
        user["uid"].as_str().unwrap_or_default()
    );
    let groups: Vec<&str> = requester.groups.iter().map(|group| &**group).collect();
    assert_eq!(groups, strings(&user["groups"]));
    let extra = user["extra"].as_object().cloned().unwrap_or_default();
    assert_eq!(requester.extra.len(), extra.len());
    for (key, values) in &requester.extra {
        let values: Vec<&str> = values.iter().map(|value| &**value).collect();
        assert_eq!(values, strings(&extra[key.as_str()]));
    }
}

fn check_objects(review: &Review<'_>, request: &Value) {
    let Target::Binding(kind) = review.target else {
        panic!("not read as a binding");
    };
    assert_eq!(kind.as_str(), request["kind"]["kind"]);
    let relevant = |key: &str| Some(&request[key]).filter(|object| !object.is_null());
    for (binding, written) in [
        (review.binding(), relevant("object")),
        (review.previous(), relevant("oldObject")),
    ] {
        assert_eq!(binding.is_some(), written.is_some());
        if let (Some(binding), Some(written)) = (binding, written) {
            check_binding(&binding, kind, written);
        }
    }
    for (object, written) in [
        (review.object(), relevant("object")),
        (review.old_object(), relevant("oldObject")),
    ] {
        let Some((object, written)) = object.zip(written) else {
            continue;
        };
        let (metadata, written) = (object.metadata(), &written["metadata"]);
        let text = |key: &str| written[key].as_str().unwrap_or_default();
        assert_eq!(metadata.uid, text("uid"));
        assert_eq!(metadata.resource_version, text("resourceVersion"));
        assert_eq!(metadata.generate_name, text("generateName"));
        assert_eq!(
            metadata.deletion_timestamp.as_deref(),
            written["deletionTimestamp"].as_str()
        );
        assert_eq!(object.unknown_subjects(), 0);
    }
}

fn check_binding(binding: &Binding<'_>, kind: BindingKind, written: &Value) {
    assert_eq!(binding.kind, kind);
    assert_eq!(binding.kind.as_str(), written["kind"]);
    let metadata = &written["metadata"];
    assert_eq!(binding.name, metadata["name"].as_str().unwrap_or_default());
    assert_eq!(binding.namespace, metadata["namespace"].as_str());
    let role = &written["roleRef"];
    assert_eq!(binding.role.name, role["name"]);
    let role_kind = match role["kind"].as_str().unwrap() {
        "ClusterRole" => RoleKind::ClusterRole,
        "Role" => RoleKind::Role,
        other => panic!("a role of kind {other}"),
    };
    assert_eq!(binding.role.kind, role_kind);
    let subjects = written["subjects"].as_array().cloned().unwrap_or_default();
    let identities: Vec<_> = binding.identities().collect();
    let expected: Vec<_> = subjects
        .iter()
        .map(|subject| identity(subject, metadata["namespace"].as_str()))
        .collect();
    assert_eq!(identities, expected);
}

fn identity<'a>(subject: &'a Value, namespace: Option<&'a str>) -> Identity<'a> {
    let name = subject["name"].as_str().unwrap();
    match subject["kind"].as_str().unwrap() {
        "User" => Identity::user(name),
        "Group" => Identity::group(name),
        "ServiceAccount" => {
            assert_eq!(subject.get("apiGroup"), None);
            let namespace = subject["namespace"].as_str().or(namespace).unwrap();
            Identity::ServiceAccount { namespace, name }
        }
        other => panic!("a subject of kind {other}"),
    }
}

fn strings(list: &Value) -> Vec<&str> {
    let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter().map(|text| text.as_str().unwrap()).collect()
}

#[test]
fn the_names_of_the_fixtures_say_what_is_in_them() {
    for (name, body) in fixtures() {
        let review = decode(&body).unwrap();
        let deletes = name.contains("delete-")
            || name.contains("-delete.")
            || name.contains("deletecollection");
        let prepares = name.contains("-prep.");
        assert_eq!(
            review.operation == Operation::Delete,
            deletes && !prepares,
            "{name}"
        );
        assert_eq!(review.dry_run, name.contains("dryrun"), "{name}");
        let generated = name.contains("generatename");
        assert_eq!(review.generate_name().is_some(), generated, "{name}");
        assert_eq!(
            review.name().is_empty(),
            generated && name.contains(".mutating"),
            "{name}"
        );
    }
}

#[test]
fn nothing_is_copied_from_a_real_review() {
    for (name, body) in fixtures().iter().filter(|(name, _)| name.contains("raw-")) {
        let review = decode(body).unwrap();
        let range = body.as_ptr_range();
        let binding = review.binding().or_else(|| review.previous()).unwrap();
        for text in [
            review.uid.as_str(),
            binding.role.name,
            binding.subjects[0].name,
        ] {
            assert!(range.contains(&text.as_ptr()), "{name}: {text}");
        }
    }
}
