//! What reviews mean that the fixtures don't hold.

use serde_json::{Value, json};

use super::{binding, review, with, without};
use crate::admission::review::{Operation, Target, decode};
use crate::domain::binding::{BindingKind, RoleKind, Subject};
use crate::domain::identity::{Identity, SubjectKind};

fn bytes(review: &Value) -> Vec<u8> {
    serde_json::to_vec(review).unwrap()
}

fn of_cluster(review: Value) -> Value {
    with(review, "/request/kind/kind", json!("ClusterRoleBinding"))
}

#[test]
fn a_review_of_another_kind_is_well_formed_whatever_its_objects_look_like() {
    let pod = json!({"group": "", "version": "v1", "kind": "Pod"});
    let namesake = json!({"group": "example.com", "version": "v1", "kind": "RoleBinding"});
    for kind in [pod, namesake] {
        for object in [
            json!(null),
            json!({"metadata": {"name": "x"}}),
            json!({"subjects": "all of them", "roleRef": 5}),
            json!([1, 2]),
        ] {
            let review = with(review("CREATE"), "/request/kind", kind.clone());
            let body = bytes(&with(review, "/request/object", object));
            let review = decode(&body).unwrap();
            assert_eq!(review.target, Target::Other);
            assert_eq!(review.binding(), None);
            assert_eq!(review.name(), "viewers");
            assert_eq!(review.namespace(), Some("dev"));
        }
    }
}

#[test]
fn the_order_of_fields_means_nothing() {
    let body = br#"{"request": {"oldObject": null, "object": {"roleRef": {"name": "view",
        "kind": "ClusterRole"}}, "namespace": "dev", "operation": "CREATE", "uid": "1",
        "kind": {"kind": "RoleBinding", "version": "v1", "group": "rbac.authorization.k8s.io"}},
        "kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1"}"#;
    let review = decode(body).unwrap();
    assert_eq!(review.target, Target::Binding(BindingKind::RoleBinding));
    assert_eq!(review.binding().unwrap().role.kind, RoleKind::ClusterRole);
}

#[test]
fn dry_run_is_false_unless_it_is_true() {
    let decoded = |review| decode(&bytes(&review)).unwrap().dry_run;
    assert!(!decoded(review("CREATE")));
    for (written, dry_run) in [
        (json!(null), false),
        (json!(false), false),
        (json!(true), true),
    ] {
        assert_eq!(
            decoded(with(review("CREATE"), "/request/dryRun", written)),
            dry_run
        );
    }
}

#[test]
fn each_operation_has_the_bindings_it_needs_and_no_other() {
    for (operation, object, old_object) in [
        ("CREATE", true, false),
        ("UPDATE", true, true),
        ("DELETE", false, true),
        ("CONNECT", false, false),
    ] {
        let both = with(
            review(operation),
            "/request/object",
            binding("viewers", None),
        );
        let both = with(both, "/request/oldObject", binding("viewers", None));
        let body = bytes(&both);
        let review = decode(&body).unwrap();
        assert_eq!(review.operation, Operation::parse(operation).unwrap());
        assert_eq!(review.binding().is_some(), object, "{operation}");
        assert_eq!(review.previous().is_some(), old_object, "{operation}");
    }
}

#[test]
fn a_name_that_only_the_request_or_only_the_object_has_is_the_name() {
    let unnamed = without(review("CREATE"), "/request/object/metadata/name");
    assert_eq!(decode(&bytes(&unnamed)).unwrap().name(), "viewers");
    let unnamed = without(review("DELETE"), "/request/name");
    let body = bytes(&unnamed);
    let review = decode(&body).unwrap();
    assert_eq!(review.name(), "viewers");
    assert_eq!(review.previous().unwrap().name, "viewers");
}

#[test]
fn the_namespace_of_the_request_counts_before_that_of_the_object() {
    let elsewhere = with(review("CREATE"), "/request/namespace", json!("prod"));
    let body = bytes(&elsewhere);
    assert_eq!(
        decode(&body).unwrap().binding().unwrap().namespace,
        Some("prod")
    );
    for nowhere in [json!(""), json!(null)] {
        let body = bytes(&with(review("CREATE"), "/request/namespace", nowhere));
        assert_eq!(decode(&body).unwrap().namespace(), Some("dev"));
    }
}

#[test]
fn a_cluster_role_binding_has_no_namespace_whatever_the_body_says() {
    let body = bytes(&of_cluster(review("UPDATE")));
    let review = decode(&body).unwrap();
    assert_eq!(
        review.target,
        Target::Binding(BindingKind::ClusterRoleBinding)
    );
    assert_eq!(review.namespace(), None);
    assert_eq!(review.binding().unwrap().namespace, None);
    assert_eq!(review.previous().unwrap().namespace, None);
}

