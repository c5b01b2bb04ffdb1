use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhookConfiguration, ValidatingWebhookConfiguration,
};
use serde_json::{Value, json};

use super::super::authority::Authority;
use super::{TrustingWebhook, webhooks, wrong};
use k8s_openapi::ByteString;

fn authority() -> Authority {
    Authority::make(Timestamp::UNIX_EPOCH, Duration::from_hours(1)).unwrap()
}

fn webhook(name: &str, client_config: &Value) -> Value {
    json!({
        "name": name, "clientConfig": client_config,
        "admissionReviewVersions": ["v1"], "sideEffects": "None",
    })
}

fn ours(all: &Value) -> Vec<TrustingWebhook> {
    let configuration = json!({"metadata": {"name": "bindguard"}, "webhooks": all});
    let read: ValidatingWebhookConfiguration =
        serde_json::from_value(configuration.clone()).unwrap();
    let mutating: MutatingWebhookConfiguration = serde_json::from_value(configuration).unwrap();
    assert_eq!(webhooks(&read), webhooks(&mutating));
    webhooks(&read)
}

#[test]
fn only_webhooks_of_ours_count_each_by_its_place_and_host() {
    let service = json!({"service": {"namespace": "n", "name": "s"}});
    let found = ours(&json!([
        webhook("validate.bindguard.dev", &service),
        webhook(
            "validate.example.com",
            &json!({"url": "https://example.com/x"})
        ),
        webhook(
            "a.bindguard.dev",
            &json!({"url": "https://10.0.0.1:8443/validate"})
        ),
        webhook(
            "b.bindguard.dev",
            &json!({"url": "https://[fd00::1]:8443/validate"})
        ),
        webhook("c.bindguard.dev", &json!({})),
    ]));
    let found: Vec<_> = found
        .iter()
        .map(|webhook| (webhook.place, webhook.name.as_str(), webhook.host.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            (0, "validate.bindguard.dev", "s.n.svc"),
            (2, "a.bindguard.dev", "10.0.0.1"),
            (3, "b.bindguard.dev", "fd00::1"),
            (4, "c.bindguard.dev", ""),
        ]
    );
}

#[test]
fn a_bundle_is_right_when_it_holds_all_that_is_wanted_and_nothing_else() {
    let (one, two, foreign) = (authority(), authority(), authority());
    let [one, two, foreign] = [&one, &two, &foreign].map(Authority::certificate);
    let with = |bundle: String| {
        let bundle = json!(ByteString(bundle.into_bytes()));
        let found = ours(&json!([webhook(
            "a.bindguard.dev",
            &json!({"caBundle": bundle})
        )]));
        wrong(&found, &[one, two]).is_empty()
    };
    let (one, two, foreign) = (one.pem(), two.pem(), foreign.pem());
    assert!(with(format!("{one}{two}")));
    assert!(with(format!("# in another order\n{two}\n\n{one}")));
    assert!(!with(String::new()));
    assert!(!with(one.to_owned()));
    assert!(!with(format!("{one}{two}{foreign}")));
    assert!(!with(format!(
        "{one}{two}-----BEGIN CERTIFICATE-----\nbroken"
    )));
    let absent = ours(&json!([webhook("a.bindguard.dev", &json!({}))]));
    assert_eq!(absent[0].bundle, b"");
}
