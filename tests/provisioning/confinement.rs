//! What the controller may do, whatever RBAC gives it.

use std::sync::Once;

use serde_json::{Value, json};

use crate::support::{ADMIN, ControlPlane, Output, unique};
use crate::world::{ORDERS, bindguard, cluster_role_binding, guarded, ordered, role_binding};

const COMPANIONS: &str = "companions.bindguard.dev";
const WEBHOOKS: &str = "webhooks.bindguard.dev";

/// As the controller, with far more rights than it is given: its guards hold whatever RBAC says.
fn as_controller(args: &[&str], input: &str) -> Output {
    static RIGHTS: Once = Once::new();
    let plane = guarded();
    RIGHTS.call_once(|| {
        plane.accounts();
        let everything = [
            "create",
            "clusterrolebinding",
            "controller",
            "--clusterrole=everything",
            "--serviceaccount=bindguard:bindguard-controller",
        ];
        plane.kubectl(ADMIN, &everything).expect_success();
    });
    plane.kubectl_with(&plane.accounts().controller, args, input)
}

fn create(object: &Value) -> Output {
    as_controller(&["create", "--filename", "-"], &object.to_string())
}

fn companion(name: &str) -> Value {
    let mut object = cluster_role_binding(name);
    object["roleRef"]["name"] = json!("spectro-list-namespaces");
    object
}

