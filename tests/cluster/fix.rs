//! `bindguard fix` and `bindguard check --cluster` on a real API server that enforces the rule.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use crate::commands::{bindguard, bindguard_with, code, rule, with_rights};
use crate::objects;
use crate::objects::{
    BOTH, NAMESPACES, TEMPLATES, account, account_here, cluster_role_binding, group, role_binding,
    user,
};
use crate::random::{Random, in_parallel};
use crate::stage::{Stage, create, platform, stage};
use crate::support::{ADMIN, ControlPlane, clean_command, fresh_folder, run, unique};

/// How many sets are applied, and as many installed.
const SETS: u64 = 100;

/// The objects of a team in a namespace of its own, companions of some among them, in any order.
fn team(random: &mut Random, namespace: &str) -> Vec<Value> {
    let subjects = [
        user(&format!("alice@{namespace}")),
        user(&format!("Zoë \"the\" great\n@{namespace}")),
        group(&format!("devs of {namespace}")),
        group(&format!("system:serviceaccounts:{namespace}")),
        account(namespace, "bot"),
        user(&format!("system:serviceaccount:{namespace}:other")),
    ];
    let mut objects: Vec<Value> = (0..random.within(1..4))
        .map(|number| {
            let mut some = random.some(&subjects);
            if random.one_in(3) {
                some.push(account_here("local"));
            }
            let role = random.pick(&["spectro-vm-user", "spectro-vm-admin", "edit"]);
            role_binding(namespace, &format!("vm-{number}"), role, some)
        })
        .collect();
    if random.one_in(2) {
        let name = format!("viewers-of-{namespace}");
        objects.push(cluster_role_binding(&name, "view", random.some(&subjects)));
    }
    for companion in [NAMESPACES, TEMPLATES] {
        if random.one_in(2) {
            let name = format!("{companion}-of-{namespace}");
            objects.push(cluster_role_binding(
                &name,
                companion,
                random.some(&subjects),
            ));
        }
    }
    random.shuffle(&mut objects);
    objects
}

/// The objects in one of the forms that people have them in.
fn written(random: &mut Random, objects: &[Value]) -> String {
    let lines = |between: &str| {
        let texts: Vec<String> = objects.iter().map(Value::to_string).collect();
        texts.join(between)
    };
    match random.below(4) {
        0 => objects::file(objects),
        1 => lines("\n") + "\n",
        2 => format!("\u{feff}# a team\r\n---\r\n{}\r\n", lines("\r\n---\r\n")),
        _ => lines("\n---\n"),
    }
}

/// A namespace for each set, all made at once.
fn namespaces(stage: &Stage) -> Vec<String> {
    let names: Vec<String> = (0..SETS).map(|_| unique("set")).collect();
    let objects: Vec<Value> = names.iter().map(|name| objects::namespace(name)).collect();
    create(stage.plane, &objects);
    names
}

/// What `fix --with-input` makes of a set, and whether anything was missing.
fn with_input(kubeconfig: &Path, number: u64, input: &str) -> (String, bool) {
    let fix = ["fix", "-f", "-", "--with-input"];
    let fixed = bindguard_with(kubeconfig, &fix, input).expect_success();
    assert!(
        fixed.ends_with(input.trim_start_matches('\u{feff}')),
        "case {number}: {fixed}"
    );
    let is_fixed = fixed.len() > input.len();
    (fixed, is_fixed)
}

#[test]
fn what_fix_prints_with_the_input_is_accepted_by_one_apply_at_first_try() {
    let stage = stage();
    let kubeconfig = stage.plane.kubeconfig(platform());
    let namespaces = namespaces(stage);
    let lacking = AtomicU64::new(0);
    in_parallel(0..SETS, |number| {
        let random = &mut Random::of(8, number);
        let namespace = &namespaces[usize::try_from(number).unwrap()];
        let objects = team(random, namespace);
        let input = written(random, &objects);
        let (fixed, is_fixed) = with_input(&kubeconfig, number, &input);
        lacking.fetch_add(u64::from(is_fixed), Ordering::Relaxed);
        let apply = ["apply", "--filename", "-"];
        let applied = stage.plane.kubectl_stdin(platform(), &apply, &fixed);
        assert!(applied.succeeded(), "case {number}: {applied}\n{fixed}");
        assert_eq!(applied.stderr, "", "case {number}: {applied}\n{fixed}");
    });
    let lacking = lacking.into_inner();
    assert!(lacking * 4 > SETS * 3, "only {lacking} sets needed a fix");
}

#[test]
fn what_fix_prints_with_the_input_is_installed_by_helm_at_first_try() {
    let stage = stage();
    let kubeconfig = stage.plane.kubeconfig(platform());
    let namespaces = namespaces(stage);
    let lacking = AtomicU64::new(0);
    in_parallel(0..SETS, |number| {
        let random = &mut Random::of(9, number);
        let namespace = &namespaces[usize::try_from(number).unwrap()];
        let texts: Vec<String> = team(random, namespace)
            .iter()
            .map(Value::to_string)
            .collect();
        let (fixed, is_fixed) = with_input(&kubeconfig, number, &texts.join("\n---\n"));
        lacking.fetch_add(u64::from(is_fixed), Ordering::Relaxed);
        let chart = fresh_folder("chart");
        fs::create_dir(chart.join("templates")).unwrap();
        fs::write(
            chart.join("Chart.yaml"),
            "apiVersion: v2\nname: team\nversion: 0.1.0\n",
        )
        .unwrap();
        fs::write(chart.join("templates/all.yaml"), &fixed).unwrap();
        let chart = chart.display().to_string();
        let install = ["install", "team", &chart, "--namespace", namespace];
        let installed = stage.plane.helm(platform(), &install);
        assert!(installed.succeeded(), "case {number}: {installed}\n{fixed}");
    });
    let lacking = lacking.into_inner();
    assert!(lacking * 4 > SETS * 3, "only {lacking} sets needed a fix");
}

