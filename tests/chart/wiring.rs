//! Whether the objects fit together: selectors, ports, volumes, names, hooks.

use serde_json::{Value, json};

use crate::chart::{Rendering, arguments, at, workloads};
use crate::matrix::cases;

fn selects(selector: &Value, workload: &Value) -> bool {
    let labels = at(workload, "/spec/template/metadata/labels");
    let selector = selector.as_object().unwrap();
    assert_eq!(selector.len(), 3);
    selector.iter().all(|(key, value)| labels[key] == *value)
}

#[test]
fn every_selector_takes_the_pods_of_one_deployment_and_no_job() {
    for case in cases() {
        let rendering = &case.rendering;
        let mut selectors = vec![(
            "bindguard",
            at(rendering.object("Service", "bindguard"), "/spec/selector"),
        )];
        for (kind, path) in [
            ("Deployment", "/spec/selector/matchLabels"),
            ("PodDisruptionBudget", "/spec/selector/matchLabels"),
            ("NetworkPolicy", "/spec/podSelector/matchLabels"),
        ] {
            for object in rendering.of_kind(kind) {
                if object["metadata"]["name"] == "bindguard-hooks" {
                    continue;
                }
                selectors.push((
                    object["metadata"]["name"].as_str().unwrap(),
                    at(object, path),
                ));
            }
        }
        for deployment in rendering.of_kind("Deployment") {
            let name = deployment["metadata"]["name"].as_str().unwrap();
            let spread = at(deployment, "/spec/template/spec/topologySpreadConstraints");
            for constraint in spread.as_array().unwrap() {
                selectors.push((name, at(constraint, "/labelSelector/matchLabels")));
            }
        }
        assert!(selectors.len() >= 7, "{}", case.name);
        for (name, selector) in selectors {
            for workload in workloads(rendering) {
                let is_it =
                    workload["kind"] == "Deployment" && workload["metadata"]["name"] == name;
                assert_eq!(
                    selects(selector, workload),
                    is_it,
                    "{}: {selector}",
                    case.name
                );
            }
        }
    }
}

