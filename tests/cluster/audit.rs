//! Audit lines against what really happened, as kubectl and the API server's own audit log saw it.

use serde_json::{Value, json};

use crate::lab::lab;
use crate::objects::{account, cluster_role_binding, companions, namespace, role_binding, user};
use crate::stage::{create, platform};
use crate::support::{ADMIN, Output, User, unique};

#[test]
#[expect(
    clippy::too_many_lines,
    reason = "one run, told from its calls to its records"
)]
fn every_refusal_has_one_audit_line_with_who_was_refused_what() {
    let lab = lab();
    let home = unique("audited");
    let robot = json!({
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "deployer", "namespace": home},
    });
    let right = account(&home, "deployer");
    let right = cluster_role_binding(&unique("deployer"), "platform-admin", [right]);
    let old = role_binding(&home, "old", "view", [user("old@example.com")]);
    create(&lab.plane, &[namespace(&home), robot, right, old]);
    let covered = user(&format!("covered@{home}"));
    create(&lab.plane, &companions(&unique("companion"), &covered));
    let bindguard = lab.bindguard("action: Deny");
    let _registration = bindguard.register(&lab.plane);

    let binding =
        |name: &str, subject: Value| role_binding(&home, name, "edit", [subject]).to_string();
    let alice = || user("alice@example.com");
    let create = ["create", "--filename", "-"];
    let dana = User::named("dana@example.com")
        .in_group("platform")
        .in_group("équipe \"A\"");
    let deployer = lab.plane.service_account_kubeconfig(&home, "deployer");
    let impersonate = [
        &create[..],
        &["--as=erin@example.com", "--as-group=platform"],
    ]
    .concat();
    let dry_run = [&create[..], &["--dry-run=server"]].concat();
    let label = [
        "label",
        "rolebinding",
        "old",
        "team=blue",
        "--namespace",
        &home,
    ];
    let patch = format!(
        "--patch={}",
        json!({"subjects": [user("old@example.com"), alice()]})
    );
    let patch = [
        "patch",
        "rolebinding",
        "old",
        "--type=merge",
        &patch,
        "--namespace",
        &home,
    ];

    let calls: Vec<Output> = vec![
        lab.plane
            .kubectl_stdin(&dana, &create, &binding("by-user", alice())),
        lab.plane
            .kubectl_stdin(&dana, &create, &binding("covered", covered)),
        lab.plane
            .kubectl_stdin(platform(), &impersonate, &binding("by-other", alice())),
        lab.plane
            .kubectl_with(&deployer, &create, &binding("by-robot", alice())),
        lab.plane
            .kubectl_stdin(ADMIN, &create, &binding("by-master", alice())),
        lab.plane
            .kubectl_stdin(platform(), &dry_run, &binding("dry", alice())),
        lab.plane.kubectl(platform(), &label),
        lab.plane.kubectl(platform(), &patch),
    ];
    let refusals = calls.iter().filter(|output| !output.succeeded()).count();
    assert_eq!(refusals, 6, "{calls:#?}");

    let lines = bindguard.audit_lines();
    let seen: Vec<_> = lines
        .iter()
        .map(|line| {
            let requester = &line["requester"];
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            (
                text(&line["binding"]["name"]),
                text(&line["decision"]),
                text(&line["operation"]),
                text(&requester["username"]),
                requester["groups"].clone(),
                line["dry_run"] == true,
            )
        })
        .collect();
    let robot = format!("system:serviceaccount:{home}:deployer");
    let team = json!(["platform", "system:authenticated"]);
    let line =
        |name: &str, decision: &str, operation: &str, by: &str, groups: &Value, dry: bool| {
            let text = str::to_owned;
            (
                text(name),
                text(decision),
                text(operation),
                text(by),
                groups.clone(),
                dry,
            )
        };
    let dana_groups = json!(["platform", "équipe \"A\"", "system:authenticated"]);
    let robots = [
        "system:serviceaccounts",
        &format!("system:serviceaccounts:{home}"),
        "system:authenticated",
    ];
    let masters = json!(["system:masters", "system:authenticated"]);
    let expected = [
        line(
            "by-user",
            "deny",
            "CREATE",
            "dana@example.com",
            &dana_groups,
            false,
        ),
        line(
            "by-other",
            "deny",
            "CREATE",
            "erin@example.com",
            &team,
            false,
        ),
        line("by-robot", "deny", "CREATE", &robot, &json!(robots), false),
        line("by-master", "deny", "CREATE", "admin", &masters, false),
        line("dry", "deny", "CREATE", "dana@example.com", &team, true),
        line("old", "warn", "UPDATE", "dana@example.com", &team, false),
        line("old", "deny", "UPDATE", "dana@example.com", &team, false),
    ];
    assert_eq!(seen, expected);
    for line in &lines {
        assert_eq!(
            line["persona"],
            if line["binding"]["name"] == "old" {
                "view"
            } else {
                "edit"
            }
        );
        assert_eq!(line["binding"]["kind"], "RoleBinding");
        assert_eq!(line["caller"], "unverified");
        assert_eq!(line["policy"], "lab");
    }
    assert_eq!(lines[6]["missing_total"], 4, "{}", lines[6]);
    assert_eq!(lines[6]["missing"][0]["before"], true);
    assert_eq!(
        lines[6]["missing"][2]["subject"],
        json!({"kind": "User", "name": "alice@example.com"})
    );

    let annotated = annotations(&lab.audit_events(&home));
    let recorded: Vec<(String, Value)> = lines
        .iter()
        .map(|line| (line["decision"].as_str().unwrap().to_owned(), line.clone()))
        .collect();
    assert_eq!(
        annotated, recorded,
        "the API server's audit log says otherwise"
    );
}

/// What the webhook put into the API server's audit log: the decision and the record.
fn annotations(events: &[Value]) -> Vec<(String, Value)> {
    let annotation = |event: &Value, key: &str| {
        let value = &event["annotations"][format!("validate.bindguard.dev/{key}")];
        value.as_str().map(str::to_owned)
    };
    events
        .iter()
        .filter_map(|event| {
            let decision = annotation(event, "decision")?;
            let record = annotation(event, "record").expect("a decision has its record");
            Some((
                decision,
                serde_json::from_str(&record).expect("a record is JSON"),
            ))
        })
        .collect()
}
