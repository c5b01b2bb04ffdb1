//! Without bindguard: what works on, and what is refused until it is back.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::lab::lab;
use crate::objects::{BOTH, account, cluster_role_binding, companions, group, role_binding, user};
use crate::stage::{create, platform, serve, stage};
use crate::support::{
    ADMIN, Bindguard, ControlPlane, Output, eventually, fresh_folder, reserve_port, unique,
};

/// An API server that a webhook keeps from starting is not ready for 30 seconds, and then ends. The
/// rest is for a busy machine; alone, it takes some three.
const START: Duration = Duration::from_secs(10);

#[test]
fn with_bindguard_killed_only_persona_bindings_are_refused() {
    let lab = lab();
    let namespace = lab.plane.namespace();
    let old = role_binding(&namespace, "old", "view", [user("old@example.com")]);
    create(&lab.plane, std::slice::from_ref(&old));
    let bindguard = lab.bindguard("action: Deny");
    let _registration = bindguard.register(&lab.plane);
    bindguard.signal("KILL");
    bindguard.wait();

    let alice = user(&format!("alice@{namespace}"));
    let robot = account(&namespace, "robot");
    let [first, second] = companions(&unique("companion"), &alice);
    let cluster_wide = |role, subject: &Value| {
        cluster_role_binding(&unique("cluster-wide"), role, [subject.clone()])
    };
    let pass = [
        first,
        second,
        role_binding(&namespace, "basic", "system:basic-user", [alice.clone()]),
        role_binding(&namespace, "robot", "admin", [robot.clone()]),
        role_binding(&namespace, "nobody", "spectro-vm-user", []),
        role_binding(
            "kube-system",
            &unique("vm"),
            "spectro-vm-user",
            [alice.clone()],
        ),
        cluster_wide("cluster-admin", &robot),
        cluster_wide("system:node-proxier", &group("proxies")),
    ];
    for object in pass {
        lab.create(&object).expect_silence();
    }

    let refused = [
        role_binding(&namespace, "vm", "spectro-vm-user", [alice.clone()]),
        role_binding(&namespace, "robots", "spectro-vm-viewer", [robot]),
        role_binding(&namespace, "edit", "edit", [alice.clone()]),
        cluster_wide("cluster-admin", &alice),
    ];
    for object in refused {
        expect_unreachable(&lab.create(&object));
    }
    let label = [
        "label",
        "rolebinding",
        "old",
        "team=blue",
        "--namespace",
        &namespace,
    ];
    expect_unreachable(&lab.kubectl(&label));
    let delete = ["delete", "rolebinding", "old", "--namespace", &namespace];
    lab.kubectl(&delete).expect_silence();
}

/// It says which webhook could not be asked, and why.
#[track_caller]
fn expect_unreachable(output: &Output) {
    let error = output.clone().expect_failure();
    for words in [
        "failed calling webhook \"validate.bindguard.dev\"",
        "connection refused",
    ] {
        assert!(error.contains(words), "no {words:?} in\n{output}");
    }
}

#[test]
fn the_api_server_starts_with_bindguard_registered_and_gone() {
    let lab = lab();
    let plane = &lab.plane;
    let bindguard = lab.serve().start();
    let registration = bindguard.register(plane);
    restart_without(&bindguard, plane);

    // Deleting the configurations is the way out, which no webhook can close.
    let subjects = [user("alice@example.com")];
    let binding = role_binding("default", &unique("vm"), "cluster-admin", subjects);
    let attempt = || create_as_admin(plane, &binding);
    expect_unreachable(&attempt());
    drop(registration);
    let created = eventually(START, || attempt().succeeded().then_some(()));
    assert!(created.is_some(), "{}", attempt());
}

/// The API server writes its bootstrap bindings anew, of which some are to personas.
fn restart_without(bindguard: &Bindguard, plane: &ControlPlane) {
    let bootstrap = ["cluster-admin", "system:basic-user"];
    let delete = [&["delete", "clusterrolebinding"], &bootstrap[..]].concat();
    plane.kubectl(ADMIN, &delete).expect_success();
    bindguard.signal("KILL");
    bindguard.wait();
    plane.stop_api_server();

    let start = Instant::now();
    plane.start_api_server();
    let taken = start.elapsed();
    eprintln!("the API server was ready after {taken:?}");
    assert!(taken < START, "it took {taken:?}");
    let get = [&["get", "clusterrolebinding"], &bootstrap[..]].concat();
    plane.kubectl(ADMIN, &get).expect_success();
}

