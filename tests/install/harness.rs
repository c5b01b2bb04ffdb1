//! The kubelet of these tests does what one does, and nothing silently that it cannot do.

use std::time::Duration;

use serde_json::json;

use crate::release::is_warned;
use crate::support::{ADMIN, fresh_folder, http_get_at};
use crate::world::world;

/// A server with a certificate of its own, a policy from a ConfigMap, and a token to read with.
const MANIFESTS: &str = include_str!("stand_in.yaml");

const LIMIT: Duration = Duration::from_mins(1);

#[test]
fn a_pod_is_a_process_with_an_address_a_token_and_volumes_that_follow() {
    let world = world();
    let namespace = world.plane.namespace();
    let manifests = MANIFESTS.replace("NAMESPACE", &namespace);
    world.plane.apply(ADMIN, &manifests).expect_success();
    let wait = ["wait", "--for=condition=Available", "deployment/stand-in"];
    let wait = [&wait[..], &["--timeout=50s", "--namespace", &namespace]].concat();
    let waited = world.plane.kubectl(ADMIN, &wait);
    world.kubelet.check();
    assert!(
        waited.succeeded(),
        "{waited}\n{}",
        world.kubelet.logs(&namespace)
    );

    let pods = world.kubelet.running(&namespace);
    assert_eq!(pods.len(), 2, "{pods:?}");
    assert_ne!(pods[0].address, pods[1].address);
    let nodes = world.get(&["pods", "--namespace", &namespace]);
    assert_ne!(
        nodes["items"][0]["spec"]["nodeName"], nodes["items"][1]["spec"]["nodeName"],
        "{nodes}"
    );
    // Each has its own, at the same port, and the Service lists both.
    for pod in &pods {
        let ready = http_get_at(&pod.address, 8080, "/readyz");
        assert!(matches!(ready, Ok((200, _))), "{ready:?}");
        assert!(pod.stderr().contains("stand-in"), "{}", pod.stderr());
    }
    let slices = world.get(&["endpointslices", "--namespace", &namespace]);
    let endpoints = slices["items"][0]["endpoints"].as_array().unwrap();
    assert_eq!(endpoints.len(), 2);
    assert!(
        endpoints
            .iter()
            .all(|one| one["conditions"]["ready"] == true)
    );

    // A ConfigMap that changes changes in the Pod.
    let patch = json!({"data": {"policy.yaml": MANIFESTS_POLICY.replace("stand-in", "changed")}});
    let patch = format!("--patch={patch}");
    let args = ["patch", "configmap", "policy", "--type=merge", &patch];
    let args = [&args[..], &["--namespace", &namespace]].concat();
    world.plane.kubectl(ADMIN, &args).expect_success();
    world.until(&namespace, "the changed policy", LIMIT, || {
        pods.iter()
            .all(|pod| pod.stderr().contains("changed"))
            .then_some(())
    });

    // One that crashes is started again, in the same place.
    let crashed = &pods[0];
    crate::support::send_signal("KILL", &crashed.process.to_string());
    world.until(&namespace, "the restart", LIMIT, || {
        let now = world.kubelet.running(&namespace);
        let again = now.iter().find(|pod| pod.name == crashed.name)?;
        let is_new = again.process != crashed.process && again.address == crashed.address;
        let status = world.get(&["pod", &crashed.name, "--namespace", &namespace]);
        let container = &status["status"]["containerStatuses"][0];
        (is_new && container["restartCount"] == 1 && container["ready"] == true).then_some(())
    });

    let delete = ["delete", "namespace", &namespace, "--timeout=50s"];
    world.plane.kubectl(ADMIN, &delete).expect_success();
    assert!(world.kubelet.running(&namespace).is_empty());
    assert!(http_get_at(&pods[1].address, 8080, "/readyz").is_err());
}

/// The policy in the manifests.
const MANIFESTS_POLICY: &str = "apiVersion: bindguard.dev/v1alpha1
kind: BindingPolicy
metadata: {name: stand-in}
spec: {}
";

/// A Deployment of nothing, whose Pods the restricted level would refuse.
const REFUSED: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: refused}
spec:
  replicas: 0
  selector: {matchLabels: {app: refused}}
  template:
    metadata: {labels: {app: refused}}
    spec: {hostNetwork: true, containers: [{name: a, image: bindguard}]}
";

#[test]
fn a_warning_of_the_api_server_that_helm_passes_on_is_noticed() {
    let world = world();
    let namespace = world.plane.namespace();
    let level = "pod-security.kubernetes.io/warn=restricted";
    let label = ["label", "namespace", &namespace, level];
    world.plane.kubectl(ADMIN, &label).expect_success();
    let chart = fresh_folder("chart");
    std::fs::create_dir(chart.join("templates")).expect("a chart can be written");
    let write = |file: &str, text: &str| {
        std::fs::write(chart.join(file), text).expect("a chart can be written");
    };
    let about = "apiVersion: v2\nname: refused\nversion: 0.1.0\n";
    write("Chart.yaml", about);
    write("templates/refused.yaml", REFUSED);
    let chart = chart.display().to_string();
    let args = ["install", "refused", &chart, "--namespace", &namespace];
    let output = world.plane.helm(ADMIN, &args);
    assert!(output.succeeded(), "{output}");
    assert!(is_warned(&output), "{output}");
    world
        .plane
        .kubectl(ADMIN, &["delete", "namespace", &namespace, "--wait=false"])
        .expect_success();
}