#[test]
fn null_empty_and_absent_subjects_are_no_subjects() {
    for subjects in [json!(null), json!([])] {
        let body = bytes(&with(
            review("CREATE"),
            "/request/object/subjects",
            subjects,
        ));
        assert!(
            decode(&body)
                .unwrap()
                .binding()
                .unwrap()
                .subjects
                .is_empty()
        );
    }
    let body = bytes(&without(review("CREATE"), "/request/object/subjects"));
    assert!(
        decode(&body)
            .unwrap()
            .binding()
            .unwrap()
            .subjects
            .is_empty()
    );
}

#[test]
fn duplicate_subjects_are_kept() {
    let alice = json!({"kind": "User", "name": "alice"});
    let twice = json!([alice, alice]);
    let body = bytes(&with(review("CREATE"), "/request/object/subjects", twice));
    assert_eq!(decode(&body).unwrap().binding().unwrap().subjects.len(), 2);
}

#[test]
fn subjects_that_rbac_does_not_know_are_left_out_and_counted() {
    let rbac = "rbac.authorization.k8s.io";
    let subjects = json!([
        {"kind": "User", "name": "absent"},
        {"kind": "User", "name": "empty", "apiGroup": ""},
        {"kind": "Group", "name": "rbac", "apiGroup": rbac},
        {"kind": "ServiceAccount", "name": "absent", "apiGroup": null, "namespace": null},
        {"kind": "ServiceAccount", "name": "empty", "apiGroup": "", "namespace": "ci"},
        {"kind": "ServiceAccount", "name": "refused", "apiGroup": rbac},
        {"kind": "User", "name": "refused", "apiGroup": "example.com"},
        {"kind": "user", "name": "refused"},
        {"kind": "", "name": ""},
    ]);
    let body = bytes(&with(
        review("CREATE"),
        "/request/object/subjects",
        subjects,
    ));
    let review = decode(&body).unwrap();
    assert_eq!(review.object().unwrap().unknown_subjects(), 4);
    let binding = review.binding().unwrap();
    let known = |kind, name, namespace| Subject {
        kind,
        name,
        namespace,
    };
    assert_eq!(
        binding.subjects,
        [
            known(SubjectKind::User, "absent", None),
            known(SubjectKind::User, "empty", None),
            known(SubjectKind::Group, "rbac", None),
            known(SubjectKind::ServiceAccount, "absent", None),
            known(SubjectKind::ServiceAccount, "empty", Some("ci")),
        ]
    );
    assert_eq!(
        binding.identities().nth(3),
        Some(Identity::ServiceAccount {
            namespace: "dev",
            name: "absent"
        })
    );
}

#[test]
fn names_with_escapes_are_read_whole() {
    let name = "al\"ice\\ \n\u{0}\u{1b}[2J 😀 *";
    let body = bytes(&with(
        review("CREATE"),
        "/request/object/subjects/0/name",
        json!(name),
    ));
    assert_eq!(
        decode(&body).unwrap().binding().unwrap().subjects[0].name,
        name
    );
}

#[test]
fn only_our_own_annotations_are_read() {
    let annotations = json!({
        "example.com/x": "y",
        "bindguard.dev/order": "{\"version\": 1}",
        "bindguard.dev/ordered-by": "bob",
        "bindguard.dev/other": 5,
    });
    let pointer = "/request/object/metadata/annotations";
    let body = bytes(&with(review("CREATE"), pointer, annotations));
    let review = decode(&body).unwrap();
    let annotations = review.object().unwrap().metadata().annotations().unwrap();
    assert_eq!(annotations.order.as_deref(), Some("{\"version\": 1}"));
    assert_eq!(annotations.ordered_by.as_deref(), Some("bob"));
    assert_eq!(annotations.provision, None);
}

#[test]
fn what_go_writes_as_null_is_empty() {
    let mut review = review("CREATE");
    for pointer in [
        "/request/subResource",
        "/request/object/metadata/annotations",
        "/request/object/metadata/generateName",
    ] {
        review = with(review, pointer, Value::Null);
    }
    let user = json!({"username": "bob", "uid": null, "groups": null, "extra": {"scopes": null}});
    let body = bytes(&with(review, "/request/userInfo", user));
    let review = decode(&body).unwrap();
    assert!(review.requester.groups.is_empty());
    assert!(review.requester.extra["scopes"].is_empty());
    assert_eq!(review.generate_name(), None);
}

#[test]
fn a_review_that_names_no_requester_has_one_without_a_name() {
    let body = bytes(&without(review("CREATE"), "/request/userInfo"));
    assert!(decode(&body).unwrap().requester.username.is_empty());
}
