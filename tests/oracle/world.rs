//! Generated policies, clusters and reviews, as the JSON that a person or an API server would write.

use serde_json::{Map, Value, json};

use crate::names::{
    ACCOUNT_NAMESPACES, ACCOUNTS, ACTIONS, COMPANIONS, GROUPS, NAMESPACES, ROLES, USERS,
};
use crate::random::Random;

pub(crate) const RBAC: &str = "rbac.authorization.k8s.io";

/// The `spec` of a policy, with some fields left out.
pub(crate) fn policy(random: &mut Random) -> Value {
    let mut spec = Map::new();
    let companions = random.some(&COMPANIONS);
    if !random.one_in(3) {
        let companions = companions.iter().map(|name| companion(random, name));
        spec.insert("companions".to_owned(), companions.collect());
    }
    let known = match spec.get("companions") {
        Some(_) => companions,
        None => COMPANIONS[..2].to_vec(),
    };
    if !random.one_in(4) {
        spec.insert("personas".to_owned(), personas(random, &known));
    }
    let mut choose = |name: &str, values: &[Value]| {
        if !random.one_in(3) {
            spec.insert(name.to_owned(), random.pick(values));
        }
    };
    choose("action", &ACTIONS.map(Value::from));
    choose("companionRemoval", &ACTIONS.map(Value::from));
    choose("matchRoles", &[json!(true), json!(false)]);
    choose("dryRun", &[json!("Enforce"), json!("Warn")]);
    choose(
        "coverage",
        &["Honour", "Ignore", "Honour"].map(|word| json!({"umbrellaGroups": word})),
    );
    if !random.one_in(3) {
        spec.insert("exempt".to_owned(), exempt(random));
    }
    Value::Object(spec)
}

fn companion(random: &mut Random, name: &str) -> Value {
    if random.one_in(2) {
        return json!({"clusterRole": name});
    }
    let implied_by: Vec<&str> = random
        .some(&["cluster-admin", "super", "list-third", "view"])
        .into_iter()
        .filter(|other| *other != name)
        .collect();
    json!({"clusterRole": name, "impliedBy": implied_by})
}

fn personas(random: &mut Random, companions: &[&str]) -> Value {
    let mut roles = ROLES[..6].to_vec();
    random.shuffle(&mut roles);
    let mut rest = roles.as_slice();
    let mut personas = vec![];
    for number in 0..random.within(1..4) {
        let (own, others) = rest.split_at(random.within(1..3));
        rest = others;
        let mut persona = json!({
            "name": format!("persona {number}"),
            "clusterRoles": own,
            "subjectKinds": random.some(&["User", "Group", "ServiceAccount"]),
        });
        if random.one_in(2) {
            persona["action"] = json!(random.pick(&ACTIONS));
        }
        if random.one_in(2) {
            persona["companions"] = json!(random.some(companions));
        }
        personas.push(persona);
    }
    Value::from(personas)
}

fn exempt(random: &mut Random) -> Value {
    let mut distinct = |most: usize, kinds: &[(&str, &[&str])]| {
        let mut subjects: Vec<Value> = vec![];
        for _ in 0..random.below(most) {
            let (kind, names) = random.pick(kinds);
            let subject = json!({"kind": kind, "name": random.pick(names)});
            if !subjects.contains(&subject) {
                subjects.push(subject);
            }
        }
        if random.one_in(3) {
            subjects.push(json!({
                "kind": "ServiceAccount", "name": "builder", "namespace": random.pick(&["ci", "dev"]),
            }));
        }
        subjects
    };
    let subjects = distinct(
        3,
        &[
            (
                "Group",
                &["system:masters", "system:serviceaccounts:ci", "devs"],
            ),
            ("User", &["alice", "Team Blue"]),
        ],
    );
    let requesters = distinct(
        3,
        &[("User", &["root", "alice"]), ("Group", &["ops", "devs"])],
    );
    json!({
        "namespaces": random.pick(&[json!([]), json!(["kube-system"]), json!(["prod", "ci"])]),
        "subjects": subjects,
        "requesters": requesters,
    })
}

/// The bindings of a cluster, most of them to companions.
pub(crate) fn cluster(random: &mut Random) -> Vec<Value> {
    let count = random.below(9);
    (0..count)
        .map(|number| {
            let role = match random.below(4) {
                0 => random.pick(&ROLES),
                _ => random.pick(&COMPANIONS),
            };
            let kind = match random.below(6) {
                0 => "RoleBinding",
                _ => "ClusterRoleBinding",
            };
            let namespace = random.pick(&NAMESPACES);
            binding(random, kind, namespace, &format!("held-{number}"), role, 4)
        })
        .collect()
}

