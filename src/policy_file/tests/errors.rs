//! What people are told about a policy that is wrong.

use crate::policy_file::parse;

/// Everything that is wrong with a policy, one a line.
fn errors(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

/// The same for a policy of which only the fields under `spec` are given.
fn spec_errors(fields: &str) -> String {
    let fields = fields.replace('\n', "\n  ");
    errors(&format!(
        "apiVersion: bindguard.dev/v1alpha1\nkind: BindingPolicy\nspec:\n  {fields}\n"
    ))
}

#[test]
fn every_error_is_told_at_once_with_its_place_and_what_was_meant() {
    let text = "\
apiVersion: bindguard.dev/v1alpha1
kind: BindingPolicy
metadata: {name: VMO}
spec:
  actoin: Deny
  companionRemoval: On
  dryRun: Enforced
  matchRoles: 'false'
  personas:
  - name: vm
    clusterRoles: [spectro-vm-admin, a/b, spectro-vm-admin]
    subjectKinds: [user]
    companions: [spectro-list-namespace]
  - clusterRoles: []
  coverage:
  provisioning:
    mode: Disbled
    orderLifetime: 2d
    maxCompanions: many
  exempt:
    subjects: [{kind: ServiceAccount, name: builder}]
";
    insta::assert_snapshot!(errors(text), @r#"
    3:18: metadata.name: this name may have at most 253 lower-case letters, digits, - and ., and each part begins and ends with a letter or digit
    5:3: spec.actoin: unknown field; did you mean "action"?
    6:21: spec.companionRemoval: a boolean was read here; write "Deny", "Warn" or "Audit"
    7:11: spec.dryRun: "Enforced" is not one of Enforce, Warn; did you mean "Enforce"?
    8:15: spec.matchRoles: the string "false" was read here; write true or false
    11:38: spec.personas[0].clusterRoles[1]: a ClusterRole's name must not be . or .. and must not contain / or %
    11:43: spec.personas[0].clusterRoles[2]: "spectro-vm-admin" is already at spec.personas[0].clusterRoles[0] (line 11)
    12:20: spec.personas[0].subjectKinds[0]: "user" is not one of User, Group, ServiceAccount; case counts, did you mean "User"?
    13:18: spec.personas[0].companions[0]: "spectro-list-namespace" is not one of spec.companions; did you mean "spectro-list-namespaces"?
    14:5: spec.personas[1].name: is missing
    14:19: spec.personas[1].clusterRoles: at least one item is needed
    15:11: spec.coverage: nothing is written here; leave the field out for its default, or write a mapping of fields
    17:11: spec.provisioning.mode: "Disbled" is not one of Disabled, OnRequest, Always; did you mean "Disabled"?
    18:20: spec.provisioning.orderLifetime: "2d" is not a duration; write one like 10m, 90s or 1h30m
    19:20: spec.provisioning.maxCompanions: the string "many" was read here; write a whole number from 1 to 1000000
    21:16: spec.exempt.subjects[0].namespace: is missing; a ServiceAccount needs its namespace
    "#);
}

#[test]
fn what_is_no_policy_is_told_so_and_nothing_else() {
    for (text, expected) in [
        (
            "",
            "1:1: there is no policy here; write a document of kind BindingPolicy",
        ),
        (
            "---\n# nothing\n",
            "1:1: there is no policy here; write a document of kind BindingPolicy",
        ),
        (
            "apiVersion: v1\nkind: ConfigMap\ndata: {}\n",
            "2:7: kind: this is a ConfigMap; the policy is the document of kind BindingPolicy in its data",
        ),
        (
            "apiVersion: v1\nkind: Namespace\n",
            "2:7: kind: \"Namespace\" is not BindingPolicy; this is no policy",
        ),
        (
            "- a\n",
            "1:1: a list was read here; write a mapping of fields",
        ),
        ("a: [\n", "1:4: unclosed bracket '['"),
        (
            "apiVersion: bindguard.dev/v1alpha1\nkind:\n",
            "2:5: kind: nothing is written here; write \"BindingPolicy\"",
        ),
    ] {
        assert_eq!(errors(text), expected, "{text}");
    }
}

#[test]
fn api_version_and_kind_are_required_and_exact() {
    assert_eq!(
        errors("spec: {}"),
        "1:1: apiVersion: is missing\n1:1: kind: is missing"
    );
    assert_eq!(
        errors("apiVersion: bindguard.dev/v1\nkind: bindingpolicy\n"),
        "1:13: apiVersion: \"bindguard.dev/v1\" is not bindguard.dev/v1alpha1; did you mean \"bindguard.dev/v1alpha1\"?\n\
         2:7: kind: \"bindingpolicy\" is not BindingPolicy; case counts, did you mean \"BindingPolicy\"?"
    );
}

#[test]
fn a_second_document_and_repeated_keys_are_errors() {
    let one = "apiVersion: bindguard.dev/v1alpha1\nkind: BindingPolicy\n";
    assert_eq!(
        errors(&format!("{one}---\n{one}")),
        "4:1: a second document begins here; a policy is one document"
    );
    assert!(parse(&format!("---\n{one}---\n")).is_ok());
    assert_eq!(
        errors(&format!("{one}kind: BindingPolicy\n")),
        "3:1: the key \"kind\" is already on line 2"
    );
}

#[test]
fn each_rule_has_its_message() {
    for (fields, expected) in [
        (
            "personas: []",
            "4:13: spec.personas: at least one item is needed",
        ),
        (
            "companions: []",
            "4:15: spec.companions: at least one item is needed",
        ),
        (
            "companions: [{clusterRole: a, impliedBy: [a]}]",
            "4:45: spec.companions[0].impliedBy[0]: a companion implies itself anyway; leave it out",
        ),
        (
            "companions: [{clusterRole: view}]",
            "4:30: spec.companions[0].clusterRole: \"view\" is both a persona and a companion; its first binding would need itself",
        ),
        (
            "personas: [{name: a, clusterRoles: [spectro-list-namespaces]}]",
            "4:39: spec.personas[0].clusterRoles[0]: \"spectro-list-namespaces\" is both a persona and a companion; its first binding would need itself",
        ),
        (
            "personas:\n- {name: a, clusterRoles: [x]}\n- {name: b, clusterRoles: [x]}",
            "6:30: spec.personas[1].clusterRoles[0]: \"x\" is already at spec.personas[0].clusterRoles[0] (line 5)",
        ),
        (
            "personas: [{name: a, clusterRoles: [x], companions: []}]",
            "4:55: spec.personas[0].companions: at least one item is needed",
        ),
        (
            "personas: [{name: '', clusterRoles: ['']}]",
            "4:21: spec.personas[0].name: must not be empty\n\
             4:40: spec.personas[0].clusterRoles[0]: a ClusterRole's name must not be empty",
        ),
        (
            "personas: [{name: 7, clusterRoles: [x, on]}]",
            "4:21: spec.personas[0].name: a number was read here; for a string write it in quotes: \"7\"\n\
             4:42: spec.personas[0].clusterRoles[1]: a boolean was read here; for a string write it in quotes: \"on\"",
        ),
        (
            "exempt: {namespaces: [Dev, a, a]}",
            "4:25: spec.exempt.namespaces[0]: a namespace's name has at most 63 lower-case letters, digits and -, and begins and ends with a letter or digit\n\
             4:33: spec.exempt.namespaces[2]: \"a\" is already at spec.exempt.namespaces[1] (line 4)",
        ),
        (
            "exempt: {subjects: }",
            "4:20: spec.exempt.subjects: nothing is written here; leave the field out for its default, or write a list; [] is one without items",
        ),
        (
            "exempt: {namespaces: [~]}",
            "4:25: spec.exempt.namespaces[0]: nothing is written here; write a string",
        ),
        (
            "exempt: {requesters: [{kind: User, name: a, namespace: b}]}",
            "4:58: spec.exempt.requesters[0].namespace: a User has no namespace; leave it out",
        ),
        (
            "exempt:\n  requesters:\n  - {kind: User, name: 'system:serviceaccount:a:b'}\n  - {kind: ServiceAccount, namespace: a, name: b}",
            "7:7: spec.exempt.requesters[1]: this is already at spec.exempt.requesters[0] (line 6)",
        ),
        (
            "exempt: {subjects: [{kind: Group, name: a, apiGroup: apps}]}",
            "4:56: spec.exempt.subjects[0].apiGroup: \"apps\" is not the API group of a Group; leave it out",
        ),
        (
            "provisioning: {notOrdering: [{kind: ServiceAccount, name: a}]}",
            "4:39: spec.provisioning.notOrdering[0].kind: \"ServiceAccount\" is not one of User, Group",
        ),
        (
            "provisioning: {notOrdering: [{kind: User, name: 'system:serviceaccount:a:b'}]}",
            "4:32: spec.provisioning.notOrdering[0]: this user is a ServiceAccount, and those order only when spec.provisioning.serviceAccounts lists them; leave it out",
        ),
        (
            "provisioning: {orderLifetime: 0s, maxSubjectsPerBinding: 0, maxCompanions: 1.5}",
            "4:33: spec.provisioning.orderLifetime: \"0s\" is not between 1s and 24h\n\
             4:60: spec.provisioning.maxSubjectsPerBinding: \"0\" does not fit; write a whole number from 1 to 1000\n\
             4:78: spec.provisioning.maxCompanions: \"1.5\" does not fit; write a whole number from 1 to 1000000",
        ),
        (
            "provisioning: {orderLifetime: 600}",
            "4:33: spec.provisioning.orderLifetime: a number was read here; write one like \"10m\"",
        ),
        (
            "wholly: 1",
            "4:3: spec.wholly: unknown field; known here: action, companionRemoval, companions, coverage, dryRun, exempt, matchRoles, personas, provisioning",
        ),
        (
            "\"a\\nb\": 1",
            "4:3: spec.\"a\\nb\": unknown field; known here: action, companionRemoval, companions, coverage, dryRun, exempt, matchRoles, personas, provisioning",
        ),
    ] {
        assert_eq!(spec_errors(fields), expected, "{fields}");
    }
}

#[test]
fn more_companions_than_a_guard_can_check_are_refused() {
    let list = |count: usize| {
        let items = (0..count).map(|number| format!("{{clusterRole: c{number}}}"));
        format!("companions: [{}]", items.collect::<Vec<_>>().join(", "))
    };
    assert_eq!(
        spec_errors(&list(17)),
        "4:15: spec.companions: 17 items are too many; at most 16 fit"
    );
}
