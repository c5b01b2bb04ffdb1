//! Bindings of as many subjects as etcd takes, 1.5 MB: 34,000 ServiceAccounts or 30,000 users.

use serde_json::Value;

use crate::lab::lab;
use crate::objects::{BOTH, account, cluster_role_binding, role_binding, user};
use crate::stage::create;
use crate::support::unique;

const MANY: usize = 34_000;
/// A user takes more room, since it comes with an API group.
const MANY_USERS: usize = 30_000;

fn users(count: usize, domain: &str) -> Vec<Value> {
    (0..count)
        .map(|number| user(&format!("{number}@{domain}")))
        .collect()
}

fn accounts(namespace: &str) -> Vec<Value> {
    (0..MANY)
        .map(|number| account(namespace, &format!("r{number}")))
        .collect()
}

/// The match conditions look at every subject, which the API server allows up to a cost. Where it
/// is exceeded, the request is refused by the API server itself. It also refuses what is not answered
/// within the webhook's ten seconds.
#[test]
fn bindings_of_34_000_subjects_are_judged_in_time() {
    let lab = lab();
    let namespace = lab.plane.namespace();
    let (old, wide) = (users(MANY_USERS, "old"), unique("wide"));
    let old = role_binding(&namespace, "old", "spectro-vm-user", old);
    create(&lab.plane, &[old]);
    let bindguard = lab.bindguard("action: Deny");
    let _registration = bindguard.register(&lab.plane);
    // Nobody here is judged, which takes a look at each of them.
    let robots = cluster_role_binding(&wide, "cluster-admin", accounts(&namespace));
    lab.create(&robots).expect_silence();
    // The one to be judged comes last.
    let mut hidden = accounts(&namespace);
    hidden.push(user("alice@example.com"));
    let hidden = role_binding(&namespace, "hidden", "view", hidden);
    lab.create(&hidden)
        .expect_denied(&[&format!("User alice@example.com lacks {BOTH}")]);

    let people = role_binding(&namespace, "people", "spectro-vm-user", users(MANY, "new"));
    let output = lab.create(&people);
    let mut lacks: Vec<String> = (0..5)
        .map(|number| format!("User {number}@new lacks {BOTH}"))
        .collect();
    lacks.push("and 33995 more subjects".to_owned());
    let lacks: Vec<&str> = lacks.iter().map(String::as_str).collect();
    output.expect_denied(&lacks);

    // An update brings both versions.
    let label = [
        "label",
        "rolebinding",
        "old",
        "team=blue",
        "--namespace",
        &namespace,
    ];
    let output = lab.kubectl(&label);
    assert!(output.succeeded(), "{output}");
    let warnings = output.warnings();
    assert!(warnings.len() > 5, "{output}");
    let rest = warnings.last().unwrap();
    assert!(rest.starts_with("… and 29"), "{output}");
    let line = bindguard
        .audit_lines()
        .pop()
        .expect("a warning is recorded");
    assert_eq!(line["missing_total"], 2 * MANY_USERS);
}

#[test]
fn covered_users_are_covered_however_many_they_are() {
    let lab = lab();
    let namespace = lab.plane.namespace();
    let people = users(MANY_USERS, "all");
    let companions = BOTH
        .split(", ")
        .map(|role| cluster_role_binding(&unique("companion"), role, people.clone()));
    create(&lab.plane, &companions.collect::<Vec<_>>());
    let bindguard = lab.bindguard("action: Deny");
    let _registration = bindguard.register(&lab.plane);
    let binding = role_binding(&namespace, "people", "spectro-vm-user", people);
    lab.create(&binding).expect_silence();
}