#[test]
fn the_restricted_level_is_asked_for_in_full() {
    for case in cases() {
        for workload in workloads(&case.rendering) {
            let pod = at(workload, "/spec/template/spec");
            assert_eq!(
                pod["securityContext"],
                json!({"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}})
            );
            assert_eq!(pod["containers"].as_array().unwrap().len(), 1);
            assert_eq!(
                pod["containers"][0]["securityContext"],
                json!({
                    "allowPrivilegeEscalation": false,
                    "readOnlyRootFilesystem": true,
                    "capabilities": {"drop": ["ALL"]},
                })
            );
            assert_eq!(pod["enableServiceLinks"], false);
        }
    }
}

#[test]
fn every_port_and_volume_that_is_used_is_there() {
    for case in cases() {
        for workload in workloads(&case.rendering) {
            let pod = at(workload, "/spec/template/spec");
            let container = &pod["containers"][0];
            let named = |list: &Value| -> Vec<String> {
                let items = list
                    .as_array()
                    .map(Vec::as_slice)
                    .unwrap_or_default()
                    .iter();
                items
                    .map(|item| item["name"].as_str().unwrap().to_owned())
                    .collect()
            };
            let (volumes, mounts) = (named(&pod["volumes"]), named(&container["volumeMounts"]));
            assert_eq!(volumes, mounts, "{}", case.name);
            let ports = named(&container["ports"]);
            for probe in ["livenessProbe", "readinessProbe"] {
                if let Some(probe) = container.get(probe) {
                    assert!(ports.contains(&probe["httpGet"]["port"].as_str().unwrap().to_owned()));
                }
            }
            for argument in arguments(workload) {
                let Some((_, file)) = argument.split_once("=/etc/") else {
                    continue;
                };
                let folder = format!("/etc/{}", file.split('/').next().unwrap());
                let mounts = container["volumeMounts"].as_array().unwrap();
                assert!(
                    mounts.iter().any(|mount| mount["mountPath"] == folder),
                    "{argument}"
                );
            }
        }
    }
}

fn port_of(deployment: &Value, name: &str) -> Value {
    let ports = at(deployment, "/spec/template/spec/containers/0/ports");
    let mut ports = ports.as_array().unwrap().iter();
    ports.find(|port| port["name"] == name).unwrap()["containerPort"].clone()
}

#[test]
fn ports_are_the_same_in_arguments_containers_and_network_policies() {
    for case in cases() {
        let rendering = &case.rendering;
        let (serve, controller) = (
            rendering.object("Deployment", "bindguard"),
            rendering.object("Deployment", "bindguard-controller"),
        );
        let (webhook, admin) = (port_of(serve, "webhook"), port_of(serve, "admin"));
        for flag in [
            format!("--listen=:{webhook}"),
            format!("--admin-listen=:{admin}"),
        ] {
            assert!(
                arguments(serve).contains(&flag.as_str()),
                "{}: {flag}",
                case.name
            );
        }
        let flag = format!("--admin-listen=:{}", port_of(controller, "admin"));
        assert!(arguments(controller).contains(&flag.as_str()));
        let service = rendering.object("Service", "bindguard");
        assert_eq!(*at(service, "/spec/ports/0/port"), 443);
        assert_eq!(*at(service, "/spec/ports/0/targetPort"), "webhook");
        if rendering.of_kind("NetworkPolicy").is_empty() {
            continue;
        }
        let policy = rendering.object("NetworkPolicy", "bindguard");
        assert_eq!(*at(policy, "/spec/ingress/0/ports/0/port"), webhook);
        assert!(
            at(policy, "/spec/ingress/0").get("from").is_none(),
            "the API server has no label"
        );
        assert_eq!(*at(policy, "/spec/ingress/1/ports/0/port"), admin);
        let policy = rendering.object("NetworkPolicy", "bindguard-controller");
        assert_eq!(policy["spec"]["ingress"].as_array().unwrap().len(), 1);
        assert_eq!(
            *at(policy, "/spec/ingress/0/ports/0/port"),
            port_of(controller, "admin")
        );
        assert_eq!(*at(policy, "/spec/egress/2/ports/0/port"), webhook);
        let hooks = rendering.object("NetworkPolicy", "bindguard-hooks");
        let components = at(hooks, "/spec/podSelector/matchExpressions/0/values");
        assert_eq!(*components, json!(["verify", "unregister"]));
        assert!(at(hooks, "/spec").get("ingress").is_none());
        let serve = rendering.object("NetworkPolicy", "bindguard");
        assert_eq!(at(hooks, "/spec/egress"), at(serve, "/spec/egress"));
    }
}

#[test]
fn pods_that_end_serve_on_and_are_not_killed_before_they_are_done() {
    for case in cases() {
        let serve = case.rendering.object("Deployment", "bindguard");
        // The program is gone within 30 s, however long it lingers.
        assert!(at(serve, "/spec/template/spec/terminationGracePeriodSeconds").as_u64() > Some(30));
        let linger = case
            .values
            .get("lingerSeconds")
            .unwrap_or(&json!(15))
            .clone();
        assert!(arguments(serve).contains(&format!("--linger={linger}s").as_str()));
    }
}

#[test]
fn a_rollout_takes_no_pod_away_before_another_is_ready_unless_they_hold_ports_of_the_node() {
    let strategy = |values: Value| {
        let rendering = Rendering::of(&values);
        let serve = rendering.object("Deployment", "bindguard");
        at(serve, "/spec/strategy/rollingUpdate").clone()
    };
    assert_eq!(
        strategy(json!({})),
        json!({"maxUnavailable": 0, "maxSurge": 1})
    );
    assert_eq!(
        strategy(json!({"hostNetwork": true})),
        json!({"maxUnavailable": 1, "maxSurge": 0})
    );
}

#[test]
fn pods_on_the_network_of_their_node_still_find_services() {
    let dns = |values: Value| {
        let rendering = Rendering::of(&values);
        let pod = at(
            rendering.object("Deployment", "bindguard"),
            "/spec/template/spec",
        )
        .clone();
        (
            pod.get("hostNetwork").cloned(),
            pod.get("dnsPolicy").cloned(),
        )
    };
    assert_eq!(dns(json!({})), (None, None));
    let with_host = Some(json!("ClusterFirstWithHostNet"));
    assert_eq!(
        dns(json!({"hostNetwork": true})),
        (Some(json!(true)), with_host)
    );
    let own = json!({"hostNetwork": true, "dnsPolicy": "Default"});
    assert_eq!(dns(own), (Some(json!(true)), Some(json!("Default"))));
    let rendering = Rendering::of(&json!({"hostNetwork": true}));
    let controller = rendering.object("Deployment", "bindguard-controller");
    assert!(
        at(controller, "/spec/template/spec")
            .get("hostNetwork")
            .is_none()
    );
}

#[test]
fn the_certificate_of_the_controller_is_for_the_host_of_the_url() {
    for (url, names) in [
        ("", vec!["a.example.com"]),
        (
            "https://guard.example.com:8443",
            vec!["guard.example.com", "a.example.com"],
        ),
        (
            "https://[2001:db8::1]:8443/",
            vec!["2001:db8::1", "a.example.com"],
        ),
        ("https://a.example.com", vec!["a.example.com"]),
    ] {
        let values = json!({
            "webhook": {"url": url},
            "certificates": {"selfManaged": {"dnsNames": ["a.example.com"]}},
        });
        let rendering = Rendering::of(&values);
        let controller = rendering.object("Deployment", "bindguard-controller");
        let given: Vec<&str> = arguments(controller)
            .into_iter()
            .filter_map(|argument| argument.strip_prefix("--dns-name="))
            .collect();
        assert_eq!(given, names, "{url}");
    }
}

#[test]
fn what_looks_at_the_ca_bundle_is_there_wherever_it_must_be() {
    for case in cases() {
        let verifies = arguments(case.rendering.object("Deployment", "bindguard"))
            .contains(&"--verify-ca-bundle");
        let is_off = case.values.pointer("/certificates/verifyCABundle") == Some(&json!(false));
        assert_eq!(verifies, !is_off, "{}", case.name);
    }
    let off = json!({"certificates": {"verifyCABundle": false}});
    let rendering = Rendering::of(&off);
    let managed = rendering.object("Deployment", "bindguard");
    assert!(
        arguments(managed).contains(&"--verify-ca-bundle"),
        "self-managed always"
    );
}

#[test]
fn only_self_managed_certificates_bring_secrets_and_these_are_empty() {
    for case in cases() {
        let secrets = case.rendering.of_kind("Secret");
        let is_managed = case.values.pointer("/certificates/mode").is_none();
        assert_eq!(
            secrets.len(),
            if is_managed { 2 } else { 0 },
            "{}",
            case.name
        );
        for secret in secrets {
            for field in ["data", "stringData", "type"] {
                assert!(secret.get(field).is_none(), "{}", case.name);
            }
        }
        let controller = case.rendering.object("Deployment", "bindguard-controller");
        let mode = if is_managed {
            "self-managed"
        } else {
            "external"
        };
        let flag = format!("--certificates={mode}");
        assert!(
            arguments(controller).contains(&flag.as_str()),
            "{}",
            case.name
        );
    }
}

#[test]
fn nothing_of_the_chart_is_a_persona_binding_so_that_it_installs_while_bindguard_is_down() {
    for case in cases() {
        let policy: Value = serde_saphyr::from_str(case.rendering.policy()).unwrap();
        let personas = policy["spec"]["personas"].as_array().unwrap().iter();
        let roles: Vec<&Value> = personas
            .flat_map(|persona| persona["clusterRoles"].as_array().unwrap())
            .collect();
        for kind in ["RoleBinding", "ClusterRoleBinding"] {
            for binding in case.rendering.of_kind(kind) {
                assert!(
                    !roles.contains(&&binding["roleRef"]["name"]),
                    "{}",
                    case.name
                );
            }
        }
    }
}
