//! One line for each call that is decided deny, warn or audit, there before the answer is.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::review::{create, delete, dry_run, group, role_binding, service_account, update, user};
use super::world::{World, policy};

fn persona(subjects: &[Value]) -> Value {
    role_binding("spectro-vm-user", subjects)
}

#[test]
fn a_line_says_who_wanted_what_and_what_was_missing() {
    let world = World::new();
    let review = create(&persona(&[
        user("alice"),
        user("dave"),
        user("system:serviceaccount:ci:bot"),
    ]));
    assert_eq!(world.ask(&review).decision(), "deny");
    let lines = world.bindguard.audit_lines();
    assert_eq!(lines.len(), 1);
    let mut line = lines[0].clone();
    let time = line.as_object_mut().unwrap().remove("time").unwrap();
    let time: jiff::Timestamp = time.as_str().unwrap().parse().unwrap();
    assert!(time > "2026-01-01T00:00:00Z".parse().unwrap());
    let pair =
        |subject: &Value, companion: &str| json!({"subject": subject, "companion": companion});
    let dave = json!({"kind": "User", "name": "dave"});
    let bot = json!({"kind": "ServiceAccount", "namespace": "ci", "name": "bot"});
    assert_eq!(
        line,
        json!({
            "decision": "deny",
            "rule": "persona",
            "because": "action",
            "uid": review["request"]["uid"],
            "operation": "CREATE",
            "dry_run": false,
            "requester": {"username": "bob", "groups": ["system:authenticated"]},
            "caller": "unverified",
            "binding": {"kind": "RoleBinding", "namespace": "dev", "name": "vm-users"},
            "persona": "spectro-vm-user",
            "policy": "vmo",
            "missing": [
                pair(&dave, "spectro-list-namespaces"),
                pair(&dave, "spectro-list-vmtemplates"),
                pair(&bot, "spectro-list-namespaces"),
                pair(&bot, "spectro-list-vmtemplates"),
            ],
            "missing_total": 4,
        })
    );
}

#[test]
fn what_passes_without_a_word_leaves_no_line() {
    let world = World::new();
    let old = persona(&[user("dave")]);
    for review in [
        create(&persona(&[user("alice"), group("Team Blue")])),
        create(&role_binding("some-role", &[user("dave")])),
        create(&role_binding("view", &[service_account("ci", "bot")])),
        update(&old, &persona(&[])),
        delete(&old),
    ] {
        assert_eq!(world.ask(&review).decision(), "allow", "{review}");
    }
    assert!(world.bindguard.audit_lines().is_empty());
}

#[test]
fn a_dry_run_and_an_update_leave_their_lines_too() {
    let world = World::new();
    let faulty = persona(&[user("dave")]);
    assert_eq!(world.ask(&dry_run(create(&faulty))).decision(), "deny");
    assert_eq!(world.ask(&update(&faulty, &faulty)).decision(), "warn");
    let lines = world.bindguard.audit_lines();
    assert_eq!(lines[0]["dry_run"], true);
    assert_eq!(lines[1]["because"], "ratchet");
    assert_eq!(lines[1]["missing"][0]["before"], true);
}

#[test]
fn the_line_is_there_when_the_answer_is() {
    let world = World::new();
    for number in 1..=8 {
        world.ask(&create(&persona(&[user("dave")])));
        assert_eq!(world.bindguard.audit_lines().len(), number);
    }
}

#[test]
fn lines_answers_and_metrics_are_the_same_numbers() {
    let spec = "personas: [\
        {name: a, clusterRoles: [spectro-vm-user]}, \
        {name: b, clusterRoles: [spectro-vm-admin], action: Warn}, \
        {name: c, clusterRoles: [spectro-vm-viewer], action: Audit}]";
    let world = World::with_policy(&policy(spec));
    let mut reviews = Vec::new();
    for number in 0..60 {
        let role = ["spectro-vm-user", "spectro-vm-admin", "spectro-vm-viewer"][number % 3];
        let name = if number % 4 == 0 { "alice" } else { "dave" };
        reviews.push(create(&role_binding(role, &[user(name)])));
    }
    let mut answered: BTreeMap<String, u64> = BTreeMap::new();
    for verdict in world.ask_all(&reviews) {
        *answered.entry(verdict.decision().to_owned()).or_default() += 1;
    }
    let mut written: BTreeMap<String, u64> = BTreeMap::new();
    for line in world.bindguard.audit_lines() {
        let decision = line["decision"].as_str().unwrap().to_owned();
        *written.entry(decision).or_default() += 1;
    }
    for decision in ["deny", "warn", "audit", "allow"] {
        let series = format!("bindguard_decisions_total{{decision=\"{decision}\"}}");
        assert_eq!(world.metric(&series), answered[decision], "{decision}");
    }
    assert_eq!(answered.remove("allow"), Some(15));
    assert_eq!(answered, written);
    for decision in ["deny", "warn", "audit"] {
        let series = format!("bindguard_audit_lines_total{{decision=\"{decision}\"}}");
        assert_eq!(world.metric(&series), written[decision], "{decision}");
        let lost = format!("bindguard_audit_lines_lost_total{{decision=\"{decision}\"}}");
        assert_eq!(world.metric(&lost), 0, "{decision}");
    }
}
