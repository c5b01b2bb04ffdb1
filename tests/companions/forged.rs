//! What no order comes of, in numbers: reviews that somebody posts, what `/mutate` answers to them,
//! dry runs, and requests that are refused later.

use std::time::Duration;

use bindguard::kubernetes::client::{ClientOptions, connect};
use futures::stream::{StreamExt as _, iter};
use http::Request;
use k8s_openapi::ByteString;
use k8s_openapi::api::rbac::v1::RoleBinding;
use kube::api::{Api, PostParams};
use kube::{Client, Config};
use serde_json::{Value, json};

use crate::crew::{Crew, PROVISION, asking, binding_of, crew};
use crate::support::{ADMIN, User, eventually};
use crate::world::{both, ordered, role_binding, user};

const FORGED: usize = 1_000;
const DRY_RUNS: usize = 1_000;
const REFUSED: usize = 200;
const AT_A_TIME: usize = 8;
/// How long one waits for what must not come.
const NEVER: Duration = Duration::from_secs(4);

#[test]
fn forgeries_dry_runs_and_refused_requests_make_nothing() {
    let crew = crew();
    let namespace = crew.plane.namespace();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let object = |kind: &str, number: usize| {
        let name = format!("{kind}-{number}");
        asking(binding_of(&name, role_binding(&namespace, &name)))
    };
    let create = |who: User, objects: Vec<Value>, dry_run: bool| {
        let client = runtime.block_on(client_of(&crew, who));
        let api: Api<RoleBinding> = Api::namespaced(client, &namespace);
        runtime.block_on(create_all(&api, objects, dry_run))
    };

    let dry = (0..DRY_RUNS).map(|number| object("dry", number)).collect();
    let done = create(both(), dry, true);
    assert_eq!(done.iter().filter(|done| done.is_ok()).count(), DRY_RUNS);

    // RBAC looks only after `/mutate` has answered: boris may not bind this role.
    let refused = (0..REFUSED).map(|number| {
        let mut object = object("refused", number);
        object["roleRef"]["name"] = json!("spectro-vm-admin");
        object
    });
    for answer in create(both(), refused.collect(), false) {
        let refusal = answer.expect_err("RBAC refuses it");
        assert!(
            refusal.contains("attempting to grant RBAC permissions"),
            "{refusal}"
        );
    }

    // So does whoever admits after it.
    veto(&crew, &object("vetoed", REFUSED));
    let vetoed = (0..REFUSED)
        .map(|number| object("vetoed", number))
        .collect();
    for answer in create(both(), vetoed, false) {
        let refusal = answer.expect_err("it is vetoed");
        assert!(refusal.contains("'veto.example.com'"), "{refusal}");
    }

    let orders = runtime.block_on(forge(&crew, &namespace, &object));
    assert_eq!(orders.len(), FORGED);
    // Nobody but the guard is in the way of those who replay them.
    for kind in ["mutating", "validating"] {
        let kind = format!("{kind}webhookconfiguration");
        crew.plane
            .kubectl(ADMIN, &["delete", &kind, "bindguard"])
            .expect_success();
    }
    std::thread::sleep(Duration::from_secs(2));
    let replayed = orders.iter().enumerate().map(|(number, order)| {
        let mut object = ordered(object("forged", number), order, "admin");
        object["metadata"]["annotations"][PROVISION] = json!("true");
        object
    });
    for answer in create(user("norman", &[]), replayed.collect(), false) {
        let refusal = answer.expect_err("the guard refuses it");
        assert!(
            refusal.contains("ValidatingAdmissionPolicy 'orders.bindguard.dev'"),
            "{refusal}"
        );
    }

    std::thread::sleep(NEVER);
    let stored = crew.get(&["rolebindings", "--namespace", &namespace]);
    assert_eq!(stored["items"], json!([]));
    let made = crew.get(&[
        "clusterrolebindings",
        "--selector=app.kubernetes.io/part-of=bindguard",
    ]);
    let made = made["items"].as_array().expect("a list").iter();
    let names = made.filter_map(|binding| binding["subjects"][0]["name"].as_str());
    let ours: Vec<&str> = names
        .filter(|name| {
            ["dry-", "refused-", "vetoed-", "forged-"]
                .iter()
                .any(|kind| name.starts_with(kind))
        })
        .collect();
    assert_eq!(ours, [""; 0]);
}