#[test]
fn check_counts_the_companions_that_a_cluster_has() {
    let stage = stage();
    let namespace = stage.plane.namespace();
    let (alice, bob) = (
        user(&format!("alice@{namespace}")),
        user(&format!("bob@{namespace}")),
    );
    stage.complete(&alice);
    let binding = role_binding(&namespace, "vm", "spectro-vm-user", [alice, bob]).to_string();
    let kubeconfig = stage.plane.kubeconfig(platform());
    let found = |args: &[&str]| {
        let args = [&["check", "-f", "-", "-o", "json"], args].concat();
        let output = bindguard_with(&kubeconfig, &args, &binding);
        assert_eq!(code(&output), Some(1), "{output}");
        let report: Value = serde_json::from_str(&output.stdout).unwrap();
        report["findings"].as_array().unwrap().len()
    };
    assert_eq!(found(&[]), 2);
    assert_eq!(found(&["--cluster"]), 1);

    let blind = stage.plane.kubeconfig(&*unique("nobody"));
    let output = bindguard_with(&blind, &["check", "-f", "-", "--cluster"], &binding);
    assert_eq!(code(&output), Some(2), "{output}");
    assert_eq!(output.stdout, "");
    assert!(
        output
            .stderr
            .contains("cannot list the ClusterRoleBindings"),
        "{output}"
    );
    assert!(output.stderr.contains("is forbidden"), "{output}");
}

/// Runs `fix --cluster --apply` on a terminal, on which somebody gives this answer.
fn asked(kubeconfig: &Path, answer: &str) -> crate::support::Output {
    let folder = fresh_folder("terminal");
    let mut command = clean_command("script".as_ref(), &folder);
    let line = format!(
        "'{}' fix --cluster --apply",
        env!("CARGO_BIN_EXE_bindguard")
    );
    command.args(["--quiet", "--return", "--command", &line, "/dev/null"]);
    command.env("KUBECONFIG", kubeconfig);
    run("bindguard fix on a terminal".to_owned(), command, answer)
}

#[test]
fn fix_applies_what_a_cluster_lacks_after_asking_and_with_the_rights_of_whoever_calls() {
    // It mends everything that is there, also what other tests need to be wrong.
    let plane = &ControlPlane::start(&[]);
    plane.install_roles();
    let namespace = plane.namespace();
    let alice = format!("alice@{namespace}");
    create(
        plane,
        &[role_binding(
            &namespace,
            "vm",
            "spectro-vm-user",
            [user(&alice)],
        )],
    );
    let admin = plane.kubeconfig(ADMIN);
    let lacking = || {
        let printed = bindguard(&admin, &["fix", "--cluster"]).expect_success();
        printed.matches(&format!("name: {alice}\n")).count()
    };
    assert_eq!(lacking(), 2);

    let silent = bindguard(&admin, &["fix", "--cluster", "--apply"]);
    assert_eq!(code(&silent), Some(2), "{silent}");
    assert!(silent.stderr.contains("no terminal to ask on"), "{silent}");
    let no = asked(&admin, "n\n");
    assert_eq!(code(&no), Some(2), "{no}");
    assert!(
        no.stdout.contains("[y/N]") && no.stdout.contains("nothing was applied"),
        "{no}"
    );
    assert_eq!(lacking(), 2);

    let rules = json!([{
        "apiGroups": ["rbac.authorization.k8s.io"],
        "resources": ["rolebindings", "clusterrolebindings"],
        "verbs": ["list"],
    }]);
    let reader = plane.kubeconfig(&*with_rights(plane, &rules));
    let refused = bindguard(&reader, &["fix", "--cluster", "--apply", "--yes"]);
    assert_eq!(code(&refused), Some(2), "{refused}");
    assert!(
        refused
            .stderr
            .contains("cannot apply ClusterRoleBinding spectro-list-"),
        "{refused}"
    );
    assert!(refused.stderr.contains("is forbidden"), "{refused}");
    assert_eq!(lacking(), 2);

    let rules = json!([
        {"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["rolebindings", "clusterrolebindings"], "verbs": ["list"]},
        {"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["clusterrolebindings"], "verbs": ["create", "patch"]},
        rule("rbac.authorization.k8s.io", "clusterroles", "bind", &[NAMESPACES, TEMPLATES]),
    ]);
    let mender = plane.kubeconfig(&*with_rights(plane, &rules));
    let yes = asked(&mender, "y\n");
    assert_eq!(code(&yes), Some(0), "{yes}");
    assert!(
        yes.stdout.contains(&format!("name: {alice}")),
        "it shows what it applies: {yes}"
    );
    assert_eq!(lacking(), 0, "{yes}");
    assert_eq!(
        bindguard(&admin, &["fix", "--cluster"]).expect_success(),
        ""
    );

    let again = bindguard(&mender, &["fix", "--cluster", "--apply"]).expect_success();
    assert_eq!(again, "", "there is nothing to ask");
    let stored = plane
        .kubectl(ADMIN, &["get", "clusterrolebindings", "--output=json"])
        .expect_success();
    let stored: Value = serde_json::from_str(&stored).unwrap();
    let given: Vec<&Value> = stored["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|binding| binding["subjects"][0]["name"] == alice.as_str())
        .collect();
    let granted: Vec<&str> = given
        .iter()
        .filter_map(|binding| binding["roleRef"]["name"].as_str())
        .collect();
    assert_eq!(granted.join(", "), BOTH);
}
