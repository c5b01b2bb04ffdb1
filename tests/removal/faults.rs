//! Removals that nobody judges pass.

use std::time::{Duration, Instant};

use crate::lab::{lab, policy_file, wait_for_personas};
use crate::support::{eventually, unique};
use crate::world::{serve, serve_as};

const DENY: &str = "companionRemoval: Deny";

#[test]
fn companions_can_be_deleted_while_bindguard_is_down() {
    let lab = lab();
    let team = lab.team(&[&unique("alice")]);
    let name = format!("{team}-namespaces");
    let (_registration, bindguard) = lab.bindguard(DENY);
    lab.delete(&name).refusal();
    bindguard.signal("KILL");
    bindguard.wait();
    let output = lab.delete(&name);
    assert!(output.warnings().is_empty(), "{output}");
}

#[test]
fn without_the_right_to_list_role_bindings_everything_goes_on_but_removals_are_not_judged() {
    let lab = lab();
    let plane = lab.plane();
    let user = unique("alice");
    let team = lab.team(&[&user]);
    let bindguard = serve_as(plane.kubeconfig("bindguard-half"))
        .policy(policy_file(DENY))
        .start();
    let _registration = bindguard.register(plane);
    let failing = eventually(Duration::from_secs(20), || {
        let (_, metrics) = bindguard.admin("/metrics").ok()?;
        let failed = "bindguard_watch_errors_total{kind=\"RoleBinding\"} ";
        let failures = metrics
            .lines()
            .find_map(|line| line.strip_prefix(failed)?.parse::<u32>().ok())?;
        (failures >= 2).then_some(metrics)
    });
    let metrics = failing.unwrap_or_else(|| panic!("{}", bindguard.stderr()));
    assert!(metrics.contains("bindguard_persona_index_synced 0\n"));
    assert!(metrics.contains("bindguard_watch_working 1\n"), "{metrics}");
    let log = bindguard.stderr();
    let told = log.matches("watching RoleBindings failed").count();
    assert_eq!(told, 1, "{log}");

    // The API server is not made to ask again and again.
    let asked = Instant::now();
    let name = format!("{team}-namespaces");
    let output = lab.delete(&name);
    assert!(output.warnings().is_empty(), "{output}");
    assert!(
        asked.elapsed() < Duration::from_secs(3),
        "{:?}",
        asked.elapsed()
    );
    // The main rule is enforced: the user is not covered any more.
    let args = [
        "create",
        "rolebinding",
        "again",
        "--clusterrole=spectro-vm-user",
        "--user",
        &user,
        "--namespace",
        &team,
    ];
    assert!(
        lab.kubectl(&args)
            .expect_failure()
            .contains("validate.bindguard.dev")
    );
}

#[test]
fn whoever_takes_companions_away_is_told_that_nobody_judged_it_where_it_passes_anyway() {
    let lab = lab();
    let plane = lab.plane();
    let team = lab.team(&[&unique("alice")]);
    let bindguard = serve_as(plane.kubeconfig("bindguard-half"))
        .policy(policy_file("companionRemoval: Warn"))
        .start();
    let _registration = bindguard.register(plane);
    let failing = eventually(Duration::from_secs(20), || {
        let says = "watching RoleBindings failed";
        bindguard.stderr().contains(says).then_some(())
    });
    assert!(failing.is_some(), "{}", bindguard.stderr());
    let output = lab.delete(&format!("{team}-namespaces"));
    assert_eq!(
        output.warnings(),
        [
            "bindguard: from whom this takes companions is not known: the cluster's RoleBindings \
             cannot be read; the log says why"
        ],
        "{output}"
    );
}

#[test]
fn a_right_that_comes_later_is_noticed() {
    let lab = lab();
    let plane = lab.plane();
    let late = unique("late");
    let bind = |role: &str| {
        let name = format!("{late}-{role}");
        let args = [
            "create",
            "clusterrolebinding",
            &name,
            "--clusterrole",
            role,
            "--user",
            &late,
        ];
        lab.kubectl(&args).expect_success();
    };
    bind("bindguard-half");
    let bindguard = serve_as(plane.kubeconfig(&*late)).start();
    let failed = eventually(Duration::from_secs(20), || {
        bindguard
            .stderr()
            .contains("watching RoleBindings failed")
            .then_some(())
    });
    assert!(failed.is_some(), "{}", bindguard.stderr());
    // The role of the account that the chart makes.
    plane.accounts();
    // The role of the account that the chart makes.
    plane.accounts();
    bind("bindguard");
    wait_for_personas(&bindguard);
    assert!(
        bindguard
            .stderr()
            .contains("watching RoleBindings works again")
    );
}

#[test]
fn a_bindguard_that_restarts_judges_as_before() {
    let lab = lab();
    let team = lab.team(&[&unique("alice")]);
    for _ in 0..2 {
        let bindguard = serve(lab.plane()).policy(policy_file(DENY)).start();
        let _registration = bindguard.register(lab.plane());
        wait_for_personas(&bindguard);
        lab.delete(&format!("{team}-namespaces")).refusal();
    }
}
