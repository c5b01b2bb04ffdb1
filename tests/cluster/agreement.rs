//! `check`, `scan` and the webhook on the same generated bindings: all three say the same.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use bindguard::kubernetes::client::{ClientOptions, connect};
use futures::{StreamExt, stream};
use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject, PostParams};
use serde_json::Value;

use crate::commands::{bindguard, code};
use crate::lab::policy_file;
use crate::objects::{
    NAMESPACES, TEMPLATES, account, account_here, cluster_role_binding, file, group, namespace,
    role_binding, user,
};
use crate::random::{Random, setting};
use crate::stage::{furnish, serve};
use crate::support::{ADMIN, ControlPlane, fresh_folder};

/// How many calls are under way at once.
const AT_ONCE: usize = 24;
/// The bindings are spread over so many namespaces, of which one is exempt.
const HOMES: usize = 12;

/// Everything that can differ from one persona to another.
const POLICY: &str = "
companions:
- {clusterRole: spectro-list-namespaces, impliedBy: [cluster-admin]}
- {clusterRole: spectro-list-vmtemplates}
personas:
- {name: vm, clusterRoles: [spectro-vm-admin, spectro-vm-user], subjectKinds: [User, Group, ServiceAccount]}
- {name: light, clusterRoles: [spectro-vm-viewer], subjectKinds: [User, Group], companions: [spectro-list-vmtemplates]}
- {name: kubernetes, clusterRoles: [cluster-admin, view], subjectKinds: [User, Group]}
exempt:
  namespaces: [home-0]
  subjects: [{kind: User, name: exempt}, {kind: Group, name: 'system:masters'}]
";

/// Who lacks what: pairs of a subject and a companion.
type Gaps = BTreeSet<(String, String)>;

/// A persona binding of a case, and the companion bindings that come with it.
struct Case {
    binding: Value,
    holdings: Vec<Value>,
}

fn home(random: &mut Random) -> String {
    format!("home-{}", random.below(HOMES))
}

/// Few names, so that one case's companions cover another's subjects.
fn subject(random: &mut Random, number: u64) -> Value {
    let near = number - number % 3;
    match random.below(10) {
        0 => account_here("bot"),
        1 => account(&home(random), &format!("bot-{near}")),
        2 => user(&format!(
            "system:serviceaccount:{}:bot-{near}",
            home(random)
        )),
        3 => group(&format!("system:serviceaccounts:{}", home(random))),
        4 => group(&format!("devs-{near}")),
        5 => user("exempt"),
        6 => user(&format!("User-{near}")),
        _ => user(&format!("user-{near}")),
    }
}

fn subjects(random: &mut Random, number: u64) -> Vec<Value> {
    (0..random.within(0..4))
        .map(|_| subject(random, number))
        .collect()
}

/// The subjects of a ClusterRoleBinding, which is in no namespace.
fn anywhere(mut subjects: Vec<Value>) -> Vec<Value> {
    for one in &mut subjects {
        if one["kind"] == "ServiceAccount" && one.get("namespace").is_none() {
            one["namespace"] = "home-1".into();
        }
    }
    subjects
}

fn case(number: u64) -> Case {
    let random = &mut Random::of(setting("AGREE_SEED", 5), number);
    let role = random.pick(&[
        "spectro-vm-admin",
        "spectro-vm-user",
        "spectro-vm-viewer",
        "view",
        "cluster-admin",
        "system:node",
    ]);
    let name = format!("case-{number}");
    let named = subjects(random, number);
    let binding = if random.one_in(3) {
        cluster_role_binding(&name, role, anywhere(named.clone()))
    } else {
        role_binding(&home(random), &name, role, named.clone())
    };
    let holdings = (0..random.within(0..3))
        .map(|which| {
            let mut held = subjects(random, number);
            if random.one_in(2) {
                held.extend(named.clone());
            }
            let role = random.pick(&[NAMESPACES, TEMPLATES, TEMPLATES, "cluster-admin"]);
            let name = format!("case-{number}-holds-{which}");
            if random.one_in(6) {
                role_binding(&home(random), &name, role, held)
            } else {
                cluster_role_binding(&name, role, anywhere(held))
            }
        })
        .collect();
    Case { binding, holdings }
}

fn key(binding: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let metadata = &binding["metadata"];
    format!(
        "{}/{}/{}",
        text(&binding["kind"]),
        text(&metadata["namespace"]),
        text(&metadata["name"])
    )
}

/// By binding, what a report of `check` or `scan` finds missing.
fn reported(report: &Value) -> BTreeMap<String, Gaps> {
    let mut found: BTreeMap<String, Gaps> = BTreeMap::new();
    for finding in report["findings"].as_array().expect("findings are a list") {
        if finding["reason"] != "missingCompanions" {
            continue;
        }
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (binding, who) = (&finding["binding"], &finding["subject"]);
        let key = format!(
            "{}/{}/{}",
            text(&binding["kind"]),
            text(&binding["namespace"]),
            text(&binding["name"])
        );
        let namespace = who["namespace"].as_str().map(|name| format!("{name}/"));
        let who = format!(
            "{} {}{}",
            text(&who["kind"]),
            namespace.unwrap_or_default(),
            text(&who["name"])
        );
        let missing = finding["missing"]
            .as_array()
            .expect("companions are a list");
        let pairs = missing.iter().map(|one| (who.clone(), text(one)));
        found.entry(key).or_default().extend(pairs);
    }
    found
}

/// What the text of a denial says is missing. All subjects of a case fit into one.
fn denied(message: &str) -> Gaps {
    let lines = message
        .lines()
        .filter_map(|line| line.strip_prefix("  ")?.split_once(" lacks "));
    lines
        .flat_map(|(who, companions)| {
            companions
                .split(", ")
                .map(move |one| (who.to_owned(), one.to_owned()))
        })
        .collect()
}

