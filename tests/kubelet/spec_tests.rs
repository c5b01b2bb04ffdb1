//! What is honoured of a Pod's spec, and what is refused.

use std::time::Duration;

use serde_json::{Value, json};

use super::spec::Spec;

/// What the API server makes of a small Pod.
fn pod() -> Value {
    json!({
        "containers": [{
            "name": "a", "image": "bindguard:1", "resources": {},
            "ports": [{"name": "admin", "containerPort": 8080}],
            "readinessProbe": {
                "httpGet": {"path": "/readyz", "port": "admin", "scheme": "HTTP"},
                "timeoutSeconds": 2, "periodSeconds": 3, "successThreshold": 1,
                "failureThreshold": 4,
            },
        }],
        "enableServiceLinks": false, "restartPolicy": "Always", "securityContext": {},
        "terminationGracePeriodSeconds": 40, "hostNetwork": null,
    })
}

#[test]
fn what_is_known_is_read() {
    let spec = Spec::read(&pod()).unwrap();
    assert_eq!(spec.grace, Duration::from_secs(40));
    let probe = spec.container.readiness.unwrap();
    assert_eq!((probe.port, probe.failures), (8080, 4));
}

#[test]
fn what_is_not_known_is_an_error_that_names_it() {
    for (path, value, says) in [
        ("/hostNetwork", json!(true), "hostNetwork"),
        ("/nodeSelector", json!({"a": "b"}), "nodeSelector"),
        ("/initContainers", json!([{"name": "b"}]), "initContainers"),
        ("/enableServiceLinks", json!(true), "enableServiceLinks"),
        ("/restartPolicy", json!("Sometimes"), "Sometimes"),
        (
            "/securityContext/sysctls",
            json!([{"name": "x"}]),
            "sysctls",
        ),
        (
            "/containers/0/envFrom",
            json!([{"configMapRef": {"name": "x"}}]),
            "envFrom",
        ),
        ("/containers/0/image", json!("busybox"), "busybox"),
        (
            "/containers/0/lifecycle",
            json!({"preStop": {"exec": {"command": ["x"]}}}),
            "exec",
        ),
        (
            "/containers/0/volumeMounts",
            json!([{"name": "x", "subPath": "y"}]),
            "subPath",
        ),
        (
            "/containers/0/readinessProbe/exec",
            json!({"command": ["x"]}),
            "exec",
        ),
        (
            "/containers/0/readinessProbe/httpGet/scheme",
            json!("HTTPS"),
            "only HTTP",
        ),
        (
            "/containers/0/securityContext",
            json!({"privileged": true}),
            "privileged",
        ),
        (
            "/containers/1",
            json!({"name": "b", "image": "bindguard:1"}),
            "containers must be one",
        ),
    ] {
        let mut pod = pod();
        let (parent, field) = path.rsplit_once('/').unwrap();
        let parent = pod.pointer_mut(parent).unwrap();
        match parent {
            Value::Array(items) => items.push(value),
            parent => parent[field] = value,
        }
        let error = Spec::read(&pod).unwrap_err();
        assert!(error.contains(says), "{path}: {error}");
    }
}
