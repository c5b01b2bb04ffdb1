//! The values over which the laws of the chart are looked at.

use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::chart::Rendering;

/// One set of values and what it renders.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) values: Value,
    pub(crate) rendering: Rendering,
}

/// All combinations of certificates, policies and where the Pods run, and what does not fit in.
pub(crate) fn cases() -> &'static [Case] {
    static CASES: OnceLock<Vec<Case>> = OnceLock::new();
    CASES.get_or_init(|| {
        let mut cases = Vec::new();
        for (certificates, mode) in certificates() {
            for (policy, judged) in policies() {
                for (place, pods) in places() {
                    let mut values = mode.clone();
                    merge(&mut values, &json!({ "policy": judged }));
                    merge(&mut values, &pods);
                    cases.push((format!("{certificates}, {policy}, {place}"), values));
                }
            }
        }
        cases.extend(singles().map(|(name, values)| (name.to_owned(), values)));
        let render = |(name, values)| Case {
            rendering: Rendering::of(&values),
            name,
            values,
        };
        cases.into_iter().map(render).collect()
    })
}

fn certificates() -> [(&'static str, Value); 3] {
    [
        ("self-managed", json!({})),
        (
            "cert-manager",
            json!({"certificates": {"mode": "cert-manager"}}),
        ),
        (
            "provided",
            json!({"certificates": {
                "mode": "provided",
                "provided": {
                    "secretName": "007",
                    "caBundle": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
                }
            }}),
        ),
    ]
}

/// Policies with all that match conditions and hooks depend on.
pub(crate) fn policies() -> [(&'static str, Value); 9] {
    let persona = |name: &str, roles: Value, kinds: Value| json!({"name": name, "clusterRoles": roles, "subjectKinds": kinds});
    [
        ("the built-in policy", json!({})),
        (
            "only groups, and no exemption",
            json!({
                "personas": [persona("groups", json!(["view"]), json!(["Group"]))],
                "exempt": {"namespaces": [], "subjects": [], "requesters": []},
            }),
        ),
        (
            "only service accounts, roles too, audited",
            json!({
                "action": "Audit",
                "matchRoles": true,
                "personas": [persona("accounts", json!(["edit"]), json!(["ServiceAccount"]))],
            }),
        ),
        (
            "names that need quoting",
            json!({
                "personas": [
                    persona("quoted", json!(["it's", "back\\slash", "tab\u{20}and \"quotes\"", "é∀😀", "on", "12"]), json!(["User", "ServiceAccount"])),
                    persona("html", json!(["<a&b>"]), json!(["Group", "ServiceAccount"])),
                ],
                "companions": [{"clusterRole": "no"}, {"clusterRole": "1e3", "impliedBy": ["it's", "zz", "no"]}],
                "exempt": {"subjects": [{"kind": "User", "name": "# no comment: really"}]},
            }),
        ),
        (
            "a persona that implies a companion, by way of two",
            json!({
                "companions": [
                    {"clusterRole": "b", "impliedBy": ["cluster-admin", "a"]},
                    {"clusterRole": "a", "impliedBy": ["cluster-admin"]},
                ],
            }),
        ),
        (
            "nobody orders",
            json!({"provisioning": {"mode": "Disabled"}}),
        ),
        ("odd names of all who have to do with orders", odd_names()),
        (
            "personas of their own action and companions, without kinds",
            json!({
                "action": "Warn",
                "personas": [
                    {"name": "strict", "clusterRoles": ["x"], "action": "Deny", "companions": ["spectro-list-namespaces"]},
                    {"name": "mild", "clusterRoles": ["y"], "action": "Audit"},
                ],
                "companionRemoval": "Deny",
                "dryRun": "Warn",
                "coverage": {"umbrellaGroups": "Ignore"},
            }),
        ),
        (
            "provisioning in full, large numbers",
            json!({
                "provisioning": {
                    "mode": "Always",
                    "serviceAccounts": [{"namespace": "flux", "name": "on"}],
                    "notOrdering": [{"kind": "User", "name": "ci"}],
                    "orderLifetime": "1h30m",
                    "maxSubjectsPerBinding": 1000,
                    "maxCompanions": 1_000_000,
                },
                "exempt": {
                    "namespaces": ["12", "true", "kube-system"],
                    "subjects": [{"kind": "ServiceAccount", "namespace": "a", "name": "b"}],
                    "requesters": [{"kind": "Group", "name": "ops", "apiGroup": "rbac.authorization.k8s.io"}],
                },
            }),
        ),
    ]
}

/// As many companions as there may be, and names that are hard to quote or to show.
fn odd_names() -> Value {
    let long = "l".repeat(253);
    let longer = format!("{}é", "é".repeat(300));
    let companions = [
        "it's",
        "back\\slash",
        "\"quotes\" and \"more\"",
        "<a&b>",
        "é∀😀",
        "on",
        "12",
        "{{ x }}",
        "${1} x",
        "soft\u{ad}hyphen",
        "right\u{202e}to left",
        "no\u{200b}width\u{feff}",
        "tag\u{e0041} musical\u{1d173}",
        "variation\u{fe0f}",
        &long,
        &longer,
    ];
    assert_eq!(companions.len(), 16);
    let companions = companions.map(|name| json!({ "clusterRole": name }));
    json!({
        "companions": companions,
        "provisioning": {
            "serviceAccounts": [
                {"namespace": "flux-system", "name": "kustomize-controller"},
                {"namespace": "12", "name": "a.b-c"},
            ],
            "notOrdering": [
                {"kind": "User", "name": "it's a robot"},
                {"kind": "Group", "name": "back\\slash\\'"},
                {"kind": "User", "name": "# \"<é&😀>\" \u{202e}\u{2028}${1} %s %!d(x)"},
                {"kind": "Group", "name": "true"},
            ],
        },
        "exempt": {"namespaces": ["1e3", "kube-system", "null"]},
    })
}

fn places() -> [(&'static str, Value); 2] {
    [
        ("by Service", json!({})),
        (
            "by URL on the nodes",
            json!({
                "hostNetwork": true,
                "ports": {"webhook": 10443, "admin": 10080},
                "webhook": {"url": "https://bindguard.example.com:10443/"},
            }),
        ),
    ]
}

/// Values that have little to do with each other.
fn singles() -> impl Iterator<Item = (&'static str, Value)> {
    [
        ("many labels", json!({
            "commonLabels": {"team": "platform", "app.kubernetes.io/part-of": "other"},
            "commonAnnotations": {"note": "x: y"},
            "podLabels": {"app.kubernetes.io/component": "other", "pod": "1"},
            "podAnnotations": {"numbers": "12"},
        })),
        ("where Pods run", json!({
            "nodeSelector": {"node-role.kubernetes.io/control-plane": ""},
            "tolerations": [{"key": "node-role.kubernetes.io/control-plane", "operator": "Exists", "effect": "NoSchedule"}],
            "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
                {"matchExpressions": [{"key": "kubernetes.io/os", "operator": "In", "values": ["linux"]}]}
            ]}}},
            "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "rack", "whenUnsatisfiable": "DoNotSchedule"}],
            "priorityClassName": "system-cluster-critical",
            "imagePullSecrets": [{"name": "registry"}],
        })),
        ("one of each", json!({"replicaCount": 1, "controller": {"replicaCount": 1}})),
        ("an image by digest", json!({"image": {
            "repository": "registry.example.com:5000/team/bindguard",
            "digest": "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
            "pullPolicy": "Always",
        }})),
        ("an image by tag", json!({"image": {"tag": "1"}})),
        ("without what can be left out", json!({
            "networkPolicy": {"enabled": false},
            "readerClusterRole": {"create": false},
            "startupCheck": {"enabled": false},
        })),
        ("all that can be added", json!({
            "reports": {"enabled": true},
            "podMonitor": {"enabled": true, "labels": {"release": "prometheus"}, "interval": "1m"},
            "prometheusRule": {"enabled": true, "labels": {"release": "prometheus"}, "runbook": "https://example.com/alerts"},
            "dashboard": {"enabled": true, "annotations": {"grafana_folder": "Kubernetes"}},
            "networkPolicy": {"apiServerPorts": [16443], "metricsFrom": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}]},
            "clientCA": {"configMap": "callers", "key": "client-ca.crt"},
        })),
        ("a Service for callers from outside", json!({
            "service": {"type": "LoadBalancer", "nodePort": 30443, "annotations": {"example.com/internal": "true"}},
            "webhook": {"url": "https://10.0.0.5"},
        })),
        ("further names in the certificate", json!({
            "certificates": {"selfManaged": {"dnsNames": ["a.example.com", "10.0.0.6"]}},
            "webhook": {"url": "https://[2001:db8::1]:8443"},
        })),
        ("an issuer of one's own", json!({"certificates": {
            "mode": "cert-manager",
            "certManager": {"issuerRef": {"name": "corporate", "kind": "ClusterIssuer", "group": "cert-manager.io"}},
        }, "webhook": {"url": "https://10.0.0.5:8443"}})),
        ("provided, trusted by another's hand", json!({"certificates": {
            "mode": "provided", "provided": {"secretName": "web.tls"}, "verifyCABundle": false,
        }})),
        ("fails open", json!({"failurePolicy": "Ignore", "timeoutSeconds": 3})),
        ("alerts of one's own choice", json!({
            "prometheusRule": {"enabled": true, "without": ["BindguardManyDenials"]},
            "dashboard": {"enabled": true, "labels": {"grafana_dashboard": null, "dashboards": "yes"}},
            "policy": {"provisioning": {"mode": "Disabled"}},
        })),
        ("logs for people", json!({"logFormat": "text", "logLevel": "info,kube=warn", "lingerSeconds": 0, "settleMilliseconds": 0})),
        ("no limits", json!({"resources": {"limits": null}, "controller": {"resources": {"requests": {"cpu": 1}}}})),
        ("its own namespace exempt", json!({"policy": {"exempt": {"namespaces": ["bindguard"]}}})),
    ]
    .into_iter()
}

/// Lays one set of values over another, as Helm does.
fn merge(under: &mut Value, over: &Value) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) => {
            for (key, value) in over {
                merge(under.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (under, over) => *under = over.clone(),
    }
}

#[test]
fn the_matrix_has_more_than_forty_combinations() {
    assert!(cases().len() > 40, "{}", cases().len());
}
