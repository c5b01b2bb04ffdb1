//! `bindguard scan` on a real API server that nobody else uses.

use std::path::Path;

use serde_json::{Value, json};

use crate::commands::{bindguard, code, with_rights};
use crate::objects::{
    NAMESPACES, TEMPLATES, account_here, cluster_role_binding, companions, group, role_binding,
    user,
};
use crate::sarif;
use crate::stage::create;
use crate::support::{ADMIN, ControlPlane};

/// More than two pages of a list.
const MANY: usize = 600;

/// Scans, and gives the exit code and the report.
pub(crate) fn scan(kubeconfig: &Path, args: &[&str]) -> (Option<i32>, Value) {
    let args = [&["scan", "-o", "json"], args].concat();
    let output = bindguard(kubeconfig, &args);
    let report = serde_json::from_str(&output.stdout).unwrap_or_else(|_| panic!("{output}"));
    (code(&output), report)
}

/// The findings, one line each, in order.
pub(crate) fn lines(report: &Value) -> Vec<String> {
    let findings = report["findings"].as_array().unwrap();
    let line = |finding: &Value| {
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        format!(
            "{} {} {} {}",
            text(&finding["severity"]),
            text(&finding["reason"]),
            text(&finding["subject"]["name"]),
            text(&finding["binding"]["name"])
        )
    };
    findings.iter().map(line).collect()
}

#[test]
fn a_scan_finds_what_is_wrong_and_nothing_else() {
    let plane = ControlPlane::start(&[]);
    let admin = plane.kubeconfig(ADMIN);

    let (code, report) = scan(&admin, &[]);
    assert_eq!(code, Some(1), "{report:#}");
    let expected = [
        ["warning noCompanionRole - -"; 2],
        ["warning configurationDrift - -"; 2],
    ];
    assert_eq!(lines(&report), expected.concat(), "{report:#}");
    let message = report["findings"][0]["message"].as_str().unwrap();
    assert_eq!(
        message,
        "there is no ClusterRole spectro-list-namespaces: bindings to it give nothing"
    );

    plane.install_roles();
    let manifests = manifests(&plane);
    plane.apply(ADMIN, &manifests).expect_success();
    let clean = bindguard(&admin, &["scan"]).expect_success();
    assert!(clean.starts_with("no findings: "), "{clean}");
    // Nobody answers what they would ask.
    let delete = ["delete", "--filename", "-"];
    plane
        .kubectl_stdin(ADMIN, &delete, &manifests)
        .expect_success();

    world(&plane);
    let sarif = bindguard(&admin, &["scan", "-o", "sarif"]).stdout;
    let faults = sarif::faults(&serde_json::from_str(&sarif).unwrap());
    assert_eq!(faults, Vec::<String>::new());
    let (code, report) = scan(&admin, &["-A"]);
    assert_eq!(code, Some(1), "{report:#}");
    assert_eq!(
        lines(&report),
        [
            "error missingCompanions carol viewers",
            "error missingCompanions alice vm",
            "error missingCompanions bot vm",
            "warning umbrellaGroup system:authenticated all",
            "warning configurationDrift - -",
            "warning configurationDrift - -",
        ],
        "{report:#}"
    );
    let drift = report["findings"][4]["message"].as_str().unwrap();
    assert_eq!(
        drift,
        "ValidatingWebhookConfiguration bindguard is not as the policy wants it: the configuration \
         does not exist"
    );
    let missing = [
        &report["findings"][1]["missing"],
        &report["findings"][2]["missing"],
    ];
    // Everybody has the templates by `all`, but for a persona it takes both.
    assert_eq!(missing, [&json!([NAMESPACES]), &json!([NAMESPACES])]);
    assert_eq!(report["findings"][2]["subject"]["namespace"], "red");
    let exempt: Vec<&Value> = report["exempt"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["by"])
        .collect();
    assert!(exempt.contains(&&json!("exempt.namespaces")), "{report:#}");
    assert!(exempt.contains(&&json!("exempt.subjects")), "{report:#}");

    filters(&admin);
    rights(&plane);
    pages(&plane, &admin);
}

/// What `bindguard manifests` prints for a webhook that is nowhere.
pub(crate) fn manifests(plane: &ControlPlane) -> String {
    let authority = plane.authority_file().display().to_string();
    let args = ["manifests", "--url", "https://127.0.0.1:1", "--ca"];
    bindguard(
        &plane.kubeconfig(ADMIN),
        &[&args[..], &[&authority]].concat(),
    )
    .expect_success()
}

