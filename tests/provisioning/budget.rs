//! The guard of orders stays within what the API server lets an expression cost.

use std::fmt::Write as _;

use crate::support::{ADMIN, ControlPlane, User, unique};
use crate::world::{ORDERS, furnish, guards, ordered, role_binding, user, wait_for_guard};

/// As many companions as a policy may have, with names as long as such names usually get.
fn names() -> Vec<String> {
    (0..16)
        .map(|number| format!("companion-{number:02}-{}", "x".repeat(50)))
        .collect()
}

/// A policy with those, and with long lists of who may order and who may not.
fn policy() -> String {
    let mut text =
        "apiVersion: bindguard.dev/v1alpha1\nkind: BindingPolicy\nspec:\n  companions:\n"
            .to_owned();
    for name in names() {
        writeln!(text, "  - {{clusterRole: {name}}}").unwrap();
    }
    text.push_str("  provisioning:\n    serviceAccounts:\n");
    for number in 0..200 {
        writeln!(text, "    - {{namespace: team-{number}, name: deployer}}").unwrap();
    }
    text.push_str("    notOrdering:\n");
    for number in 0..200 {
        writeln!(
            text,
            "    - {{kind: User, name: robot-{number}@example.com}}"
        )
        .unwrap();
        writeln!(text, "    - {{kind: Group, name: robots-{number}}}").unwrap();
    }
    text
}

fn role_for(verbs: &str, names: &[String]) -> String {
    format!(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {{name: {verbs}-all}}\n\
         rules:\n- {{apiGroups: [rbac.authorization.k8s.io], resources: [clusterroles], \
         resourceNames: [{}], verbs: [bind]}}\n---\n\
         apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {{name: {verbs}-all}}\n\
         roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {verbs}-all}}\n\
         subjects:\n- {{apiGroup: rbac.authorization.k8s.io, kind: Group, name: {verbs}-all}}\n",
        names.join(", ")
    )
}

#[test]
fn sixteen_companions_and_a_requester_of_many_groups_stay_within_the_cost_limits() {
    let plane = ControlPlane::start(&[]);
    furnish(&plane);
    let names = names();
    plane
        .apply(ADMIN, &role_for("bind", &names))
        .expect_success();
    plane
        .apply(ADMIN, &role_for("some", &names[..15]))
        .expect_success();
    plane.apply(ADMIN, &guards(&policy())).expect_success();
    wait_for_guard(&plane);

    let many = |name: &str, rights: &[&str]| -> User {
        (0..200).fold(user(name, rights), |user, number| {
            user.in_group(format!("department-{number}"))
        })
    };
    let namespace = plane.namespace();
    let create = |who: &User, order: &str| {
        let object = role_binding(&namespace, &unique("binding"));
        let object = ordered(object, order, who.name()).to_string();
        plane.kubectl_stdin(who, &["create", "--filename", "-"], &object)
    };
    // The longest order that there is, and more.
    let long = "x".repeat(20_000);
    let may_order = many("boris", &["create", "bind-all"]);
    create(&may_order, &long).expect_success();
    create(&User::from(ADMIN), &long).expect_success();
    let otto = many("otto", &["create", "some-all"]);
    let output = create(&otto, &long);
    assert!(output.refusal_by(ORDERS).contains(&names[15]), "{output}");
}
