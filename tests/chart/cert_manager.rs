//! The manifests in `certs/` are those of the chart.

use serde_json::{Value, json};

use crate::chart::{Rendering, at, documents};
use crate::kept;

fn rendered(values: &Value) -> Rendering {
    let mut all = json!({"certificates": {"mode": "cert-manager"}});
    for (key, value) in values.as_object().unwrap() {
        all[key] = value.clone();
    }
    Rendering::of(&all)
}

fn objects(rendering: &Rendering) -> Vec<Value> {
    let all = rendering.objects.iter();
    let ours = all.filter(|object| object["apiVersion"] == "cert-manager.io/v1");
    let mut ours: Vec<Value> = ours.cloned().collect();
    for object in &mut ours {
        object["metadata"].as_object_mut().unwrap().remove("labels");
    }
    sorted(ours)
}

fn sorted(mut objects: Vec<Value>) -> Vec<Value> {
    objects.sort_by_key(|object| format!("{} {}", object["kind"], object["metadata"]["name"]));
    objects
}

#[test]
fn the_manifests_without_helm_are_those_of_the_chart() {
    let manifests = sorted(documents(&kept::read("certs/cert-manager.yaml")));
    assert_eq!(manifests, objects(&rendered(&json!({}))));
    assert_eq!(manifests.len(), 4);
}

#[test]
fn the_certificate_is_for_every_name_that_the_api_server_calls() {
    let certificate = |url: &str| {
        let rendering = rendered(&json!({"webhook": {"url": url}}));
        rendering.object("Certificate", "bindguard")["spec"].clone()
    };
    let own = json!([
        "bindguard.bindguard.svc",
        "bindguard.bindguard.svc.cluster.local"
    ]);
    assert_eq!(certificate("")["dnsNames"], own);
    let by_name = certificate("https://guard.example.com:8443");
    assert_eq!(by_name["dnsNames"][2], "guard.example.com");
    assert!(by_name.get("ipAddresses").is_none());
    for (url, address) in [
        ("https://10.0.0.5:8443", "10.0.0.5"),
        ("https://[2001:db8::1]:8443", "2001:db8::1"),
    ] {
        let by_address = certificate(url);
        assert_eq!(by_address["ipAddresses"], json!([address]));
        assert_eq!(by_address["dnsNames"], own);
    }
}

#[test]
fn the_chain_is_complete_from_the_webhook_to_the_key_that_signs() {
    let rendering = rendered(&json!({}));
    let configuration = rendering.object("ValidatingWebhookConfiguration", "bindguard");
    let annotation = at(
        configuration,
        "/metadata/annotations/cert-manager.io~1inject-ca-from",
    );
    assert_eq!(*annotation, "bindguard/bindguard");
    let certificate = rendering.object("Certificate", "bindguard");
    let issuer = at(certificate, "/spec/issuerRef/name").as_str().unwrap();
    let signer = at(rendering.object("Issuer", issuer), "/spec/ca/secretName");
    let authority = rendering.object("Certificate", "bindguard-ca");
    assert_eq!(at(authority, "/spec/secretName"), signer);
    assert_eq!(*at(authority, "/spec/isCA"), true);
    let root = at(authority, "/spec/issuerRef/name").as_str().unwrap();
    at(rendering.object("Issuer", root), "/spec/selfSigned");

    let served = at(certificate, "/spec/secretName").as_str().unwrap();
    let flag = format!("--tls-secret={served}");
    let serve = rendering.object("Deployment", "bindguard");
    assert!(crate::chart::arguments(serve).contains(&flag.as_str()));
    assert!(rendering.of_kind("Secret").is_empty());
}

#[test]
fn an_issuer_of_ones_own_takes_the_place_of_the_chart_s() {
    let issuer = json!({"name": "corporate", "kind": "ClusterIssuer"});
    let rendering = Rendering::of(&json!({"certificates": {
        "mode": "cert-manager", "certManager": {"issuerRef": issuer},
    }}));
    assert_eq!(objects(&rendering).len(), 1);
    assert_eq!(
        rendering.object("Certificate", "bindguard")["spec"]["issuerRef"],
        issuer
    );
}
