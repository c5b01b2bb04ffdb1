//! What a policy may say instead of a refusal, as the user sees it.

use serde_json::{Value, json};

use crate::lab::{Lab, lab};
use crate::objects::{BOTH, role_binding, user};
use crate::stage::platform;
use crate::support::{Bindguard, Output, User};

/// A namespace, and a binding in it of a user without companions.
fn uncovered(lab: &Lab) -> (String, Value) {
    let namespace = lab.plane.namespace();
    let binding = role_binding(
        &namespace,
        "vm",
        "spectro-vm-user",
        [user("alice@example.com")],
    );
    (namespace, binding)
}

/// What audit lines say of bindings in a namespace: decision, because and dry run.
fn recorded(bindguard: &Bindguard, namespace: &str) -> Vec<(String, String, bool)> {
    let lines = bindguard.audit_lines();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    lines
        .iter()
        .filter(|line| line["binding"]["namespace"] == namespace)
        .map(|line| {
            let dry_run = line["dry_run"].as_bool().expect("it says whether");
            (text(&line["decision"]), text(&line["because"]), dry_run)
        })
        .collect()
}

fn record(decision: &str, because: &str, dry_run: bool) -> (String, String, bool) {
    (decision.to_owned(), because.to_owned(), dry_run)
}

fn dry_run(lab: &Lab, binding: &Value) -> Output {
    let args = ["create", "--dry-run=server", "--filename", "-"];
    lab.plane
        .kubectl_stdin(platform(), &args, &binding.to_string())
}

#[test]
fn a_policy_that_warns_lets_everything_pass_with_a_warning() {
    let lab = lab();
    let bindguard = lab.bindguard("action: Warn");
    let _registration = bindguard.register(&lab.plane);
    let (namespace, binding) = uncovered(&lab);
    let output = lab.create(&binding);
    output.expect_warned(&[format!(
        "RoleBinding {namespace}/vm: User alice@example.com lacks {BOTH}"
    )]);
    assert_eq!(output.warned_commands().len(), 2, "{output}");
    assert_eq!(
        recorded(&bindguard, &namespace),
        [record("warn", "action", false)]
    );
}

#[test]
fn a_policy_that_audits_lets_everything_pass_silently_and_records_it() {
    let lab = lab();
    let bindguard = lab.bindguard("action: Audit");
    let _registration = bindguard.register(&lab.plane);
    let (namespace, binding) = uncovered(&lab);
    lab.create(&binding).expect_silence();
    assert_eq!(
        recorded(&bindguard, &namespace),
        [record("audit", "action", false)]
    );
}

#[test]
fn a_persona_may_be_stricter_than_the_policy() {
    let lab = lab();
    let spec = "action: Audit
personas:
- {name: strict, clusterRoles: [spectro-vm-user], subjectKinds: [User], action: Deny}
- {name: loose, clusterRoles: [view], subjectKinds: [User]}";
    let bindguard = lab.bindguard(spec);
    let _registration = bindguard.register(&lab.plane);
    let (namespace, mut binding) = uncovered(&lab);
    let lacks = format!("User alice@example.com lacks {BOTH}");
    lab.create(&binding).expect_denied(&[&lacks]);
    binding["roleRef"]["name"] = json!("view");
    lab.create(&binding).expect_silence();
    let expected = [
        record("deny", "action", false),
        record("audit", "action", false),
    ];
    assert_eq!(recorded(&bindguard, &namespace), expected);
}

#[test]
fn a_dry_run_only_warns_where_the_policy_says_so_and_the_real_call_is_refused() {
    let lab = lab();
    let bindguard = lab.bindguard("dryRun: Warn");
    // The harness sees the warning of its own dry run.
    let _registration = bindguard.register(&lab.plane);
    let (namespace, binding) = uncovered(&lab);
    dry_run(&lab, &binding).expect_warned(&[format!(
        "RoleBinding {namespace}/vm: User alice@example.com lacks {BOTH}; without the dry run this \
         is refused"
    )]);
    lab.create(&binding)
        .expect_denied(&[&format!("User alice@example.com lacks {BOTH}")]);
    let expected = [
        record("warn", "dry_run", true),
        record("deny", "action", false),
    ];
    assert_eq!(recorded(&bindguard, &namespace), expected);
}