#[test]
fn it_creates_companion_bindings_under_its_prefix_and_nothing_else_of_rbac() {
    let name = unique("bindguard-companion");
    create(&companion(&name)).expect_success();
    let mut by_account = companion(&format!("{name}-account"));
    by_account["subjects"] = json!([
        {"kind": "ServiceAccount", "namespace": "ci", "name": "system:odd"},
        {"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "system:serviceaccount:ci:x"},
    ]);
    by_account["subjects"][0]["name"] = json!("listed");
    create(&by_account).expect_success();

    let told = |object: &Value| create(object).refusal_by(COMPANIONS).to_owned();
    assert_eq!(
        told(&companion(&unique("other"))),
        "what bindguard's controller creates must have a name that begins with bindguard-"
    );
    let mut generated = companion("x");
    generated["metadata"] = json!({"generateName": "other-"});
    assert!(told(&generated).contains("must have a name"));
    let not_a_companion = cluster_role_binding(&unique("bindguard-persona"));
    assert_eq!(
        told(&not_a_companion),
        "bindguard's controller may bind nothing but companions"
    );
    for subject in [
        json!({"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": "system:authenticated"}),
        json!({"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": "system:serviceaccounts:ci"}),
        json!({"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "system:anonymous"}),
    ] {
        let mut object = companion(&unique("bindguard-system"));
        object["subjects"].as_array_mut().unwrap().push(subject);
        assert_eq!(
            told(&object),
            "bindguard's controller may bind nothing to subjects whose name begins with system:"
        );
    }

    let nothing_but = "bindguard's controller may do nothing here but create ClusterRoleBindings";
    let mut in_namespace = role_binding("default", &unique("bindguard-role"));
    in_namespace["roleRef"]["name"] = json!("spectro-list-namespaces");
    assert_eq!(told(&in_namespace), nothing_but);
    let role = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
        "metadata": {"name": "bindguard-role"}, "rules": [],
    });
    assert_eq!(told(&role), nothing_but);
    for args in [
        vec!["label", "clusterrolebinding", &name, "a=b"],
        vec!["delete", "clusterrolebinding", &name],
        vec!["delete", "clusterrolebinding", "writes-persona-bindings"],
        vec!["label", "clusterrole", "spectro-list-namespaces", "a=b"],
    ] {
        assert_eq!(as_controller(&args, "").refusal_by(COMPANIONS), nothing_but);
    }
    // Everybody else goes on as before.
    let plane = guarded();
    plane
        .kubectl(ADMIN, &["delete", "clusterrolebinding", &name])
        .expect_success();
}

#[test]
fn the_canary_is_within_its_bounds_so_that_only_the_guard_of_orders_refuses_it() {
    let canary = ordered(companion("bindguard-canary"), "canary", "somebody else");
    let refused = create(&canary);
    refused.refusal_by(ORDERS);
}

/// The webhook configurations as `bindguard manifests` prints them, with nobody behind them and
/// nothing that they match.
fn configurations(plane: &ControlPlane) -> [Value; 2] {
    let printed = bindguard(&["manifests", "--service", "bindguard/webhook"]).expect_success();
    let mut documents = printed
        .split("---\n")
        .filter(|document| document.contains("WebhookConfiguration"))
        .map(|document| serde_saphyr::from_str::<Value>(document).unwrap());
    let mut next = || {
        let mut document = documents.next().expect("two configurations");
        for webhook in document["webhooks"].as_array_mut().unwrap() {
            webhook["rules"][0]["apiGroups"] = json!(["example.com"]);
            webhook["matchConditions"] = json!([{"name": "a", "expression": "true"}]);
        }
        plane.apply(ADMIN, &document.to_string()).expect_success();
        document
    };
    [next(), next()]
}

#[test]
fn it_changes_nothing_in_webhook_configurations_but_the_ca_bundle() {
    let plane = guarded();
    let only = "bindguard's controller may change nothing in webhook configurations but the \
                caBundle of bindguard's own";
    // A certificate, which the API server checks.
    let bundle = std::fs::read(plane.authority_file()).unwrap();
    let bundle = String::from_utf8(bundle).unwrap();
    for document in configurations(plane) {
        let kind = document["kind"].as_str().unwrap();
        let patch = |name: &str, patch: &Value| {
            let patch = format!("--patch={patch}");
            as_controller(&["patch", kind, name, "--type=json", &patch], "")
        };
        let replace =
            |path: &str, value: Value| json!([{"op": "add", "path": path, "value": value}]);
        let count = document["webhooks"].as_array().unwrap().len();
        let last = count - 1;
        let first = json!([
            {"op": "add", "path": "/webhooks/0/clientConfig/caBundle", "value": to_base64(&bundle)},
            {"op": "add", "path": format!("/webhooks/{last}/clientConfig/caBundle"), "value": to_base64(&bundle)},
        ]);
        patch("bindguard", &first).expect_success();
        let again = replace(
            "/webhooks/0/clientConfig/caBundle",
            json!(to_base64(&bundle.repeat(2))),
        );
        patch("bindguard", &again).expect_success();

        let mut forbidden = vec![
            replace("/webhooks/0/clientConfig/service/name", json!("mine")),
            replace("/webhooks/0/clientConfig/service/path", json!("/mine")),
            replace(
                "/webhooks/0/failurePolicy",
                json!(other(&document, "failurePolicy", ["Ignore", "Fail"])),
            ),
            replace("/webhooks/0/matchPolicy", json!("Exact")),
            replace("/webhooks/0/timeoutSeconds", json!(30)),
            replace("/webhooks/0/sideEffects", json!("None")),
            replace(
                "/webhooks/0/admissionReviewVersions",
                json!(["v1", "v1beta1"]),
            ),
            replace("/webhooks/0/rules/0/resources", json!(["*"])),
            replace("/webhooks/0/matchConditions/0/expression", json!("false")),
            replace(
                "/webhooks/0/namespaceSelector",
                json!({"matchLabels": {"a": "b"}}),
            ),
            replace(
                "/webhooks/0/objectSelector",
                json!({"matchLabels": {"a": "b"}}),
            ),
            replace("/metadata/labels/a", json!("b")),
            replace("/metadata/annotations/a", json!("b")),
            replace("/metadata/finalizers", json!(["example.com/stay"])),
            json!([{"op": "remove", "path": "/webhooks/0"}]),
            json!([
                {"op": "copy", "from": "/webhooks/0", "path": "/webhooks/-"},
                {"op": "replace", "path": format!("/webhooks/{count}/name"), "value": "another.bindguard.dev"},
            ]),
            json!([
                {"op": "remove", "path": "/webhooks/0/clientConfig/service"},
                {"op": "add", "path": "/webhooks/0/clientConfig/url", "value": "https://example.com/x"},
            ]),
        ];
        if kind.starts_with("Mutating") {
            forbidden.push(replace("/webhooks/0/reinvocationPolicy", json!("Never")));
        }
        for change in forbidden {
            let output = patch("bindguard", &change);
            assert!(!output.succeeded(), "{change}\n{output}");
            assert_eq!(output.refusal_by(WEBHOOKS), only, "{change}");
        }
        let mut foreign = document.clone();
        foreign["metadata"]["name"] = json!("foreign");
        assert_eq!(create(&foreign).refusal_by(WEBHOOKS), only);
        plane.apply(ADMIN, &foreign.to_string()).expect_success();
        assert_eq!(patch("foreign", &first).refusal_by(WEBHOOKS), only);
        for name in ["bindguard", "foreign"] {
            let output = as_controller(&["delete", kind, name], "");
            assert_eq!(output.refusal_by(WEBHOOKS), only);
            plane
                .kubectl(ADMIN, &["delete", kind, name])
                .expect_success();
        }
    }
}

fn other(document: &Value, field: &str, values: [&str; 2]) -> String {
    let current = document["webhooks"][0][field].as_str().unwrap();
    let other = values.into_iter().find(|value| *value != current);
    other.unwrap().to_owned()
}

fn to_base64(text: &str) -> String {
    serde_json::to_value(k8s_openapi::ByteString(text.as_bytes().to_vec()))
        .unwrap()
        .as_str()
        .unwrap()
        .to_owned()
}
