//! `bindguard explain` on a real API server, beside what that itself says.

use std::path::Path;

use serde_json::{Value, json};

use crate::commands::{bindguard, code, with_rights};
use crate::objects::{
    NAMESPACES, TEMPLATES, account, account_here, cluster_role_binding, companions, group,
    namespace, role_binding, user,
};
use crate::stage::create;
use crate::support::{ADMIN, ControlPlane};

fn explained(kubeconfig: &Path, args: &[&str]) -> Value {
    let args = [&["explain", "-o", "json"], args].concat();
    let output = bindguard(kubeconfig, &args);
    assert_eq!(code(&output), Some(0), "{output}");
    serde_json::from_str(&output.stdout).unwrap_or_else(|_| panic!("{output}"))
}

fn world(plane: &ControlPlane) {
    let mut objects = vec![
        namespace("red"),
        namespace("blue"),
        role_binding(
            "red",
            "vm",
            "spectro-vm-user",
            [user("alice"), group("devs"), account_here("bot")],
        ),
        role_binding("blue", "vm", "spectro-vm-admin", [user("alice")]),
        cluster_role_binding("lists", NAMESPACES, [user("alice")]),
        role_binding("red", "templates", TEMPLATES, [user("alice")]),
        cluster_role_binding(
            "accounts",
            NAMESPACES,
            [group("system:serviceaccounts:red")],
        ),
    ];
    objects.extend(companions("devs", &group("devs")));
    objects.extend(companions("runner", &account("blue", "runner")));
    create(plane, &objects);
}

#[test]
fn a_subject_is_explained_by_what_is_in_the_cluster_and_may_be_read() {
    let plane = ControlPlane::start(&[]);
    plane.install_roles();
    world(&plane);
    let admin = plane.kubeconfig(ADMIN);

    let alice = explained(&admin, &["--user", "alice"]);
    assert_eq!(alice["missing"], json!([TEMPLATES]), "{alice:#}");
    let bindings: Vec<&Value> = alice["personas"]
        .as_array()
        .unwrap()
        .iter()
        .map(|has| &has["binding"]["namespace"])
        .collect();
    assert_eq!(bindings, ["blue", "red"], "{alice:#}");
    assert_eq!(
        alice["companions"][0]["coveredBy"][0]["binding"]["name"],
        "lists"
    );
    let near = &alice["companions"][1]["nearMisses"][0];
    assert_eq!(near["why"], "oneNamespace", "{alice:#}");
    assert_eq!(
        alice["companions"][1]["groups"],
        json!([{"kind": "Group", "name": "devs"}])
    );

    let only_red = explained(&admin, &["--user", "alice", "-n", "red"]);
    assert_eq!(
        only_red["personas"].as_array().unwrap().len(),
        1,
        "{only_red:#}"
    );

    the_api_server_says_the_same(&plane, &admin);
    manifests_beside_the_cluster(&admin);
    the_fix_is_a_fix(&plane, &admin);
    rights(&plane);
    roles_that_are_not_there(&plane, &admin);
}

/// Whoever is said to have the namespaces may list them, and nobody else.
fn the_api_server_says_the_same(plane: &ControlPlane, admin: &Path) {
    let asked: [(&[&str], &[&str], &str); 6] = [
        (&["--user", "alice"], &["--as=alice"], "covered"),
        (&["--user", "erin"], &["--as=erin"], "notNeeded"),
        (
            &["--user", "erin", "--group", "devs"],
            &["--as=erin", "--as-group=devs"],
            "assumed",
        ),
        (
            &["--group", "devs"],
            &["--as=erin", "--as-group=devs"],
            "covered",
        ),
        (
            &["--serviceaccount", "red:bot"],
            &["--as=system:serviceaccount:red:bot"],
            "covered",
        ),
        (
            &["--user", "system:serviceaccount:blue:bot"],
            &["--as=system:serviceaccount:blue:bot"],
            "notNeeded",
        ),
    ];
    for (who, same, state) in asked {
        let told = explained(admin, who);
        assert_eq!(told["companions"][0]["state"], state, "{who:?}: {told:#}");
        let can = ["auth", "can-i", "list", "namespaces"];
        let output = plane.kubectl(ADMIN, &[&can[..], same].concat());
        let has = state != "notNeeded";
        assert_eq!(output.stdout.trim() == "yes", has, "{who:?}: {output}");
    }
}

