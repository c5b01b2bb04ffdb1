//! A cluster in which bindguard is installed and does not run.

use std::time::{Duration, Instant};

use crate::release::{NAME, Release};
use crate::support::{ADMIN, eventually, unique};
use crate::world::world;

/// An API server that a webhook keeps from starting is not ready for 30 seconds, and then ends.
const START: Duration = Duration::from_secs(10);

#[test]
fn with_nothing_of_bindguard_running_the_cluster_works_on() {
    let world = world();
    let release = Release::installed(&world);
    for deployment in ["deployment/bindguard", "deployment/bindguard-controller"] {
        release.kubectl(&["scale", deployment, "--replicas=0"]);
    }
    // At once, as after a power cut: what would be drained is not waited for.
    release.kubectl(&["delete", "pods", "--all", "--force"]);
    let none = eventually(Duration::from_mins(1), || {
        world.kubelet.running(NAME).is_empty().then_some(())
    });
    assert!(none.is_some());
    let plane = &world.plane;
    let kubectl = |args: &[&str]| plane.kubectl(ADMIN, args);
    let refused = world.attempt();
    assert!(
        !refused.succeeded(),
        "it is registered, and down: {refused}"
    );
    assert!(
        refused
            .stderr
            .contains("failed calling webhook \"validate.bindguard.dev\""),
        "{refused}"
    );

    // A ServiceAccount may get what installers give it, and an exempt namespace what it likes.
    let (robot, name) = (unique("robot"), unique("exempt"));
    let account = format!("--serviceaccount=default:{robot}");
    let cluster_admin = [
        "create",
        "clusterrolebinding",
        &robot,
        "--clusterrole=cluster-admin",
    ];
    kubectl(&[&cluster_admin[..], &[&account]].concat()).expect_success();
    let exempt = [
        "create",
        "rolebinding",
        &name,
        "--clusterrole=spectro-vm-user",
    ];
    let exempt = [&exempt[..], &["--user=somebody", "--namespace=kube-system"]].concat();
    kubectl(&exempt).expect_success();

    // A namespace with persona bindings in it goes away.
    let namespace = plane.namespace();
    let binding = ["create", "rolebinding", "robots", "--clusterrole=admin"];
    let account = format!("--serviceaccount={namespace}:robot");
    let here = [&*account, "--namespace", &namespace];
    kubectl(&[&binding[..], &here].concat()).expect_success();
    let start = Instant::now();
    kubectl(&["delete", "namespace", &namespace, "--timeout=30s"]).expect_success();
    eprintln!("figure: a namespace was deleted in {:.1?}", start.elapsed());

    // The API server writes its bootstrap bindings anew, of which some are to personas.
    let bootstrap = ["cluster-admin", "system:basic-user"];
    kubectl(&[&["delete", "clusterrolebinding"], &bootstrap[..]].concat()).expect_success();
    plane.stop_api_server();
    let start = Instant::now();
    plane.start_api_server();
    let taken = start.elapsed();
    eprintln!("figure: the API server was ready after {taken:.1?}");
    assert!(taken < START, "it took {taken:?}");
    kubectl(&[&["get", "clusterrolebinding"], &bootstrap[..]].concat()).expect_success();

    // And bindguard comes back by itself.
    release.kubectl(&["scale", "deployment/bindguard-controller", "--replicas=2"]);
    release.kubectl(&["scale", "deployment/bindguard", "--replicas=3"]);
    release.until_ready("serve", 3);
    let denied = eventually(Duration::from_secs(20), || {
        let output = world.attempt();
        output.stderr.contains("denied the request").then_some(())
    });
    assert!(denied.is_some(), "{}", world.attempt());
    release.until_ready("controller", 2);
    kubectl(&["delete", "clusterrolebinding", &robot]).expect_success();
    kubectl(&["delete", "rolebinding", &name, "--namespace=kube-system"]).expect_success();
}
