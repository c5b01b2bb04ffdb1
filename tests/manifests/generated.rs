//! Sets of manifests as nobody writes them, and policies that judge them.

use bindguard::domain::identity::Identity;
use bindguard::domain::policy::{Policy, UmbrellaGroups};
use bindguard::domain::remedy::binding_name;
use serde_json::{Value, json};

use super::random::Random;

const RBAC: &str = "rbac.authorization.k8s.io";
const COMPANIONS: [&str; 2] = ["spectro-list-namespaces", "spectro-list-vmtemplates"];
const PERSONAS: [&str; 4] = [
    "spectro-vm-user",
    "spectro-vm-admin",
    "view",
    "cluster-admin",
];
const OTHERS: [&str; 2] = ["system:node", "reader"];
const USERS: [&str; 7] = [
    "alice",
    "bob@example.com",
    "system:serviceaccount:dev:bot",
    "system:anonymous",
    "Team: \"Blue\"\n# é漢\u{202e}",
    "on",
    "12",
];
const GROUPS: [&str; 6] = [
    "devs",
    "system:authenticated",
    "system:serviceaccounts",
    "system:serviceaccounts:dev",
    "system:unauthenticated",
    "system:masters",
];
const NAMESPACES: [&str; 3] = ["dev", "prod", "kube-system"];

/// Files of manifests, and a policy.
pub(crate) struct Set {
    pub(crate) policy: Policy,
    /// The texts of the files.
    pub(crate) files: Vec<String>,
}

/// The set of a stream of numbers.
pub(crate) fn set(random: &mut Random) -> Set {
    let files = (0..random.within(1..4)).map(|_| file(random)).collect();
    Set {
        policy: policy(random),
        files,
    }
}

fn policy(random: &mut Random) -> Policy {
    let mut policy = Policy::built_in();
    if random.one_in(4) {
        policy.umbrella_groups = UmbrellaGroups::Ignore;
    }
    if random.one_in(4) {
        policy.companions[1].implied_by = vec!["reader".to_owned(), "cluster-admin".to_owned()];
    }
    if random.one_in(4) {
        policy.personas[1].companions = Some([1].into_iter().collect());
    }
    policy
}

/// Documents of YAML, each of which is JSON, or JSON objects one after the other.
fn file(random: &mut Random) -> String {
    let objects: Vec<String> = (0..random.within(0..6))
        .map(|_| object(random).to_string())
        .collect();
    match random.below(4) {
        0 => objects.join("\n"),
        1 => objects.join("\r\n---\r\n"),
        2 => format!("# a file\n---\n{}\n", objects.join("\n---\n")),
        _ => objects.join("\n---\n") + "\n",
    }
}

fn object(random: &mut Random) -> Value {
    if random.one_in(12) {
        return json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}});
    }
    if random.one_in(12) {
        let items: Vec<Value> = (0..random.below(4)).map(|_| binding(random)).collect();
        return json!({"apiVersion": "v1", "kind": "List", "items": items});
    }
    binding(random)
}

fn binding(random: &mut Random) -> Value {
    let is_role_binding = random.one_in(2);
    let role = match random.below(8) {
        0 => random.pick(&OTHERS),
        1..=3 => random.pick(&COMPANIONS),
        _ => random.pick(&PERSONAS),
    };
    let kind = if is_role_binding {
        "RoleBinding"
    } else {
        "ClusterRoleBinding"
    };
    let mut metadata = json!({"name": name(random, role)});
    if is_role_binding && !random.one_in(3) {
        metadata["namespace"] = random.pick(&NAMESPACES).into();
    }
    if random.one_in(10) {
        metadata["generateName"] = "made-".into();
        metadata.as_object_mut().unwrap().remove("name");
    }
    let subjects: Vec<Value> = (0..random.below(4)).map(|_| subject(random)).collect();
    json!({
        "apiVersion": format!("{RBAC}/v1"),
        "kind": kind,
        "metadata": metadata,
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": role},
        "subjects": subjects,
    })
}

/// Few names, so that some are the same; now and then the one that a new binding would get.
fn name(random: &mut Random, role: &str) -> String {
    if random.one_in(8) {
        return binding_name(random.pick(&COMPANIONS), &[Identity::user("alice")]);
    }
    format!("{role}-{}", random.below(3))
}

fn subject(random: &mut Random) -> Value {
    match random.below(6) {
        0 => json!({"kind": "ServiceAccount", "name": "bot"}),
        1 => {
            json!({"kind": "ServiceAccount", "name": "bot", "namespace": random.pick(&NAMESPACES)})
        }
        2 => json!({"kind": "ServiceAccount", "name": "Odd Bot", "namespace": "a:b"}),
        3 => json!({"apiGroup": RBAC, "kind": "Group", "name": random.pick(&GROUPS)}),
        _ => json!({"kind": "User", "name": random.pick(&USERS)}),
    }
}