fn manifests_beside_the_cluster(admin: &Path) {
    let folder = crate::support::fresh_folder("manifests");
    let moved = role_binding("red", "vm", "spectro-vm-user", [user("carol")]);
    let added = cluster_role_binding("templates", TEMPLATES, [user("alice")]);
    let file = folder.join("m.json");
    std::fs::write(&file, crate::objects::file(&[moved, added])).unwrap();
    let file = file.display().to_string();
    let alone = explained(admin, &["--user", "alice", "-f", &file]);
    assert_eq!(alone["personas"], json!([]), "{alone:#}");
    let both = explained(admin, &["--user", "alice", "-f", &file, "--cluster"]);
    assert_eq!(both["missing"], json!([]), "{both:#}");
    let personas = both["personas"].as_array().unwrap();
    assert_eq!(
        personas.len(),
        1,
        "the manifest replaces what names her: {both:#}"
    );
    assert_eq!(personas[0]["binding"]["namespace"], "blue");
}

/// The commands that it prints leave nothing missing.
fn the_fix_is_a_fix(plane: &ControlPlane, admin: &Path) {
    let told = bindguard(admin, &["explain", "--user", "alice"]).expect_success();
    let (_, commands) = told
        .split_once("What adds it:\n")
        .expect("something is missing");
    plane.bash(ADMIN, commands).expect_success();
    let after = explained(admin, &["--user", "alice"]);
    assert_eq!(after["missing"], json!([]), "{after:#}");
    assert!(after.get("fix").is_none(), "{after:#}");
}

/// What may not be read is told, and nothing is guessed of it.
fn rights(plane: &ControlPlane) {
    let list = |resources: &[&str]| json!([{"apiGroups": ["rbac.authorization.k8s.io"], "resources": resources, "verbs": ["list"]}]);
    let nobody = plane.kubeconfig("nobody-in-particular");
    let output = bindguard(&nobody, &["explain", "--user", "alice"]);
    assert_eq!(code(&output), Some(2), "{output}");
    assert_eq!(output.stdout, "");
    let words = "cannot list the ClusterRoleBindings: clusterrolebindings.rbac.authorization.k8s.io is forbidden";
    assert!(output.stderr.contains(words), "{output}");

    let half = plane.kubeconfig(&*with_rights(plane, &list(&["clusterrolebindings"])));
    let output = bindguard(&half, &["explain", "--user", "alice", "-o", "json"]);
    assert_eq!(code(&output), Some(2), "{output}");
    let told: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(told["companions"][0]["state"], "covered", "{told:#}");
    for words in [
        "cannot list the RoleBindings: rolebindings.rbac.authorization.k8s.io is forbidden",
        "what RoleBindings give is not shown; -n NAMESPACE reads those of one namespace",
        "cannot see whether there is a ClusterRole spectro-list-namespaces: ",
    ] {
        assert!(output.stderr.contains(words), "{output}");
    }
    assert_eq!(told["errors"].as_array().unwrap().len(), 4, "{told:#}");
    let shown = bindguard(&half, &["explain", "--user", "alice"]);
    assert!(
        shown
            .stdout
            .starts_with("User alice has no persona as far as could be read.\n"),
        "{shown}"
    );

    // Who leads one namespace needs nothing of the others, nor of ClusterRoles.
    let lead = with_rights(plane, &list(&["clusterrolebindings"]));
    for args in [
        [
            "create",
            "role",
            "reader",
            "-n=red",
            "--verb=list",
            "--resource=rolebindings",
        ],
        [
            "create",
            "rolebinding",
            "reader",
            "-n=red",
            "--role=reader",
            &format!("--user={lead}"),
        ],
    ] {
        plane.kubectl(ADMIN, &args).expect_success();
    }
    let lead = plane.kubeconfig(&*lead);
    let told = explained(&lead, &["--user", "alice", "-n", "red"]);
    assert_eq!(told["personas"].as_array().unwrap().len(), 1, "{told:#}");
}

fn roles_that_are_not_there(plane: &ControlPlane, admin: &Path) {
    plane
        .kubectl(ADMIN, &["delete", "clusterrole", NAMESPACES])
        .expect_success();
    let told = explained(admin, &["--user", "alice"]);
    assert_eq!(told["companions"][0]["exists"], false, "{told:#}");
    assert_eq!(told["companions"][1]["exists"], true, "{told:#}");
    let shown = bindguard(admin, &["explain", "--user", "alice"]).expect_success();
    assert!(shown.contains("bindings to it give nothing"), "{shown}");
}
