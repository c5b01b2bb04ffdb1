//! Bindings that were broken before bindguard came: they can be kept, mended and removed.

use std::time::Duration;

use serde_json::json;

use crate::objects::{BOTH, group, user};
use crate::stage::{OldBinding, Stage, stage};
use crate::support::{ADMIN, Output, eventually};

fn kubectl(stage: &Stage, old: &OldBinding, args: &[&str]) -> Output {
    let args = [args, &["--namespace", &old.namespace]].concat();
    stage.kubectl(&args)
}

/// Runs a JSON merge patch.
fn merge(stage: &Stage, old: &OldBinding, patch: &serde_json::Value) -> Output {
    let patch = format!("--patch={patch}");
    kubectl(
        stage,
        old,
        &[
            "patch",
            "rolebinding",
            OldBinding::NAME,
            "--type=merge",
            &patch,
        ],
    )
}

#[test]
fn a_broken_binding_takes_labels_and_annotations_with_a_warning() {
    let (stage, old) = (stage(), stage().old_binding());
    for verb in ["label", "annotate"] {
        let output = kubectl(
            stage,
            &old,
            &[verb, "rolebinding", OldBinding::NAME, "team=blue"],
        );
        output.expect_warned(&[old.warning()]);
        assert_eq!(output.warned_commands().len(), 2, "{output}");
    }
}

#[test]
fn a_broken_binding_that_is_mended_is_not_warned_about() {
    let (stage, old) = (stage(), stage().old_binding());
    stage.complete(&user(&old.user));
    // A deletion may lag behind, but what was made covers at once.
    let output = kubectl(
        stage,
        &old,
        &["label", "rolebinding", OldBinding::NAME, "team=blue"],
    );
    output.expect_silence();
}

#[test]
fn a_broken_binding_can_be_emptied() {
    let (stage, old) = (stage(), stage().old_binding());
    merge(stage, &old, &json!({"subjects": null})).expect_silence();
}

#[test]
fn a_covered_subject_joins_a_broken_binding_with_a_warning_about_the_old_one() {
    let (stage, old) = (stage(), stage().old_binding());
    let newcomer = group(&format!("newcomers of {}", old.namespace));
    stage.complete(&newcomer);
    let patch = json!({"subjects": [user(&old.user), newcomer]});
    merge(stage, &old, &patch).expect_warned(&[old.warning()]);
}

#[test]
fn an_uncovered_subject_that_joins_a_broken_binding_is_named_alone() {
    let (stage, old) = (stage(), stage().old_binding());
    let newcomer = format!("newcomer@{}", old.namespace);
    let patch = json!({"subjects": [user(&old.user), user(&newcomer)]});
    let output = merge(stage, &old, &patch);
    let denial = output.expect_denied(&[&format!("User {newcomer} lacks {BOTH}")]);
    assert_eq!(output.warned_of(), [old.warning()], "{output}");
    assert!(!denial.text.contains(&old.user), "{output}");
}

#[test]
fn a_broken_binding_can_be_deleted_by_name_and_by_label() {
    let (stage, old) = (stage(), stage().old_binding());
    kubectl(stage, &old, &["delete", "rolebinding", OldBinding::NAME]).expect_silence();

    let old = stage.old_binding();
    kubectl(
        stage,
        &old,
        &["label", "rolebinding", OldBinding::NAME, "team=blue"],
    )
    .expect_success();
    kubectl(
        stage,
        &old,
        &["delete", "rolebinding", "--selector=team=blue"],
    )
    .expect_silence();
    let left = kubectl(stage, &old, &["get", "rolebindings", "--output=name"]);
    assert_eq!(left.expect_success(), "");
}

#[test]
fn a_broken_binding_gains_and_loses_a_finalizer_and_goes() {
    let (stage, old) = (stage(), stage().old_binding());
    let finalizers = |value| json!({"metadata": {"finalizers": value}});
    let hold = finalizers(json!(["example.com/hold"]));
    merge(stage, &old, &hold).expect_warned(&[old.warning()]);

    let delete = ["delete", "rolebinding", OldBinding::NAME, "--wait=false"];
    kubectl(stage, &old, &delete).expect_silence();
    let deleted = stage.stored(&[
        "rolebinding",
        OldBinding::NAME,
        "--namespace",
        &old.namespace,
    ]);
    assert!(deleted["metadata"]["deletionTimestamp"].is_string());

    let release = merge(stage, &old, &finalizers(json!(null)));
    assert!(release.succeeded(), "{release}");
    let left = kubectl(stage, &old, &["get", "rolebindings", "--output=name"]);
    assert_eq!(left.expect_success(), "");
}

#[test]
fn a_broken_binding_that_was_deleted_does_not_come_back() {
    let (stage, old) = (stage(), stage().old_binding());
    kubectl(stage, &old, &["delete", "rolebinding", OldBinding::NAME]).expect_silence();
    let output = stage.kubectl_file(&["create"], &[old.with([user(&old.user)])]);
    output.expect_denied(&[&format!("User {} lacks {BOTH}", old.user)]);
}

#[test]
fn a_namespace_with_a_broken_binding_in_it_can_be_deleted() {
    let (stage, old) = (stage(), stage().old_binding());
    stage.plane.with_controller_manager();
    stage
        .kubectl(&["delete", "namespace", &old.namespace, "--wait=false"])
        .expect_success();
    let gone = eventually(Duration::from_secs(30), || {
        let get = ["get", "namespace", &old.namespace, "--ignore-not-found"];
        let namespace = stage.plane.kubectl(ADMIN, &get).expect_success();
        namespace.is_empty().then_some(())
    });
    assert!(gone.is_some(), "the namespace {} stays", old.namespace);
}
