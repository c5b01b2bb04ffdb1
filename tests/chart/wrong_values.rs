//! Values that are wrong, and what people are told.

use serde_json::{Value, json};

use crate::chart::{NAMESPACE, RELEASE, template};

/// Values, and what the message about them names.
type Wrong = (Value, &'static str);

/// Names, images and numbers.
fn in_general() -> Vec<Wrong> {
    vec![
        (json!({"replicas": 3}), "'replicas'"),
        (json!({"replicaCount": "3"}), "/replicaCount"),
        (json!({"replicaCount": 0}), "/replicaCount"),
        (json!({"replicaCount": 1.5}), "/replicaCount"),
        (json!({"replicaCount": null}), "'replicaCount'"),
        (json!({"image": "bindguard:1"}), "/image"),
        (json!({"image": null}), "'image'"),
        (json!({"image": {"repo": "x"}}), "'repo'"),
        (json!({"image": {"tag": 1.2}}), "/image/tag"),
        (json!({"image": {"tag": "a b"}}), "/image/tag"),
        (json!({"image": {"digest": "sha256:abc"}}), "/image/digest"),
        (
            json!({"image": {"pullPolicy": "always"}}),
            "/image/pullPolicy",
        ),
        (
            json!({"imagePullSecrets": ["registry"]}),
            "/imagePullSecrets/0",
        ),
        (json!({"commonLabels": {"a": 1}}), "/commonLabels/a"),
        (json!({"podAnnotations": {"a": true}}), "/podAnnotations/a"),
        (
            json!({"fullnameOverride": "Bindguard"}),
            "/fullnameOverride",
        ),
        (json!({"nameOverride": "a_b"}), "/nameOverride"),
        (json!({"policyName": "My policy"}), "/policyName"),
    ]
}

/// The policy.
fn of_the_policy() -> Vec<Wrong> {
    let policy = |policy: Value| json!({ "policy": policy });
    let persona = |persona: Value| json!({"policy": {"personas": [persona]}});
    vec![
        (policy(json!({"action": "deny"})), "/policy/action"),
        (policy(json!({"action": true})), "/policy/action"),
        (policy(json!({"actions": "Deny"})), "'actions'"),
        (policy(json!({"exempt": null})), "'exempt'"),
        (policy(json!({"personas": []})), "/policy/personas"),
        (
            policy(json!({"personas": {"name": "a"}})),
            "/policy/personas",
        ),
        (persona(json!({"name": "a"})), "'clusterRoles'"),
        (
            persona(json!({"name": "", "clusterRoles": ["x"]})),
            "/policy/personas/0/name",
        ),
        (
            persona(json!({"name": "a", "clusterRoles": []})),
            "/policy/personas/0/clusterRoles",
        ),
        (
            persona(json!({"name": "a", "clusterRoles": ["x", "x"]})),
            "/policy/personas/0/clusterRoles",
        ),
        (
            persona(json!({"name": "a", "clusterRoles": ["x/y"]})),
            "/policy/personas/0/clusterRoles/0",
        ),
        (
            persona(json!({"name": "a", "clusterRoles": [".."]})),
            "/policy/personas/0/clusterRoles/0",
        ),
        (
            persona(json!({"name": "a", "clusterRoles": ["x"], "subjectKinds": ["Users"]})),
            "/policy/personas/0/subjectKinds/0",
        ),
        (
            persona(json!({"name": "a", "clusterRoles": ["x"], "kinds": []})),
            "'kinds'",
        ),
        (
            policy(json!({"companions": ["spectro-list-namespaces"]})),
            "/policy/companions/0",
        ),
        (
            policy(
                json!({"companions": (0..17).map(|n| json!({"clusterRole": format!("c{n}")})).collect::<Vec<_>>()}),
            ),
            "/policy/companions",
        ),
        (policy(json!({"matchRoles": "no"})), "/policy/matchRoles"),
        (policy(json!({"dryRun": "Deny"})), "/policy/dryRun"),
        (
            policy(json!({"coverage": {"umbrellaGroups": false}})),
            "/policy/coverage/umbrellaGroups",
        ),
        (
            policy(json!({"provisioning": {"maxCompanions": 0}})),
            "/policy/provisioning/maxCompanions",
        ),
        (
            policy(
                json!({"provisioning": {"serviceAccounts": [{"namespace": "Flux", "name": "a"}]}}),
            ),
            "/policy/provisioning/serviceAccounts/0/namespace",
        ),
        (
            policy(
                json!({"provisioning": {"serviceAccounts": [{"namespace": "flux", "name": "a b"}]}}),
            ),
            "/policy/provisioning/serviceAccounts/0/name",
        ),
        (
            policy(json!({"provisioning": {"notOrdering": [{"kind": "User", "name": "a\u{1}"}]}})),
            "/policy/provisioning/notOrdering/0/name",
        ),
        (
            policy(json!({"provisioning": {"orderLifetime": "ten minutes"}})),
            "/policy/provisioning/orderLifetime",
        ),
        (
            policy(json!({"exempt": {"namespaces": ["kube_system"]}})),
            "/policy/exempt/namespaces/0",
        ),
        (
            policy(json!({"exempt": {"subjects": [{"kind": "ServiceAccount", "name": "a"}]}})),
            "/policy/exempt/subjects/0",
        ),
        (
            policy(
                json!({"exempt": {"requesters": [{"kind": "User", "name": "a", "namespace": "b"}]}}),
            ),
            "/policy/exempt/requesters/0/namespace",
        ),
    ]
}

/// How the API server finds bindguard and trusts it.
fn of_certificates() -> Vec<Wrong> {
    let certificates = |certificates: Value| json!({ "certificates": certificates });
    vec![
        (json!({"webhook": {"url": "http://x"}}), "/webhook/url"),
        (
            json!({"webhook": {"url": "https://x/validate"}}),
            "/webhook/url",
        ),
        (
            certificates(json!({"mode": "selfManaged"})),
            "/certificates/mode",
        ),
        (
            certificates(json!({"mode": "provided"})),
            "/certificates/provided/secretName",
        ),
        (
            certificates(json!({"provided": {"caBundle": "LS0tLS1CRUdJTi"}})),
            "/certificates/provided/caBundle",
        ),
        (
            certificates(
                json!({"provided": {"caBundle": "-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----"}}),
            ),
            "/certificates/provided/caBundle",
        ),
        (
            certificates(json!({"certManager": {"issuerRef": {"kind": "Issuer"}}})),
            "/certificates/certManager/issuerRef",
        ),
        (
            certificates(json!({"certManager": {"duration": "90d"}})),
            "/certificates/certManager/duration",
        ),
    ]
}

/// What runs and where.
fn of_pods() -> Vec<Wrong> {
    vec![
        (json!({"failurePolicy": "fail"}), "/failurePolicy"),
        (json!({"timeoutSeconds": 2}), "/timeoutSeconds"),
        (json!({"timeoutSeconds": 31}), "/timeoutSeconds"),
        (json!({"resources": {"limit": {}}}), "'limit'"),
        (json!({"hostNetwork": "true"}), "/hostNetwork"),
        (json!({"dnsPolicy": "None"}), "/dnsPolicy"),
        (json!({"ports": {"webhook": 443}}), "/ports/webhook"),
        (json!({"ports": {"admin": 70000}}), "/ports/admin"),
        (json!({"lingerSeconds": 26}), "/lingerSeconds"),
        (json!({"lingerSeconds": "15s"}), "/lingerSeconds"),
        (json!({"settleMilliseconds": -1}), "/settleMilliseconds"),
        (
            json!({"controller": {"replicaCount": 0}}),
            "/controller/replicaCount",
        ),
        (json!({"logFormat": "yaml"}), "/logFormat"),
        (json!({"logLevel": "verbose"}), "/logLevel"),
        (
            json!({"service": {"type": "ExternalName"}}),
            "/service/type",
        ),
        (json!({"nodeSelector": ["linux"]}), "/nodeSelector"),
        (json!({"tolerations": [{"keys": "a"}]}), "'keys'"),
        (json!({"affinity": {"node": {}}}), "'node'"),
        (
            json!({"topologySpreadConstraints": [{"maxSkew": 1}]}),
            "/topologySpreadConstraints/0",
        ),
        (
            json!({"networkPolicy": {"apiServerPorts": []}}),
            "/networkPolicy/apiServerPorts",
        ),
        (
            json!({"networkPolicy": {"metricsFrom": [{"namespace": "monitoring"}]}}),
            "'namespace'",
        ),
        (
            json!({"podMonitor": {"interval": 30}}),
            "/podMonitor/interval",
        ),
        (
            json!({"startupCheck": {"timeoutSeconds": 0}}),
            "/startupCheck/timeoutSeconds",
        ),
    ]
}

#[test]
fn wrong_values_are_refused_by_the_schema_in_a_message_that_names_the_field() {
    let wrong = [in_general(), of_the_policy(), of_certificates(), of_pods()].concat();
    assert!(wrong.len() > 30);
    for (values, field) in wrong {
        let told = template(RELEASE, NAMESPACE, &values, &[]).expect_failure();
        assert!(
            told.contains("don't meet the specifications of the schema") && told.contains(field),
            "{values}\nshould be told of {field}, and is told\n{told}"
        );
    }
}

#[test]
fn what_the_schema_cannot_compare_is_refused_by_the_templates() {
    let values = json!({"ports": {"webhook": 9000, "admin": 9000}});
    let told = template(RELEASE, NAMESPACE, &values, &[]).expect_failure();
    assert!(
        told.contains("ports.admin: must be another than ports.webhook"),
        "{told}"
    );
}
