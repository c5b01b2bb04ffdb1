//! The nodes, and which Pod goes to which.

use std::time::Duration;

use jiff::Timestamp;
use kube::Client;
use kube::api::{Api, DynamicObject, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::pod::{post, words};
use crate::support::FROM_PODS;

/// Three, so that Pods which want to be apart are.
const NODES: [&str; 3] = ["node-a", "node-b", "node-c"];
/// The controller manager takes a node for dead after 50 seconds.
const HEARTBEAT: Duration = Duration::from_secs(5);
const LEASES: &str = "kube-node-lease";

/// Makes the nodes, ready for Pods.
pub(super) async fn register(client: &Client) -> Result<(), String> {
    for name in NODES {
        let node = json!({
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {
                "name": name,
                "labels": {
                    "kubernetes.io/hostname": name,
                    "kubernetes.io/os": "linux",
                    "topology.kubernetes.io/zone": name,
                },
            },
        });
        let nodes = api(client, "", "Node", None);
        apply(&nodes, name, &node, false).await?;
        let now = Timestamp::now().to_string();
        let status = json!({
            "apiVersion": "v1",
            "kind": "Node",
            "status": {
                "addresses": [{"type": "InternalIP", "address": FROM_PODS}],
                "allocatable": {"cpu": "8", "memory": "32Gi", "pods": "200"},
                "capacity": {"cpu": "8", "memory": "32Gi", "pods": "200"},
                "conditions": [{
                    "type": "Ready", "status": "True", "reason": "KubeletReady",
                    "message": "a kubelet for tests", "lastHeartbeatTime": now,
                    "lastTransitionTime": now,
                }],
                "nodeInfo": {
                    "architecture": "amd64", "bootID": "", "containerRuntimeVersion": "",
                    "kernelVersion": "", "kubeProxyVersion": "", "kubeletVersion": "v1.37.2",
                    "machineID": "", "operatingSystem": "linux", "osImage": "", "systemUUID": "",
                },
            },
        });
        apply(&nodes, name, &status, true).await?;
    }
    Ok(())
}

/// Tells that the nodes live, for as long as this future does.
pub(super) async fn renew(client: Client) {
    loop {
        for name in NODES {
            let now = Timestamp::now();
            let lease = json!({
                "apiVersion": "coordination.k8s.io/v1",
                "kind": "Lease",
                "metadata": {"name": name},
                "spec": {
                    "holderIdentity": name,
                    "leaseDurationSeconds": 40,
                    "renewTime": format!("{now:.6}"),
                },
            });
            let leases = api(&client, "coordination.k8s.io", "Lease", Some(LEASES));
            // Not before the namespace is there, nor while the API server is away.
            let _ = apply(&leases, name, &lease, false).await;
        }
        sleep(HEARTBEAT).await;
    }
}

/// Binds each Pod that has no node to the one with the fewest of its kind.
pub(super) async fn bind_all(client: &Client, mut pods: Vec<Value>) -> Result<(), String> {
    for position in 0..pods.len() {
        let pod = &pods[position];
        if pod["spec"]["nodeName"].is_null() && pod["metadata"]["deletionTimestamp"].is_null() {
            let node = emptiest(pod, &pods);
            bind(client, pod, node).await?;
            pods[position]["spec"]["nodeName"] = node.into();
        }
    }
    Ok(())
}

fn emptiest(pod: &Value, pods: &[Value]) -> &'static str {
    let labels = own_labels(pod);
    let alike = |node: &str| {
        let there = pods
            .iter()
            .filter(|other| other["spec"]["nodeName"] == node);
        there.filter(|other| own_labels(other) == labels).count()
    };
    let node = NODES.into_iter().min_by_key(|node| alike(node));
    node.expect("there are nodes")
}

/// The labels of a Pod but for those that the API server copies from its node when it is bound.
///
/// Source: the admission plugin `PodTopologyLabels`, KEP-4742.
fn own_labels(pod: &Value) -> Vec<(&String, &Value)> {
    let labels = pod["metadata"]["labels"].as_object();
    let labels = labels.into_iter().flatten();
    labels
        .filter(|(key, _)| !key.starts_with("topology.kubernetes.io/"))
        .collect()
}

async fn bind(client: &Client, pod: &Value, node: &str) -> Result<(), String> {
    let (namespace, name) = (
        words(&pod["metadata"]["namespace"]),
        words(&pod["metadata"]["name"]),
    );
    let path = format!("/api/v1/namespaces/{namespace}/pods/{name}/binding");
    let binding = json!({
        "apiVersion": "v1",
        "kind": "Binding",
        "metadata": {"name": name, "namespace": namespace},
        "target": {"apiVersion": "v1", "kind": "Node", "name": node},
    });
    match post(client, &path, &binding).await {
        Ok(_) => Ok(()),
        // It was deleted, or is bound already.
        Err(kube::Error::Api(status)) if [404, 409].contains(&status.code) => Ok(()),
        Err(kube::Error::Api(status)) => Err(format!("cannot bind {name}: {}", status.message)),
        Err(_away) => Ok(()),
    }
}

fn api(client: &Client, group: &str, kind: &str, namespace: Option<&str>) -> Api<DynamicObject> {
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, "v1", kind));
    match namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    }
}

async fn apply(
    api: &Api<DynamicObject>,
    name: &str,
    object: &Value,
    is_status: bool,
) -> Result<(), String> {
    let (parameters, patch) = (PatchParams::apply("kubelet").force(), Patch::Apply(object));
    let done = if is_status {
        api.patch_status(name, &parameters, &patch).await
    } else {
        api.patch(name, &parameters, &patch).await
    };
    done.map(drop).map_err(|error| format!("{name}: {error}"))
}