#[test]
fn a_bindguard_that_cannot_reach_the_cluster_says_so_to_whoever_asks() {
    let lab = lab();
    let kubeconfig = kubeconfig_to_nowhere();
    let bindguard = serve(kubeconfig).launch();
    let port = eventually(START, || bindguard.admin("/readyz").ok());
    let (status, reason) = port.expect("the admin port answers, whatever else does");
    assert_eq!(status, 503, "{reason}");
    assert!(
        reason.contains("companion bindings are not read yet"),
        "{reason}"
    );
    assert_eq!(bindguard.admin("/livez").unwrap().0, 200);

    let _registration = bindguard.register_unready(&lab.plane);
    let namespace = lab.plane.namespace();
    let binding = role_binding(&namespace, "vm", "view", [user("alice@example.com")]);
    let args = ["create", "--dry-run=server", "--filename", "-"];
    let refused = eventually(START, || {
        let output = lab
            .plane
            .kubectl_stdin(platform(), &args, &binding.to_string());
        (!output.succeeded()).then_some(output)
    });
    let output = refused.expect("the API server asks before long");
    let shown = "failed calling webhook \"validate.bindguard.dev\": failed to call webhook: bindguard: \
                 the cluster's companion bindings have not been read yet";
    assert!(output.stderr.contains(shown), "{output}");
    assert_eq!(bindguard.audit_lines(), Vec::<Value>::new());
}

/// A kubeconfig of an API server that is not there.
fn kubeconfig_to_nowhere() -> PathBuf {
    let config = serde_json::json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "x", "cluster": {"server": format!("https://127.0.0.1:{}", reserve_port())}}],
        "users": [{"name": "x", "user": {"token": "x"}}],
        "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
        "current-context": "x",
    });
    let file = fresh_folder("nowhere").join("kubeconfig");
    std::fs::write(&file, config.to_string()).expect("a kubeconfig can be written");
    file
}

#[test]
fn a_bindguard_that_may_not_list_bindings_is_not_ready_and_logs_why() {
    let plane = stage().plane;
    let bindguard = serve(plane.kubeconfig("nobody")).launch();
    let logged = eventually(START, || {
        let log = bindguard.stderr();
        (log.contains("forbidden") && log.contains("clusterrolebindings")).then_some(())
    });
    assert!(logged.is_some(), "{}", bindguard.stderr());
    let (status, _) = bindguard.admin("/readyz").expect("the admin port answers");
    assert_eq!(status, 503);
}

#[test]
fn a_bindguard_that_gets_its_right_later_gets_ready_by_itself() {
    let lab = lab();
    let name = unique("latecomer");
    let bindguard = serve(lab.plane.kubeconfig(&*name)).launch();
    let refused = eventually(START, || {
        bindguard.stderr().contains("forbidden").then_some(())
    });
    assert!(refused.is_some(), "{}", bindguard.stderr());
    let right = cluster_role_binding(&name, "bindguard", [user(&name)]);
    create(&lab.plane, &[right]);
    bindguard.wait_until_ready();
}

#[test]
fn a_bindguard_keeps_up_with_an_api_server_that_was_away() {
    let lab = lab();
    let plane = &lab.plane;
    let covered = user(&unique("covered"));
    create(plane, &companions(&unique("companion"), &covered));
    let bindguard = lab.serve().start();
    let _registration = bindguard.register(plane);
    plane.stop_api_server();
    plane.start_api_server();

    let attempt = |subject: &Value| {
        let binding = role_binding("default", &unique("vm"), "view", [subject.clone()]);
        create_as_admin(plane, &binding)
    };
    attempt(&covered).expect_silence();
    let uncovered = unique("uncovered");
    attempt(&user(&uncovered)).expect_denied(&[&format!("User {uncovered} lacks {BOTH}")]);
    let late = user(&unique("late"));
    create(plane, &companions(&unique("companion"), &late));
    attempt(&late).expect_silence();
    assert_eq!(bindguard.admin("/readyz").unwrap().0, 200);
}

fn create_as_admin(plane: &ControlPlane, object: &Value) -> Output {
    let args = ["create", "--filename", "-"];
    plane.kubectl_stdin(ADMIN, &args, &object.to_string())
}
