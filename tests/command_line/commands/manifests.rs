use serde_json::Value;

use crate::pems::good;
use crate::sandbox::Sandbox;

const URL: [&str; 5] = [
    "manifests",
    "--url",
    "https://10.0.0.5:8443/",
    "--ca",
    "ca.pem",
];

/// The documents of a YAML text.
fn documents(text: &str) -> Vec<Value> {
    text.split("---\n")
        .filter(|document| !document.is_empty())
        .map(|document| serde_saphyr::from_str(document).unwrap())
        .collect()
}

fn webhooks(documents: &[Value]) -> Vec<&Value> {
    documents
        .iter()
        .filter_map(|document| document["webhooks"].as_array())
        .flatten()
        .collect()
}

/// RFC 4648, section 4.
fn to_base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = (0..3).fold(0_u32, |bits, index| {
            bits << 8 | u32::from(chunk.get(index).copied().unwrap_or(0))
        });
        for position in 0..4 {
            let digit = ALPHABET[(bits >> (18 - 6 * position) & 63) as usize];
            text.push(if position <= chunk.len() {
                digit.into()
            } else {
                '='
            });
        }
    }
    text
}

/// Kind and name of each document.
fn names(documents: &[Value]) -> Vec<(&str, &str)> {
    documents
        .iter()
        .map(|document| {
            let name = document["metadata"]["name"].as_str();
            (document["kind"].as_str().unwrap(), name.unwrap())
        })
        .collect()
}

#[test]
fn webhook_configurations_and_guards_come_out_as_yaml() {
    let sandbox = Sandbox::new();
    sandbox.write("ca.pem", good().certificate);
    let documents = documents(&sandbox.run(&URL).expect_success());
    let policy = "ValidatingAdmissionPolicy";
    let binding = "ValidatingAdmissionPolicyBinding";
    assert_eq!(
        names(&documents),
        [
            ("ValidatingWebhookConfiguration", "bindguard"),
            ("MutatingWebhookConfiguration", "bindguard"),
            (policy, "orders.bindguard.dev"),
            (binding, "orders.bindguard.dev"),
            (policy, "companions.bindguard.dev"),
            (binding, "companions.bindguard.dev"),
            (policy, "webhooks.bindguard.dev"),
            (binding, "webhooks.bindguard.dev"),
            (policy, "trust.bindguard.dev"),
            (binding, "trust.bindguard.dev"),
        ]
    );
    for document in &documents {
        assert_eq!(document["apiVersion"], "admissionregistration.k8s.io/v1");
    }
}

#[test]
fn where_nobody_orders_there_is_neither_a_guard_of_orders_nor_a_webhook_that_patches() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "policy.yaml",
        "apiVersion: bindguard.dev/v1alpha1\nkind: BindingPolicy\nspec:\n  \
         provisioning: {mode: Disabled}\n",
    );
    let service = ["manifests", "--service", "a/b", "--policy", "policy.yaml"];
    let documents = documents(&sandbox.run(&service).expect_success());
    let names: Vec<&str> = names(&documents)
        .into_iter()
        .map(|(_, name)| name)
        .collect();
    assert_eq!(
        names,
        [
            "bindguard",
            "companions.bindguard.dev",
            "companions.bindguard.dev",
            "webhooks.bindguard.dev",
            "webhooks.bindguard.dev",
            "trust.bindguard.dev",
            "trust.bindguard.dev"
        ]
    );
}

#[test]
fn the_controller_that_is_confined_may_have_another_name() {
    let sandbox = Sandbox::new();
    let service = ["manifests", "--service", "a/b"];
    for (controller, expected) in [
        (None, "system:serviceaccount:bindguard:bindguard-controller"),
        (Some("ours/control"), "system:serviceaccount:ours:control"),
    ] {
        let mut arguments = service.to_vec();
        arguments.extend(
            controller
                .map(|name| ["--controller", name])
                .iter()
                .flatten(),
        );
        let text = sandbox.run(&arguments).expect_success();
        let expected = format!("request.userInfo.username == '{expected}'");
        assert_eq!(text.matches(&expected).count(), 3, "{text}");
    }
}

#[test]
fn the_configurations_may_have_another_name_which_the_guard_knows() {
    let sandbox = Sandbox::new();
    for (more, expected) in [
        (&[][..], "bindguard"),
        (&["--webhook-configuration", "ours.guard"][..], "ours.guard"),
    ] {
        let arguments = [&["manifests", "--service", "a/b"][..], more].concat();
        let text = sandbox.run(&arguments).expect_success();
        let names = names(&documents(&text))
            .into_iter()
            .filter(|(kind, _)| kind.ends_with("WebhookConfiguration"))
            .map(|(_, name)| name.to_owned())
            .collect::<Vec<_>>();
        assert_eq!(names, [expected, expected]);
        let known = format!("object.metadata.name == '{expected}'");
        assert_eq!(text.matches(&known).count(), 2, "{text}");
    }
}