async fn post(
    client: &Client,
    object: &Value,
    parameters: &PostParams,
) -> kube::Result<DynamicObject> {
    let kind = object["kind"].as_str().expect("an object has a kind");
    let (group, version, plural) = match kind {
        "Namespace" => ("", "v1", "namespaces"),
        "RoleBinding" => ("rbac.authorization.k8s.io", "v1", "rolebindings"),
        _ => ("rbac.authorization.k8s.io", "v1", "clusterrolebindings"),
    };
    let resource = ApiResource {
        group: group.to_owned(),
        version: version.to_owned(),
        api_version: object["apiVersion"]
            .as_str()
            .expect("and a version")
            .to_owned(),
        kind: kind.to_owned(),
        plural: plural.to_owned(),
    };
    let api: Api<DynamicObject> = match object["metadata"]["namespace"].as_str() {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    };
    let object = serde_json::from_value(object.clone()).expect("it has the form of an object");
    api.create(parameters, &object).await
}

/// What the API server refuses, by binding, when all of them are created in a dry run.
async fn refused(client: &Client, cases: &[Case]) -> BTreeMap<String, Gaps> {
    let parameters = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    let answers = cases.iter().map(|case| {
        let mut again = case.binding.clone();
        again["metadata"]["name"] =
            format!("{}-again", again["metadata"]["name"].as_str().unwrap()).into();
        let parameters = &parameters;
        async move {
            match post(client, &again, parameters).await {
                Ok(_) => None,
                Err(kube::Error::Api(status)) if status.code == 403 => {
                    Some((key(&case.binding), denied(&status.message)))
                }
                Err(error) => panic!("{}: {error}", key(&case.binding)),
            }
        }
    });
    let refused: Vec<_> = stream::iter(answers)
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    refused.into_iter().flatten().collect()
}

async fn create_all(client: &Client, objects: &[Value]) {
    let parameters = PostParams::default();
    let made = objects.iter().map(async |object| {
        let made = post(client, object, &parameters).await;
        made.unwrap_or_else(|error| panic!("{error}: {object}"));
    });
    stream::iter(made)
        .buffer_unordered(AT_ONCE)
        .collect::<()>()
        .await;
}

fn report(kubeconfig: &Path, args: &[&str], policy: &str) -> BTreeMap<String, Gaps> {
    let args = [args, &["-o", "json", "--policy", policy]].concat();
    let output = bindguard(kubeconfig, &args);
    assert_eq!(code(&output), Some(1), "{}", output.stderr);
    reported(&serde_json::from_str(&output.stdout).expect("a report is JSON"))
}

#[test]
fn check_scan_and_the_webhook_say_the_same_of_every_binding() {
    let cases: Vec<Case> = (0..setting("AGREE_CASES", 500)).map(case).collect();
    let plane = ControlPlane::start(&[]);
    let own = furnish(&plane);
    let admin = plane.kubeconfig(ADMIN);
    let policy = policy_file(POLICY);
    let shown = policy.display().to_string();

    let mut world: Vec<Value> = vec![
        // Kubernetes' own groups: a namespace's accounts, and all accounts for one companion.
        cluster_role_binding(
            "accounts-of-2",
            NAMESPACES,
            [group("system:serviceaccounts:home-2")],
        ),
        cluster_role_binding("accounts", TEMPLATES, [group("system:serviceaccounts")]),
    ];
    world.extend(
        cases
            .iter()
            .flat_map(|case| [&case.binding].into_iter().chain(&case.holdings))
            .cloned(),
    );
    let homes: Vec<Value> = (0..HOMES)
        .map(|number| namespace(&format!("home-{number}")))
        .collect();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let client = runtime.block_on(async {
        let options = ClientOptions {
            kubeconfig: Some(admin.clone()),
            ..ClientOptions::default()
        };
        let client = connect(&options).await.expect("the plane's own kubeconfig");
        create_all(&client, &homes).await;
        create_all(&client, &world).await;
        client
    });

    let manifests = fresh_folder("manifests").join("all.json");
    fs::write(&manifests, file(&world)).unwrap();
    let checked = report(
        &admin,
        &["check", "-f", &manifests.display().to_string()],
        &shown,
    );
    let scanned = report(&admin, &["scan"], &shown);
    let bindguard = serve(own).policy(&policy).start();
    let _registration = bindguard.register(&plane);
    let refused = runtime.block_on(refused(&client, &cases));

    let none = Gaps::new();
    for case in &cases {
        let key = key(&case.binding);
        let of = |all: &'_ BTreeMap<String, Gaps>| all.get(&key).unwrap_or(&none).clone();
        let told = (of(&checked), of(&scanned), of(&refused));
        assert!(
            told.0 == told.1 && told.1 == told.2,
            "{key}: check, scan and the webhook: {told:#?}\n{}\n{:#?}",
            case.binding,
            case.holdings
        );
    }
    let (all, wrong) = (cases.len(), refused.len());
    eprintln!("{wrong} of {all} bindings lack something");
    assert!(
        wrong * 5 > all && wrong * 5 < all * 4,
        "{wrong} of {all} prove little"
    );
    let known: BTreeSet<String> = cases.iter().map(|case| key(&case.binding)).collect();
    let others: Vec<&String> = checked.keys().filter(|key| !known.contains(*key)).collect();
    // Companion bindings to cluster-admin, which is a persona, are judged by both reports alike.
    for key in others {
        assert_eq!(checked.get(key), scanned.get(key), "{key}");
    }
}
