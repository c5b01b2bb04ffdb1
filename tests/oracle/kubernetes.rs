//! Whether the rule counts somebody as covered exactly when a real API server lets them through.

use std::collections::BTreeMap;

use bindguard::domain::companion_set::CompanionSet;
use bindguard::domain::holdings::lacking;
use bindguard::domain::identity::Identity;
use bindguard::domain::policy::{Companion, Policy};
use serde_json::{Value, json};

use crate::rule;
use crate::support::{ADMIN, ControlPlane};
use crate::world::RBAC;

const COMPANION: &str = "companion";
/// Somebody who is in a group; no holding is theirs.
const MEMBER: &str = "a member";

/// Subjects as a binding names them: kind, name, namespace.
const SUBJECTS: [(&str, &str, &str); 24] = [
    ("User", "alice", ""),
    ("User", "Alice", ""),
    ("User", "Team Blue", ""),
    ("User", "e\u{301}", ""),
    ("User", "\u{e9}", ""),
    ("User", "*", ""),
    ("User", "devs", ""),
    ("User", "system:anonymous", ""),
    ("User", "system:authenticated", ""),
    ("User", "system:serviceaccount:ci", ""),
    ("User", "system:serviceaccount:ci:bot", ""),
    ("User", "system:serviceaccounts:ci", ""),
    ("Group", "devs", ""),
    ("Group", "Devs", ""),
    ("Group", "alice", ""),
    ("Group", "system:authenticated", ""),
    ("Group", "system:unauthenticated", ""),
    ("Group", "system:serviceaccounts", ""),
    ("Group", "system:serviceaccounts:ci", ""),
    ("Group", "system:serviceaccounts:dev", ""),
    ("Group", "system:serviceaccount:ci:bot", ""),
    ("ServiceAccount", "bot", "ci"),
    ("ServiceAccount", "bot", "dev"),
    ("ServiceAccount", "other", "ci"),
];

fn subject((kind, name, namespace): (&str, &str, &str)) -> Value {
    match kind {
        "ServiceAccount" => json!({"kind": kind, "name": name, "namespace": namespace}),
        _ => json!({"kind": kind, "apiGroup": RBAC, "name": name}),
    }
}

fn binding(role: &str, holder: (&str, &str, &str)) -> Value {
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": role},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": role},
        "subjects": [subject(holder)],
    })
}

fn identity(
    (kind, name, namespace): (&'static str, &'static str, &'static str),
) -> Identity<'static> {
    match kind {
        "User" => Identity::user(name),
        "Group" => Identity::group(name),
        _ => Identity::ServiceAccount { namespace, name },
    }
}

/// The user that a subject means, or a member of the group that it means, with the groups that
/// Kubernetes puts them in.
fn bearer((kind, name, namespace): (&str, &str, &str)) -> (String, Vec<String>) {
    let authenticated = "system:authenticated".to_owned();
    let account = |namespace: &str, name: &str| {
        let user = format!("system:serviceaccount:{namespace}:{name}");
        let own = format!("system:serviceaccounts:{namespace}");
        let groups = vec![
            "system:serviceaccounts".to_owned(),
            own,
            authenticated.clone(),
        ];
        (user, groups)
    };
    match (kind, name) {
        ("ServiceAccount", _) => account(namespace, name),
        ("User", "system:serviceaccount:ci:bot") => account("ci", "bot"),
        ("User", "system:anonymous") | ("Group", "system:unauthenticated") => {
            let groups = vec!["system:unauthenticated".to_owned()];
            ("system:anonymous".to_owned(), groups)
        }
        ("Group", "system:serviceaccounts:ci" | "system:serviceaccounts:dev") => {
            let all = "system:serviceaccounts".to_owned();
            (MEMBER.to_owned(), vec![name.to_owned(), all, authenticated])
        }
        ("Group", _) => (MEMBER.to_owned(), vec![name.to_owned(), authenticated]),
        _ => (name.to_owned(), vec![authenticated]),
    }
}

/// Where the rule is stricter on purpose: it says nothing of those two, who stand for nobody in
/// particular, beyond their very names.
fn stricter(subject: (&str, &str, &str), holder: (&str, &str, &str)) -> bool {
    let nobody = [
        ("User", "system:anonymous", ""),
        ("Group", "system:unauthenticated", ""),
    ];
    subject != holder && nobody.contains(&subject) && nobody.contains(&holder)
}

#[tokio::test]
async fn who_is_covered_is_who_the_api_server_lets_through() {
    let plane = tokio::task::spawn_blocking(ControlPlane::shared)
        .await
        .unwrap();
    let policy = Policy {
        companions: vec![Companion {
            cluster_role: COMPANION.to_owned(),
            implied_by: vec![],
        }],
        ..Policy::built_in()
    };
    let mut objects = vec![];
    for (number, holder) in SUBJECTS.into_iter().enumerate() {
        let role = format!("held-{number}");
        objects.push(json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": {"name": role},
            "rules": [{"apiGroups": ["test"], "resources": [role], "verbs": ["list"]}],
        }));
        objects.push(binding(&role, holder));
    }
    let list = json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string();
    let created = plane.kubectl_stdin(ADMIN, &["create", "-f", "-"], &list);
    created.expect_success();

    let client = client(plane).await;
    wait_for_authorizer(&client).await;
    let mut asked = BTreeMap::from([("yes", 0), ("no", 0)]);
    for (number, holder) in SUBJECTS.into_iter().enumerate() {
        let held = binding(COMPANION, holder);
        let index = rule::index(&policy, &[held]);
        for subject in SUBJECTS {
            let allowed = may(&client, subject, number).await;
            let needed = CompanionSet::of(0);
            let covered = lacking(&policy, &index, identity(subject), needed).is_empty();
            let expected = allowed && !stricter(subject, holder);
            assert_eq!(covered, expected, "{subject:?} where {holder:?} holds it");
            *asked.get_mut(if allowed { "yes" } else { "no" }).unwrap() += 1;
        }
    }
    eprintln!("{asked:?}");
    assert!(asked.values().sum::<usize>() >= 500 && asked["yes"] > 50);
}

async fn client(plane: &ControlPlane) -> kube::Client {
    use kube::config::{KubeConfigOptions, Kubeconfig};
    let file = Kubeconfig::read_from(plane.kubeconfig(ADMIN)).expect("a kubeconfig");
    let options = KubeConfigOptions::default();
    let config = kube::Config::from_custom_kubeconfig(file, &options).await;
    let config = config.expect("a usable kubeconfig");
    kube::Client::try_from(config).expect("a client")
}

/// The authorizer learns of bindings by a watch of its own, in the order of their creation.
async fn wait_for_authorizer(client: &kube::Client) {
    let last = SUBJECTS.len() - 1;
    for _ in 0..200 {
        if may(client, SUBJECTS[last], last).await {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the authorizer does not know the bindings");
}

/// Whether the bearer of a subject may do what only the holder with this number was bound to.
async fn may(client: &kube::Client, subject: (&str, &str, &str), holder: usize) -> bool {
    let (user, groups) = bearer(subject);
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {
            "user": user,
            "groups": groups,
            "resourceAttributes": {
                "group": "test", "resource": format!("held-{holder}"), "verb": "list",
            },
        },
    });
    let request = http::Request::post("/apis/authorization.k8s.io/v1/subjectaccessreviews")
        .header("content-type", "application/json")
        .body(review.to_string().into_bytes())
        .unwrap();
    let answer: Value = client.request(request).await.expect("an answer");
    answer["status"]["allowed"].as_bool().expect("yes or no")
}
