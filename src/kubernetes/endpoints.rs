//! Who answers for a Service.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use k8s_openapi::api::discovery::v1::{Endpoint, EndpointPort, EndpointSlice};
use kube::api::ListParams;
use kube::{Api, Client};

/// The names of the port that the API server calls, if a Service has several.
const PORT_NAMES: [&str; 2] = ["https", "webhook"];

/// Where the endpoints of a Service are that may get calls, by its `EndpointSlices`. Takes the
/// right to `list` them in the namespace.
///
/// # Errors
///
/// If the API server cannot be asked, or refuses.
pub async fn serving(
    client: &Client,
    namespace: &str,
    service: &str,
) -> kube::Result<BTreeSet<SocketAddr>> {
    let selector = format!("kubernetes.io/service-name={service}");
    let api: Api<EndpointSlice> = Api::namespaced(client.clone(), namespace);
    let slices = api.list(&ListParams::default().labels(&selector)).await?;
    Ok(slices.items.iter().flat_map(addresses).collect())
}

fn addresses(slice: &EndpointSlice) -> Vec<SocketAddr> {
    let Some(port) = webhook_port(slice.ports.as_deref().unwrap_or_default()) else {
        return Vec::new();
    };
    let addresses = slice
        .endpoints
        .iter()
        .flatten()
        .filter(|endpoint| may_get_calls(endpoint))
        .flat_map(|endpoint| &endpoint.addresses);
    addresses
        .filter_map(|address| address.parse::<IpAddr>().ok())
        .map(|address| SocketAddr::new(address, port))
        .collect()
}

/// The port of the webhook: the one that is called so, else the only one.
fn webhook_port(ports: &[EndpointPort]) -> Option<u16> {
    let is_named = |port: &&EndpointPort| {
        let name = port.name.as_deref().unwrap_or_default();
        PORT_NAMES.contains(&name)
    };
    let port = ports.iter().find(is_named).or_else(|| ports.first())?;
    u16::try_from(port.port?).ok()
}

/// A pod that is about to end gets calls as long as it serves. Conditions that are absent hold.
fn may_get_calls(endpoint: &Endpoint) -> bool {
    endpoint.conditions.as_ref().is_none_or(|conditions| {
        conditions.ready.unwrap_or(true) || conditions.serving.unwrap_or(false)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::addresses;

    fn found(ports: &Value, endpoints: &Value) -> Vec<String> {
        let slice = json!({"addressType": "IPv4", "ports": ports, "endpoints": endpoints});
        let slice = serde_json::from_value(slice).unwrap();
        addresses(&slice).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn whoever_may_get_calls_counts() {
        let ports = json!([{"name": "", "port": 8443}]);
        let endpoint = |address: &str, conditions: Value| json!({"addresses": [address], "conditions": conditions});
        let endpoints = json!([
            endpoint("10.0.0.1", json!({})),
            endpoint("10.0.0.2", json!({"ready": true})),
            endpoint("10.0.0.3", json!({"ready": false, "serving": false})),
            endpoint("10.0.0.4", json!({"ready": false, "serving": true, "terminating": true})),
            endpoint("10.0.0.5", json!({"ready": false})),
            {"addresses": ["fd00::6"]},
        ]);
        let expected = [
            "10.0.0.1:8443",
            "10.0.0.2:8443",
            "10.0.0.4:8443",
            "[fd00::6]:8443",
        ];
        assert_eq!(found(&ports, &endpoints), expected);
    }

    #[test]
    fn of_several_ports_it_is_the_one_that_is_called_so() {
        let endpoints = json!([{"addresses": ["10.0.0.1"]}]);
        let ports = json!([{"name": "metrics", "port": 8080}, {"name": "https", "port": 8443}]);
        assert_eq!(found(&ports, &endpoints), ["10.0.0.1:8443"]);
        assert!(found(&json!([]), &endpoints).is_empty());
        assert!(found(&json!(null), &endpoints).is_empty());
    }
}
