//! Webhook configurations of a real API server, with its defaults filled in.

use std::fs;
use std::time::Duration;

use crate::stage::{metric, serve, stage};
use crate::support::{Bindguard, eventually, fresh_folder};

const LIMIT: Duration = Duration::from_secs(30);

const POLICY: &str = "
apiVersion: bindguard.dev/v1alpha1
kind: BindingPolicy
metadata: {name: test}
";

fn drift(bindguard: &Bindguard) -> [i64; 2] {
    ["validating", "mutating"].map(|kind| {
        metric(
            bindguard,
            &format!("configuration_drift{{kind=\"{kind}\"}}"),
        )
    })
}

#[test]
fn what_is_applied_is_as_wanted_until_the_policy_is_edited() {
    let stage = stage();
    let policy = fresh_folder("policy").join("policy.yaml");
    fs::write(&policy, format!("{POLICY}spec: {{action: Deny}}\n")).unwrap();
    let bindguard = serve(&stage.plane.accounts().serve).policy(&policy).start();
    let wanted = eventually(LIMIT, || (drift(&bindguard) == [0, 0]).then_some(()));
    assert!(
        wanted.is_some(),
        "{:?}\n{}",
        drift(&bindguard),
        bindguard.stderr()
    );
    assert!(!bindguard.stderr().contains("is not as the policy"));

    let edited = "spec: {exempt: {namespaces: [kube-system, lab]}}";
    fs::write(&policy, format!("{POLICY}{edited}\n")).unwrap();
    let noticed = eventually(LIMIT, || (drift(&bindguard) == [1, 1]).then_some(()));
    let log = bindguard.stderr();
    assert!(noticed.is_some(), "{:?}\n{log}", drift(&bindguard));
    let words = "namespaceSelector of webhook validate.bindguard.dev is";
    let told = log.lines().filter(|line| line.contains(words));
    assert_eq!(told.count(), 1, "{log}");
}

#[test]
fn without_the_right_to_look_nobody_claims_to_know() {
    let stage = stage();
    let rights = "
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: watcher}
rules:
- {apiGroups: [rbac.authorization.k8s.io], resources: [clusterrolebindings, rolebindings], verbs: [list, watch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: watcher}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: watcher}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: watcher}]
";
    stage
        .plane
        .apply(crate::support::ADMIN, rights)
        .expect_success();
    let bindguard = serve(&stage.plane.kubeconfig("watcher")).start();
    let told = || {
        let log = bindguard.stderr();
        let told = log
            .lines()
            .filter(|line| line.contains("may not get this configuration"));
        (told.count() == 2).then_some(())
    };
    assert!(eventually(LIMIT, told).is_some(), "{}", bindguard.stderr());
    assert_eq!(drift(&bindguard), [-1, -1]);
    assert_eq!(bindguard.admin("/readyz").unwrap().0, 200);
}