#[test]
fn exempt_requesters_are_not_asked_for_companions() {
    let lab = lab();
    let home = lab.plane.namespace();
    let deployer = lab.deployer(&home);
    let spec = format!(
        "exempt:
  requesters:
  - {{kind: User, name: root@example.com}}
  - {{kind: Group, name: break glass}}
  - {{kind: ServiceAccount, namespace: {home}, name: deployer}}"
    );
    let bindguard = lab.bindguard(&spec);
    let _registration = bindguard.register(&lab.plane);
    let args = ["create", "--filename", "-"];
    let team = |name: &str| User::named(name).in_group("platform");

    let exempt = [
        team("root@example.com"),
        team("eve").in_group("break glass"),
    ];
    for requester in exempt {
        let (namespace, binding) = uncovered(&lab);
        let output = lab
            .plane
            .kubectl_stdin(&requester, &args, &binding.to_string());
        output.expect_silence();
        assert_eq!(recorded(&bindguard, &namespace), []);
    }
    let (_, binding) = uncovered(&lab);
    lab.plane
        .kubectl_with(&deployer, &args, &binding.to_string())
        .expect_silence();

    for requester in [
        team("Root@example.com"),
        team("eve").in_group("break glass "),
    ] {
        let (_, binding) = uncovered(&lab);
        let output = lab
            .plane
            .kubectl_stdin(&requester, &args, &binding.to_string());
        output.expect_denied(&[&format!("User alice@example.com lacks {BOTH}")]);
    }
}

#[test]
fn bindings_in_exempt_namespaces_work_even_without_bindguard() {
    let lab = lab();
    let sandbox = lab.plane.namespace();
    let bindguard = lab.bindguard(&format!("exempt: {{namespaces: [{sandbox}]}}"));
    let _registration = bindguard.register(&lab.plane);
    let binding = |namespace: &str, name: &str| {
        role_binding(
            namespace,
            name,
            "spectro-vm-user",
            [user("alice@example.com")],
        )
    };
    lab.create(&binding(&sandbox, "with")).expect_silence();
    let other = lab.plane.namespace();
    lab.create(&binding(&other, "with"))
        .expect_denied(&[&format!("User alice@example.com lacks {BOTH}")]);

    bindguard.signal("KILL");
    bindguard.wait();
    lab.create(&binding(&sandbox, "without")).expect_silence();
    let error = lab.create(&binding(&other, "without")).expect_failure();
    assert!(error.contains("failed calling webhook"), "{error}");
}

#[test]
fn a_policy_file_that_changes_takes_effect_without_a_restart() {
    let lab = lab();
    let policy = crate::lab::policy_file("action: Audit");
    let bindguard = lab.serve().policy(&policy).start();
    let _registration = bindguard.register(&lab.plane);
    let (_, binding) = uncovered(&lab);
    dry_run(&lab, &binding).expect_silence();

    crate::lab::write_policy(&policy, "action: Deny");
    // It is read again within 10 seconds.
    let refused = crate::support::eventually(std::time::Duration::from_secs(15), || {
        let output = dry_run(&lab, &binding);
        (!output.succeeded()).then_some(output)
    });
    let output = refused.expect("the new policy takes effect");
    output.expect_denied(&[&format!("User alice@example.com lacks {BOTH}")]);

    crate::lab::write_policy(&policy, "acton: Warn");
    let logged = crate::support::eventually(std::time::Duration::from_secs(15), || {
        bindguard.stderr().contains("acton").then_some(())
    });
    assert!(logged.is_some(), "{}", bindguard.stderr());
    dry_run(&lab, &binding).expect_denied(&[&format!("User alice@example.com lacks {BOTH}")]);
}