/// Has bindings refused whose names begin with `vetoed-`, and waits until such a one is.
fn veto(crew: &Crew, probe: &Value) {
    let of = |kind: &str, spec: Value| {
        json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind,
            "metadata": {"name": "veto.example.com"}, "spec": spec})
    };
    let policy = json!({
        "matchConstraints": {"resourceRules": [{
            "apiGroups": ["rbac.authorization.k8s.io"], "apiVersions": ["v1"],
            "operations": ["CREATE"], "resources": ["rolebindings"],
        }]},
        "validations": [{"expression": "!object.metadata.name.startsWith('vetoed-')"}],
    });
    let binding = json!({"policyName": "veto.example.com", "validationActions": ["Deny"]});
    let list = json!({"apiVersion": "v1", "kind": "List", "items": [
        of("ValidatingAdmissionPolicy", policy),
        of("ValidatingAdmissionPolicyBinding", binding),
    ]});
    crew.plane.apply(ADMIN, &list.to_string()).expect_success();
    let vetoed = eventually(NEVER * 5, || {
        let output = crew.create_with(both(), &["--dry-run=server"], probe);
        output.stderr.contains("'veto.example.com'").then_some(())
    });
    assert!(vetoed.is_some());
}

async fn client_of(crew: &Crew, who: User) -> Client {
    let options = ClientOptions {
        kubeconfig: Some(crew.plane.kubeconfig(who)),
        ..ClientOptions::default()
    };
    connect(&options).await.expect("a client")
}

/// What became of each, in words if it was refused.
async fn create_all(
    api: &Api<RoleBinding>,
    objects: Vec<Value>,
    dry_run: bool,
) -> Vec<Result<(), String>> {
    let parameters = PostParams {
        dry_run,
        ..PostParams::default()
    };
    let creations = objects.into_iter().map(|object| {
        let (api, parameters) = (api.clone(), parameters.clone());
        async move {
            let object: RoleBinding = serde_json::from_value(object).expect("a binding");
            let created = api.create(&parameters, &object).await;
            created.map(drop).map_err(|error| error.to_string())
        }
    });
    iter(creations).buffer_unordered(AT_A_TIME).collect().await
}

/// Posts reviews to the port, as an administrator who sent none, and gives the orders that are
/// answered.
async fn forge(
    crew: &Crew,
    namespace: &str,
    object: &impl Fn(&str, usize) -> Value,
) -> Vec<String> {
    let client = port_client(crew);
    let posts = (0..FORGED).map(|number| {
        let (client, object) = (client.clone(), object("forged", number));
        async move {
            let review = review(namespace, &object).to_string();
            // Denials wait for their confirmation, and so these are fewer.
            if number % 50 == 0 {
                let answer = post(&client, "/validate", &review).await;
                assert_eq!(answer["response"]["allowed"], false);
            }
            let answer = post(&client, "/mutate", &review).await;
            let patch: ByteString =
                serde_json::from_value(answer["response"]["patch"].clone()).expect("a patch");
            let patch: Value = serde_json::from_slice(&patch.0).expect("JSON");
            patch[0]["value"].as_str().expect("an order").to_owned()
        }
    });
    iter(posts).buffer_unordered(AT_A_TIME).collect().await
}

async fn post(client: &Client, path: &str, review: &str) -> Value {
    let request = Request::post(path)
        .header("content-type", "application/json")
        .body(review.as_bytes().to_vec())
        .expect("a request");
    client.request(request).await.expect("an answer")
}

fn review(namespace: &str, object: &Value) -> Value {
    json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": object["metadata"]["name"],
            "kind": {"group": "rbac.authorization.k8s.io", "version": "v1", "kind": "RoleBinding"},
            "resource": {"group": "rbac.authorization.k8s.io", "version": "v1", "resource": "rolebindings"},
            "operation": "CREATE", "namespace": namespace, "name": object["metadata"]["name"],
            "dryRun": false,
            "userInfo": {"username": "admin", "groups": ["system:masters"]},
            "object": object,
        },
    })
}

/// Talks to the webhook port itself.
fn port_client(crew: &Crew) -> Client {
    let mut config = Config::new(crew.bindguard.url().parse().expect("a URL"));
    let authority = std::fs::read(crew.bindguard.authority_file()).expect("an authority");
    let authority = pem::parse(authority).expect("PEM").into_contents();
    config.root_cert = Some(vec![authority]);
    Client::try_from(config).expect("a client")
}
