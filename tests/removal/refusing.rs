//! `companionRemoval: Deny`.

use std::time::Duration;

use serde_json::json;

use crate::lab::lab;
use crate::support::{ADMIN, eventually, unique};
use crate::world::{
    NAMESPACES, TEMPLATES, both, cluster_role_binding, create, role_binding, subjects,
};

const DENY: &str = "companionRemoval: Deny";

#[test]
fn an_ordinary_administrator_is_refused_and_a_member_of_masters_warned() {
    let lab = lab();
    let user = unique("alice");
    let team = lab.team(&[&user]);
    let (_registration, bindguard) = lab.bindguard(DENY);
    let name = format!("{team}-namespaces");

    let refused = lab.delete(&name);
    let told = refused.refusal();
    assert!(
        told.starts_with(&format!(
            "Deleting ClusterRoleBinding {name} takes companions from VM users"
        )),
        "{told}"
    );
    assert!(
        told.contains(&format!(
            "\n  User {user} loses {NAMESPACES}, needed for spectro-vm-user (1 binding)\n"
        )),
        "{told}"
    );
    lab.kubectl(&["get", "clusterrolebinding", &name])
        .expect_success();
    let patched = lab.patch(&name, &json!({"subjects": null}));
    assert!(patched.refusal().starts_with("Changing ClusterRoleBinding"));
    assert!(
        lab.patch(&name, &json!({"metadata": {"labels": {"a": "b"}}}))
            .warnings()
            .is_empty()
    );

    // The remedy that the message names, and then the same again.
    let command = told
        .lines()
        .find_map(|line| line.trim().strip_prefix("kubectl "))
        .expect("a command");
    lab.kubectl(&command.split(' ').collect::<Vec<_>>())
        .expect_success();
    assert!(lab.delete(&name).warnings().is_empty());

    let name = format!("{team}-templates");
    let args = ["delete", "clusterrolebinding", &name];
    let warned = lab.plane().kubectl(ADMIN, &args);
    let warning = warned.warnings()[0];
    assert!(
        warning.starts_with(&format!("User {user} loses {TEMPLATES}"))
            && warning.ends_with("; others are refused this"),
        "{warning}"
    );
    let decisions: Vec<_> = bindguard
        .audit_lines()
        .iter()
        .map(|line| {
            let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
            (text("operation"), text("decision"), text("because"))
        })
        .collect();
    let expected = [
        ("DELETE", "deny", "action"),
        ("UPDATE", "deny", "action"),
        ("DELETE", "warn", "requester"),
    ];
    let expected = expected.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned()));
    assert_eq!(decisions, expected);
}

#[test]
fn persona_bindings_with_odd_names_and_cluster_wide_ones_are_read_again() {
    let lab = lab();
    let plane = lab.plane();
    let (alice, bob) = (unique("alice"), unique("bob"));
    let team = unique("odd");
    let namespace = plane.namespace();
    let odd = "a,b=c\\d:e*";
    let mut objects = both(&format!("{team}-alice"), &[&alice]);
    objects.extend(both(&format!("{team}-bob"), &[&bob]));
    objects.push(role_binding(&namespace, odd, "spectro-vm-user", &[&alice]));
    objects.push(cluster_role_binding(&team, "spectro-vm-admin", &[&bob]));
    create(plane, &objects);
    let (_registration, _bindguard) = lab.bindguard(DENY);
    for (user, of) in [(&alice, "alice"), (&bob, "bob")] {
        let output = lab.delete(&format!("{team}-{of}-namespaces"));
        assert!(output.refusal().contains(&format!("User {user} loses")));
    }
    // Right after the persona binding is gone, there is nothing to refuse.
    lab.kubectl(&["delete", "clusterrolebinding", &team])
        .expect_success();
    let output = lab.delete(&format!("{team}-bob-namespaces"));
    assert!(output.warnings().is_empty(), "{output}");
}

#[test]
fn everybody_authenticated_is_counted_and_not_named() {
    let lab = lab();
    let everybody = "Group system:authenticated";
    let name = unique("everybody");
    let namespace = lab.plane().namespace();
    let users = [unique("alice"), unique("bob")];
    let users: Vec<&str> = users.iter().map(String::as_str).collect();
    // Of the one companion alone, so that others than these users stay uncovered.
    let objects = [
        cluster_role_binding(&name, NAMESPACES, &[everybody, "somebody"]),
        role_binding(&namespace, "users", "spectro-vm-user", &users),
    ];
    create(lab.plane(), &objects);
    let (_registration, _bindguard) = lab.bindguard(DENY);
    let output = lab.patch(&name, &json!({"subjects": subjects(&["somebody"])}));
    let told = output.refusal();
    // Those of other tests in this lab may be among them.
    assert!(
        told.contains(&format!(
            " subjects lose companions (covered only by {everybody})\n"
        )),
        "{told}"
    );
    assert!(users.iter().all(|user| !told.contains(user)), "{told}");
    lab.clean(&["clusterrolebinding", &name]);
}