fn binding(
    random: &mut Random,
    kind: &str,
    namespace: &str,
    name: &str,
    role: &str,
    most: usize,
) -> Value {
    let mut metadata = json!({"name": name, "labels": {"a": "b"}});
    if kind == "RoleBinding" {
        metadata["namespace"] = json!(namespace);
    }
    let role_kind = match random.below(8) {
        0 => "Role",
        _ => "ClusterRole",
    };
    let mut role_ref = json!({"kind": role_kind, "name": role, "apiGroup": RBAC});
    match random.below(24) {
        0 => role_ref["apiGroup"] = json!("example.com"),
        1 => role_ref["apiGroup"] = json!(""),
        2 => role_ref["apiGroup"] = Value::Null,
        _ => {}
    }
    let mut binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": kind,
        "metadata": metadata,
        "roleRef": role_ref,
    });
    match random.below(12) {
        0 => {}
        1 => binding["subjects"] = Value::Null,
        _ => binding["subjects"] = subjects(random, most),
    }
    binding
}

fn subjects(random: &mut Random, most: usize) -> Value {
    let count = random.below(most + 1);
    (0..count).map(|_| subject(random)).collect()
}

fn subject(random: &mut Random) -> Value {
    let mut subject = match random.below(7) {
        0..3 => json!({"kind": "User", "apiGroup": RBAC, "name": random.pick(&USERS)}),
        3 | 4 => json!({"kind": "Group", "apiGroup": RBAC, "name": random.pick(&GROUPS)}),
        _ => {
            let mut account = json!({"kind": "ServiceAccount", "name": random.pick(&ACCOUNTS)});
            match random.below(8) {
                0 | 1 => {}
                2 => account["namespace"] = json!(""),
                _ => account["namespace"] = json!(random.pick(&ACCOUNT_NAMESPACES)),
            }
            account
        }
    };
    match random.below(40) {
        0 => subject["kind"] = json!(random.pick(&["user", "Robot", "ServiceAccounts", ""])),
        1 => subject["apiGroup"] = json!("example.com"),
        2 => subject["apiGroup"] = json!(RBAC),
        3 => subject["apiGroup"] = json!(""),
        4 => subject["apiGroup"] = Value::Null,
        5 => subject["namespace"] = json!("dev"),
        _ => {}
    }
    subject
}

/// A review of a binding, most often to a persona of the policy with this spec.
pub(crate) fn review(random: &mut Random, spec: &Value) -> Value {
    let kind = random.pick(&["RoleBinding", "RoleBinding", "ClusterRoleBinding"]);
    let namespace = random.pick(&NAMESPACES);
    let role = match random.below(12) {
        0 => random.pick(&COMPANIONS),
        1 | 2 => random.pick(&ROLES),
        _ => persona_role(random, spec),
    };
    let new = binding(random, kind, namespace, "under-review", role, 8);
    let operation = random.pick(&["CREATE", "CREATE", "UPDATE", "UPDATE", "UPDATE", "DELETE"]);
    let old = match operation {
        "CREATE" => Value::Null,
        _ => earlier(random, &new),
    };
    let mut request = json!({
        "uid": "048ccbcf-ca39-4bdc-b6de-d88f3a26848e",
        "kind": {"group": RBAC, "version": "v1", "kind": kind},
        "name": "under-review",
        "operation": operation,
        "userInfo": {
            "username": random.pick(&[
                "root", "alice", "bob", "system:serviceaccount:ci:builder",
            ]),
            "groups": random.pick(&[
                Value::Null, json!([]), json!(["system:authenticated", "ops"]), json!(["devs"]),
            ]),
        },
        "object": if operation == "DELETE" { Value::Null } else { new },
        "oldObject": old,
        "dryRun": random.one_in(3),
        "options": {"kind": "CreateOptions", "fieldManager": "somebody"},
    });
    if kind == "RoleBinding" {
        request["namespace"] = json!(namespace);
    }
    json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request})
}

fn persona_role(random: &mut Random, spec: &Value) -> &'static str {
    let Some(personas) = spec["personas"].as_array() else {
        return random.pick(&["spectro-vm-user", "spectro-vm-admin", "view"]);
    };
    let roles = random.pick(personas)["clusterRoles"].clone();
    let role = random.pick(roles.as_array().expect("roles are a list"));
    let known = ROLES.into_iter().find(|known| role == *known);
    known.expect("a persona's role is one of ours")
}

/// A version of a binding that may have come before it.
fn earlier(random: &mut Random, new: &Value) -> Value {
    let mut old = new.clone();
    old["metadata"]["labels"] = json!({"a": "c"});
    if let Some(list) = old["subjects"].as_array_mut() {
        list.retain(|_| !random.one_in(3));
        random.shuffle(list);
        if random.one_in(2) {
            list.push(subject(random));
        }
    } else if random.one_in(2) {
        old["subjects"] = subjects(random, 4);
    }
    if random.one_in(16) {
        old["roleRef"]["name"] = json!(random.pick(&ROLES));
    }
    old
}