fn world(plane: &ControlPlane) {
    for namespace in ["red", "blue"] {
        plane
            .kubectl(ADMIN, &["create", "namespace", namespace])
            .expect_success();
    }
    let bob = user("bob");
    let mut objects = companions("bob", &bob).to_vec();
    objects.extend([
        cluster_role_binding("all", TEMPLATES, [group("system:authenticated")]),
        cluster_role_binding("viewers", "view", [user("carol"), bob.clone()]),
        role_binding(
            "red",
            "vm",
            "spectro-vm-user",
            [user("alice"), bob.clone(), account_here("bot")],
        ),
        role_binding("blue", "vm", "edit", [bob, account_here("bot")]),
        role_binding("kube-system", "own", "view", [user("dave")]),
    ]);
    create(plane, &objects);
}

fn filters(admin: &Path) {
    let found = |args: &[&str]| lines(&scan(admin, args).1);
    let in_red = [
        "error missingCompanions alice vm",
        "error missingCompanions bot vm",
    ];
    assert_eq!(found(&["-n", "red"]), in_red);
    assert_eq!(scan(admin, &["-n", "blue"]).0, Some(0));
    assert_eq!(found(&["--persona", "vm"]), in_red);
    assert_eq!(
        found(&["--persona", "spectro-vm-user", "--subject", "red/bot"]),
        in_red[1..]
    );
    assert_eq!(
        found(&["--subject", "system:serviceaccount:red:bot"]),
        in_red[1..]
    );
    assert_eq!(
        found(&["--subject", "carol"]),
        ["error missingCompanions carol viewers"]
    );
    assert_eq!(
        found(&["--subject", "system:authenticated"]),
        ["warning umbrellaGroup system:authenticated all"]
    );
    assert_eq!(found(&["--subject", "bob"]), [""; 0]);
    let unknown = bindguard(admin, &["scan", "--persona", "wm"]);
    assert_eq!(code(&unknown), Some(2), "{unknown}");
    assert!(
        unknown
            .stderr
            .contains("--persona \"wm\" is none of the policy's: vm, "),
        "{unknown}"
    );
}

/// Somebody who may read the bindings of one namespace, and those of the cluster.
fn rights(plane: &ControlPlane) {
    let rules = json!([{
        "apiGroups": ["rbac.authorization.k8s.io"],
        "resources": ["clusterrolebindings"],
        "verbs": ["list"],
    }]);
    let lead = with_rights(plane, &rules);
    let rights = [
        "create",
        "role",
        "lead",
        "--namespace=red",
        "--verb=list",
        "--resource=rolebindings",
    ];
    plane.kubectl(ADMIN, &rights).expect_success();
    let user = format!("--user={lead}");
    let binding = [
        "create",
        "rolebinding",
        "lead",
        "--namespace=red",
        "--role=lead",
        &user,
    ];
    plane.kubectl(ADMIN, &binding).expect_success();
    let lead = plane.kubeconfig(&*lead);
    assert_eq!(lines(&scan(&lead, &["-n", "red"]).1).len(), 2);

    let whole = bindguard(&lead, &["scan"]);
    assert_eq!(code(&whole), Some(2), "{whole}");
    assert!(
        whole
            .stderr
            .contains("cannot list the RoleBindings: rolebindings.rbac"),
        "{whole}"
    );

    // What may not be looked at is an error, and hides no finding.
    let rules = json!([{
        "apiGroups": ["rbac.authorization.k8s.io"],
        "resources": ["clusterrolebindings", "rolebindings"],
        "verbs": ["list"],
    }]);
    let reader = plane.kubeconfig(&*with_rights(plane, &rules));
    let output = bindguard(&reader, &["scan", "-o", "json"]);
    assert_eq!(code(&output), Some(2), "{output}");
    for words in [
        "cannot see whether there is a ClusterRole spectro-list-namespaces: ",
        "cannot see whether there is a ClusterRole spectro-vm-user: ",
        "cannot see whether ValidatingWebhookConfiguration bindguard is as the policy wants it: ",
    ] {
        assert!(output.stderr.contains(words), "{words}: {output}");
    }
    let report: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(lines(&report).len(), 4, "{report:#}");
}

fn pages(plane: &ControlPlane, admin: &Path) {
    let many: Vec<Value> = (0..MANY)
        .map(|number| {
            let lacking = user(&format!("user-{number}"));
            role_binding("blue", &format!("many-{number}"), "view", [lacking])
        })
        .collect();
    create(plane, &many);
    let (code, report) = scan(admin, &["-n", "blue"]);
    assert_eq!(code, Some(1));
    assert_eq!(report["summary"]["findings"], MANY, "{}", report["summary"]);
    assert_eq!(report["summary"]["personaBindings"], MANY + 1);
    let table = bindguard(admin, &["scan", "-n", "blue"]);
    assert!(
        table
            .stdout
            .ends_with("What adds them: bindguard fix --cluster\n"),
        "{table}"
    );
}
