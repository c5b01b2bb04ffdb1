//! Companions that are taken away, where a folder stands in for the cluster.

use std::time::Duration;

use serde_json::{Value, json};

use super::review::{cluster_role_binding, delete, update, user};
use super::support::eventually;
use super::world::{World, policy};

/// The companion binding of that name in the folder, with these subjects.
fn companion(subjects: &[Value]) -> Value {
    let mut binding = cluster_role_binding("spectro-list-namespaces", subjects);
    binding["metadata"] = json!({"name": "list-namespaces", "uid": "not-in-the-folder"});
    binding
}

const PERSONA: &str = "\
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: vm-users, namespace: dev}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: spectro-vm-user}
subjects: [{kind: User, name: alice}]
";

#[test]
fn persona_bindings_in_the_folder_count() {
    let world = World::with_policy(&policy("companionRemoval: Deny"));
    let all = companion(&[user("alice"), user("carol")]);
    let requests = [
        delete(&all),
        update(&all, &companion(&[user("carol")])),
        update(&all, &companion(&[user("alice")])),
    ];
    let decisions = || {
        let verdicts = world.ask_all(&requests);
        let decisions: Vec<_> = verdicts
            .iter()
            .map(|verdict| verdict.decision().to_owned())
            .collect();
        decisions
    };
    assert_eq!(decisions(), ["allow"; 3]);
    world.write("manifests/persona.yaml", PERSONA);
    let seen = eventually(Duration::from_secs(10), || {
        (decisions() == ["deny", "deny", "allow"]).then_some(())
    });
    assert!(seen.is_some(), "{:?}", decisions());
}
