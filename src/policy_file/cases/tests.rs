use serde_json::Value;

use super::{parse, schema};
use crate::domain::policy::{Action, Policy};
use crate::policy_file::form::KEYWORDS;

const HEAD: &str = "apiVersion: bindguard.dev/v1alpha1\nkind: PolicyTest\n";
const CASE: &str = "\
cases:
- name: one
  binding: {kind: RoleBinding, namespace: a, role: view, subjects: []}
  expect: Allow
";

fn none(_: &str) -> Result<Policy, String> {
    panic!("no policy file is named")
}

fn errors(text: &str) -> String {
    parse(&format!("{HEAD}{text}"), none)
        .map(|_| ())
        .unwrap_err()
        .to_string()
}

#[test]
fn the_policy_is_the_built_in_one_unless_it_is_given() {
    let built_in = parse(&format!("{HEAD}{CASE}"), none).unwrap();
    assert_eq!(built_in.policy, Policy::built_in());
    let given = format!("{HEAD}policy: {{action: Audit}}\n{CASE}");
    assert_eq!(parse(&given, none).unwrap().policy.action, Action::Audit);
    let file = format!("{HEAD}policyFile: p.yaml\n{CASE}");
    let loaded = parse(&file, |path| {
        assert_eq!(path, "p.yaml");
        Ok(Policy {
            name: "loaded".to_owned(),
            ..Policy::built_in()
        })
    });
    assert_eq!(loaded.unwrap().policy.name, "loaded");
    let broken = parse(&file, |_| Err("one\ntwo".to_owned())).unwrap_err();
    assert_eq!(
        broken.to_string(),
        "3:13: policyFile: one\n3:13: policyFile: two"
    );
}

#[test]
fn every_mistake_is_told_with_line_field_and_what_was_meant() {
    for (text, expected) in [
        ("", "1:1: cases: is missing"),
        ("cases: []\n", "3:8: cases: at least one item is needed"),
        (
            "cases:\n- nmae: one\n  expect: deny\n",
            "4:3: cases[0].nmae: unknown field; did you mean \"name\"?\n\
             4:3: cases[0].name: is missing\n\
             5:11: cases[0].expect: \"deny\" is not one of Allow, Warn, Audit, Deny; case counts, did you mean \"Deny\"?",
        ),
        (
            "cases:\n- {name: one, expect: Deny}\n",
            "4:3: cases[0]: a case needs a binding or a manifest",
        ),
        (
            "cases:\n- {name: '', expect: Deny, manifest: {kind: Pod}}\n",
            "4:10: cases[0].name: must not be empty\n\
             4:38: cases[0].manifest: a RoleBinding or a ClusterRoleBinding belongs here",
        ),
        (
            "cases:\n- {name: a, expect: Deny, manifest: {kind: RoleBinding}}\n",
            "4:37: cases[0].manifest: this RoleBinding needs apiVersion: rbac.authorization.k8s.io/v1",
        ),
        (
            "policy: {action: Dney, spec: 1}\ncases: []\n",
            "3:18: policy.action: \"Dney\" is not one of Deny, Warn, Audit; did you mean \"Deny\"?\n\
             3:24: policy.spec: unknown field; known here: action, companionRemoval, companions, coverage, dryRun, exempt, matchRoles, personas, provisioning\n\
             4:8: cases: at least one item is needed",
        ),
    ] {
        assert_eq!(errors(text), expected, "{text}");
    }
}

#[test]
fn what_no_schema_can_say_is_told_too() {
    for (holdings, expected) in [
        (
            "{subject: {kind: User, name: a}}",
            "3:12: holdings[0]: give a subject and companions, or a manifest",
        ),
        (
            "{subject: {kind: User, name: a}, companions: [spectro-list-namespace]}",
            "3:58: holdings[0].companions[0]: \"spectro-list-namespace\" is no companion of the \
             policy; did you mean \"spectro-list-namespaces\"?",
        ),
        (
            "{subject: {kind: ServiceAccount, name: a}, companions: [spectro-list-namespaces]}",
            "3:22: holdings[0].subject: a ServiceAccount needs its namespace",
        ),
        (
            "{subject: {kind: Group, name: a, namespace: b}, companions: [spectro-list-namespaces]}",
            "3:56: holdings[0].subject.namespace: a Group has no namespace; leave it out",
        ),
    ] {
        assert_eq!(errors(&format!("holdings: [{holdings}]\n{CASE}")), expected);
    }
    for (case, expected) in [
        (
            "binding: {kind: RoleBinding, role: view, subjects: []}",
            "4:32: cases[0].binding: a RoleBinding needs its namespace",
        ),
        (
            "binding: {kind: ClusterRoleBinding, namespace: a, role: view, subjects: []}",
            "4:70: cases[0].binding.namespace: a ClusterRoleBinding has no namespace; leave it out",
        ),
        (
            "binding: {kind: ClusterRoleBinding, role: view, subjects: []}, manifest: {}",
            "4:95: cases[0].manifest: give either binding or manifest",
        ),
        (
            "binding: {kind: ClusterRoleBinding, role: '', subjects: []}",
            "4:65: cases[0].binding.role: must not be empty",
        ),
    ] {
        let text = format!("cases:\n- {{name: a, expect: Deny, {case}}}\n");
        let found = errors(&text);
        let (_, found) = found.split_once(' ').unwrap();
        let (_, expected) = expected.split_once(' ').unwrap();
        assert_eq!(found, expected);
    }
}

#[test]
fn the_schema_says_nothing_that_is_not_checked() {
    fn check(schema: &Value) {
        for (keyword, value) in schema.as_object().unwrap() {
            assert!(KEYWORDS.contains(&keyword.as_str()), "{keyword}");
            match keyword.as_str() {
                "properties" => value.as_object().unwrap().values().for_each(check),
                "items" => check(value),
                // A manifest is anybody's: only that it is a mapping is checked.
                "additionalProperties" => assert!(value.is_boolean(), "{value}"),
                _ => {}
            }
        }
    }
    check(&schema());
}