#[test]
fn only_where_the_controller_keeps_the_ca_bundle_is_everybody_else_held_off() {
    let sandbox = Sandbox::new();
    sandbox.write("ca.pem", good().certificate);
    let (service, ca) = (["manifests", "--service", "a/b"], ["--ca", "ca.pem"]);
    let who = |who: &'static str| ["--certificates", who];
    for (more, is_controller) in [
        (vec![], true),
        (ca.to_vec(), false),
        (who("self-managed").to_vec(), true),
        (who("external").to_vec(), false),
        ([ca, who("self-managed")].concat(), true),
        ([ca, who("external")].concat(), false),
    ] {
        let arguments = [&service[..], &more].concat();
        let text = sandbox.run(&arguments).expect_success();
        let guard = documents(&text).into_iter().find(|document| {
            document["kind"] == "ValidatingAdmissionPolicy"
                && document["metadata"]["name"] == "trust.bindguard.dev"
        });
        let guard = guard.expect("a guard of trust");
        let validations = guard["spec"]["validations"].as_array().unwrap();
        assert_eq!(
            validations.len(),
            1 + usize::from(is_controller),
            "{more:?}"
        );
    }
}

#[test]
fn by_url_the_api_server_is_told_each_path_and_the_ca_of_the_file() {
    let sandbox = Sandbox::new();
    let ca = good().certificate;
    sandbox.write("ca.pem", &ca);
    let documents = documents(&sandbox.run(&URL).expect_success());
    let mut urls = vec![];
    for webhook in webhooks(&documents) {
        let client = &webhook["clientConfig"];
        assert_eq!(client["caBundle"], to_base64(ca.as_bytes()));
        assert_eq!(client.get("service"), None);
        urls.push(client["url"].as_str().unwrap());
    }
    assert_eq!(
        urls,
        [
            "https://10.0.0.5:8443/validate",
            "https://10.0.0.5:8443/validate",
            "https://10.0.0.5:8443/mutate"
        ]
    );
}

#[test]
fn by_service_the_ca_may_be_left_to_somebody_else() {
    let sandbox = Sandbox::new();
    sandbox.write("ca.pem", good().certificate);
    let service = ["manifests", "--service", "bindguard/webhook"];
    let without = documents(&sandbox.run(&service).expect_success());
    let mut paths = vec![];
    for webhook in webhooks(&without) {
        let client = &webhook["clientConfig"];
        assert_eq!(client.get("url"), None);
        assert_eq!(client.get("caBundle"), None);
        assert_eq!(client["service"]["namespace"], "bindguard");
        assert_eq!(client["service"]["name"], "webhook");
        paths.push(client["service"]["path"].as_str().unwrap());
    }
    assert_eq!(paths, ["/validate", "/validate", "/mutate"]);

    let arguments = [&service[..], &["--ca", "ca.pem"]].concat();
    let with = documents(&sandbox.run(&arguments).expect_success());
    for webhook in webhooks(&with) {
        assert!(webhook["clientConfig"]["caBundle"].is_string());
    }
}

#[test]
fn a_url_may_name_any_host_that_a_certificate_can() {
    let sandbox = Sandbox::new();
    sandbox.write("ca.pem", good().certificate);
    for (url, expected) in [
        (
            "https://webhook.example.com",
            "https://webhook.example.com/validate",
        ),
        ("https://localhost:8443", "https://localhost:8443/validate"),
        ("https://[fd00::1]:8443/", "https://[fd00::1]:8443/validate"),
        ("https://[::1]", "https://[::1]/validate"),
        ("https://10.0.0.5", "https://10.0.0.5/validate"),
    ] {
        let arguments = ["manifests", "--url", url, "--ca", "ca.pem"];
        let text = sandbox.run(&arguments).expect_success();
        let documents = documents(&text);
        assert_eq!(webhooks(&documents)[0]["clientConfig"]["url"], expected);
    }
}

#[test]
fn the_configurations_follow_the_policy() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "policy.yaml",
        "apiVersion: bindguard.dev/v1alpha1\nkind: BindingPolicy\nspec:\n  personas:\n  \
         - {name: vm, clusterRoles: [a-role-of-ours]}\n  exempt: {namespaces: [a-namespace]}\n",
    );
    let service = ["manifests", "--service", "bindguard/webhook"];
    let built_in = sandbox.run(&service).expect_success();
    assert!(built_in.contains("spectro-vm-user") && built_in.contains("kube-system"));
    let arguments = [&service[..], &["--policy", "policy.yaml"]].concat();
    let ours = sandbox.run(&arguments).expect_success();
    for (word, expected) in [
        ("a-role-of-ours", true),
        ("a-namespace", true),
        ("spectro-vm-user", false),
        ("kube-system", false),
    ] {
        assert_eq!(ours.contains(word), expected, "{word}\n{ours}");
    }
}

#[test]
fn a_bundle_of_two_authorities_is_passed_on_whole() {
    let sandbox = Sandbox::new();
    let bundle = format!("# old\n{}# new\n{}", good().certificate, good().certificate);
    sandbox.write("ca.pem", &bundle);
    let documents = documents(&sandbox.run(&URL).expect_success());
    let expected = to_base64(bundle.as_bytes());
    assert_eq!(
        webhooks(&documents)[0]["clientConfig"]["caBundle"],
        expected
    );
}
