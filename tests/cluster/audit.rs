//! Audit lines against what really happened, as kubectl and the API server's own audit log saw it.

use serde_json::{Value, json};

use crate::lab::{Lab, lab};
use crate::objects::{companions, role_binding, user};
use crate::stage::{create, platform};
use crate::support::{ADMIN, Output, User, unique};

#[test]
fn every_refusal_has_one_audit_line_with_who_was_refused_what() {
    let lab = lab();
    let home = lab.plane.namespace();
    let old = role_binding(&home, "old", "view", [user("old@example.com")]);
    create(&lab.plane, &[old]);
    let covered = companions(&unique("companion"), &user(&format!("covered@{home}")));
    create(&lab.plane, &covered);
    let bindguard = lab.bindguard("action: Deny");
    let _registration = bindguard.register(&lab.plane);

    let calls = call_as_everybody(&lab, &home);
    let refusals = calls.iter().filter(|output| !output.succeeded()).count();
    assert_eq!(refusals, 6, "{calls:#?}");

    let lines = bindguard.audit_lines();
    let seen: Vec<Value> = lines.iter().map(summary).collect();
    assert_eq!(seen, expected(&home));
    let last = lines.last().unwrap();
    assert_eq!(last["missing_total"], 4, "{last}");
    assert_eq!(last["missing"][0]["before"], true, "{last}");
    let newcomer = json!({"kind": "User", "name": "alice@example.com"});
    assert_eq!(last["missing"][2]["subject"], newcomer, "{last}");

    // The API server's own audit log has the same records, under the same decisions.
    let annotated = annotations(&lab.audit_events(&home));
    let recorded: Vec<_> = lines
        .iter()
        .map(|line| (line["decision"].clone(), line.clone()))
        .collect();
    assert_eq!(annotated, recorded);
}

/// Eight calls, of which one needs no word, one a warning, and six are to be refused.
fn call_as_everybody(lab: &Lab, home: &str) -> [Output; 8] {
    let plane = &lab.plane;
    let binding =
        |name: &str, subject: &str| role_binding(home, name, "edit", [user(subject)]).to_string();
    let uncovered = |name| binding(name, "alice@example.com");
    let create = ["create", "--filename", "-"];
    let create_with = |flags: &[&'static str]| [&create[..], flags].concat();
    let on_old =
        |args: &[&str]| plane.kubectl(platform(), &[args, &["--namespace", home]].concat());
    let dana = User::named("dana@example.com")
        .in_group("platform")
        .in_group("équipe \"A\"");
    let impersonate = create_with(&["--as=erin@example.com", "--as-group=platform"]);
    let dry_run = create_with(&["--dry-run=server"]);
    let subjects = [user("old@example.com"), user("alice@example.com")];
    let patch = format!("--patch={}", json!({ "subjects": subjects }));
    [
        plane.kubectl_stdin(&dana, &create, &uncovered("by-user")),
        plane.kubectl_stdin(&dana, &create, &binding("fine", &format!("covered@{home}"))),
        plane.kubectl_stdin(platform(), &impersonate, &uncovered("by-other")),
        plane.kubectl_with(&lab.deployer(home), &create, &uncovered("by-robot")),
        plane.kubectl_stdin(ADMIN, &create, &uncovered("by-master")),
        plane.kubectl_stdin(platform(), &dry_run, &uncovered("dry")),
        on_old(&["label", "rolebinding", "old", "team=blue"]),
        on_old(&["patch", "rolebinding", "old", "--type=merge", &patch]),
    ]
}

/// What is expected of each audit line, in the order of the calls.
fn expected(home: &str) -> Vec<Value> {
    let row = |name: &str, persona: &str, decision: &str, what: [&str; 2], groups: &[&str]| {
        let [operation, by] = what;
        let groups = [groups, &["system:authenticated"]].concat();
        json!([
            name,
            persona,
            decision,
            operation,
            by,
            groups,
            name == "dry"
        ])
    };
    let robot = format!("system:serviceaccount:{home}:deployer");
    let robots = format!("system:serviceaccounts:{home}");
    let robots = ["system:serviceaccounts", &robots];
    let (dana, team) = ("dana@example.com", ["platform"]);
    let both = ["platform", "équipe \"A\""];
    vec![
        row("by-user", "edit", "deny", ["CREATE", dana], &both),
        row(
            "by-other",
            "edit",
            "deny",
            ["CREATE", "erin@example.com"],
            &team,
        ),
        row("by-robot", "edit", "deny", ["CREATE", &robot], &robots),
        row(
            "by-master",
            "edit",
            "deny",
            ["CREATE", "admin"],
            &["system:masters"],
        ),
        row("dry", "edit", "deny", ["CREATE", dana], &team),
        row("old", "view", "warn", ["UPDATE", dana], &team),
        row("old", "view", "deny", ["UPDATE", dana], &team),
    ]
}

/// An audit line as [`expected`] writes it.
fn summary(line: &Value) -> Value {
    assert_eq!(line["binding"]["kind"], "RoleBinding", "{line}");
    assert_eq!(line["caller"], "unverified", "{line}");
    assert_eq!(line["policy"], "lab", "{line}");
    json!([
        line["binding"]["name"],
        line["persona"],
        line["decision"],
        line["operation"],
        line["requester"]["username"],
        line["requester"]["groups"],
        line["dry_run"],
    ])
}

/// What the webhook put into the API server's audit log: the decision and the record.
fn annotations(events: &[Value]) -> Vec<(Value, Value)> {
    let annotations = events.iter().map(|event| &event["annotations"]);
    annotations
        .filter_map(|annotations| {
            let decision = annotations.get("validate.bindguard.dev/decision")?;
            let record = annotations["validate.bindguard.dev/record"].as_str();
            let record = record.expect("a decision has its record");
            let record = serde_json::from_str(record).expect("a record is JSON");
            Some((decision.clone(), record))
        })
        .collect()
}