#[test]
fn the_garbage_collector_is_never_refused() {
    let lab = lab();
    let plane = lab.plane().with_controller_manager();
    let user = unique("alice");
    let team = lab.team(&[&user]);
    let owner = unique("owner");
    let args = [
        "create",
        "clusterrole",
        &owner,
        "--verb=get",
        "--resource=pods",
    ];
    plane.kubectl(ADMIN, &args).expect_success();
    let args = [
        "get",
        "clusterrole",
        &owner,
        "--output=jsonpath={.metadata.uid}",
    ];
    let uid = plane.kubectl(ADMIN, &args).expect_success();
    let name = format!("{team}-namespaces");
    let reference = json!({"metadata": {"ownerReferences": [{
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
        "name": owner, "uid": uid, "blockOwnerDeletion": true,
    }]}});
    lab.patch(&name, &reference).expect_success();
    let (_registration, bindguard) = lab.bindguard(DENY);
    let args = [
        "delete",
        "clusterrole",
        &owner,
        "--cascade=foreground",
        "--timeout=60s",
    ];
    plane.kubectl(ADMIN, &args).expect_success();
    let gone = eventually(Duration::from_secs(30), || {
        let output = lab.kubectl(&["get", "clusterrolebinding", &name]);
        (!output.succeeded()).then_some(())
    });
    assert!(gone.is_some(), "{:?}", bindguard.audit_lines());
    let lines = bindguard.audit_lines();
    assert_eq!(lines[0]["because"], "requester", "{lines:?}");
    assert_eq!(
        lines[0]["requester"]["username"],
        "system:serviceaccount:kube-system:generic-garbage-collector"
    );
}

#[test]
fn a_persona_binding_that_is_a_companion_too_is_asked_about_once() {
    let lab = lab();
    let (alice, bob) = (unique("alice"), unique("bob"));
    let team = unique("root");
    let namespace = lab.plane().namespace();
    create(
        lab.plane(),
        &[
            cluster_role_binding(&team, "cluster-admin", &[&alice, &bob]),
            cluster_role_binding(&format!("{team}-t"), TEMPLATES, &[&alice, &bob]),
            role_binding(&namespace, "users", "spectro-vm-user", &[&bob]),
        ],
    );
    let spec = format!(
        "companionRemoval: Warn
companions:
- clusterRole: {NAMESPACES}
  impliedBy: [cluster-admin]
- clusterRole: {TEMPLATES}"
    );
    let (_registration, bindguard) = lab.bindguard(&spec);
    let output = lab.patch(&team, &json!({"subjects": subjects(&[&alice])}));
    assert!(output.warnings()[0].starts_with(&format!("User {bob} loses {NAMESPACES}")));
    assert_eq!(
        bindguard.audit_lines().len(),
        1,
        "{:?}",
        bindguard.audit_lines()
    );
    lab.delete(&team).expect_success();
}

#[test]
fn a_binding_that_is_being_deleted_keeps_nobody_covered() {
    let lab = lab();
    let user = unique("alice");
    let team = lab.team(&[&user]);
    let spare = format!("{team}-spare");
    let mut held = cluster_role_binding(&spare, NAMESPACES, &[&user]);
    held["metadata"]["finalizers"] = json!(["example.com/hold"]);
    create(lab.plane(), &[held]);
    let (_registration, _bindguard) = lab.bindguard(DENY);

    let delete = ["delete", "clusterrolebinding", &spare, "--wait=false"];
    assert!(lab.kubectl(&delete).warnings().is_empty());
    let name = format!("{team}-namespaces");
    let delete = ["delete", "clusterrolebinding", &name, "--dry-run=server"];
    let refused = eventually(Duration::from_secs(5), || {
        let output = lab.kubectl(&delete);
        (!output.succeeded()).then_some(output)
    });
    let refused = refused.expect("the watch tells of the deletion");
    assert!(refused.refusal().contains(&user), "{refused}");

    // Its end was decided when its deletion began.
    let freed = lab.patch(&spare, &json!({"metadata": {"finalizers": null}}));
    assert!(freed.warnings().is_empty(), "{freed}");
}
