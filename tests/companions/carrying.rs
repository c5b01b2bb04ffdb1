//! What is made, for whom, and how.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::crew::{
    LIMIT, NAMESPACES, PROVISION, TEMPLATES, asking, binding_of, both_kinds, crew, subject_of,
};
use crate::support::{ADMIN, User, eventually, unique};
use crate::world::{bindguard, both, role_binding, user};

/// How long one waits for what must not come.
const NEVER: Duration = Duration::from_secs(3);

#[test]
fn who_may_make_companions_gets_them_made_and_the_subject_can_list() {
    let crew = crew();
    for object in both_kinds(&crew.plane.namespace()) {
        let name = subject_of(&object);
        let began = Instant::now();
        let output = crew.create(both(), &asking(object.clone()));
        assert!(output.succeeded(), "{output}");
        assert!(output.stderr.contains("will be bound to User"), "{output}");
        let made = crew.wait_for_companions(name);
        eprintln!(
            "figure: companions seen {:.2?} after kubectl began",
            began.elapsed()
        );
        let place = match object["metadata"]["namespace"].as_str() {
            Some(namespace) => format!(
                "RoleBinding {namespace}/{}",
                word(&object["metadata"]["name"])
            ),
            None => format!("ClusterRoleBinding {}", word(&object["metadata"]["name"])),
        };
        for (binding, role) in made.iter().zip([NAMESPACES, TEMPLATES]) {
            assert_eq!(binding["roleRef"]["name"], role);
            assert_eq!(binding["roleRef"]["kind"], "ClusterRole");
            assert_eq!(binding["subjects"].as_array().unwrap().len(), 1);
            let annotations = &binding["metadata"]["annotations"];
            assert_eq!(annotations["bindguard.dev/ordered-by"], "boris");
            assert_eq!(annotations["bindguard.dev/ordered-for"], place);
            let shown = word(&binding["metadata"]["name"]);
            assert!(shown.starts_with(&format!("bindguard-{role}-")), "{shown}");
        }
        let list = ["get", "namespaces"];
        crew.plane
            .kubectl(User::named(name), &list)
            .expect_success();
        let note = crew.wait_for_event(&object, "CompanionsMade");
        assert_eq!(note, "2 companion bindings made, by the order of boris");
    }
}

#[test]
fn the_same_applied_again_makes_nothing_anew() {
    let crew = crew();
    for args in [
        &["apply", "--server-side", "--filename", "-"][..],
        &["apply", "--filename", "-"],
    ] {
        let [object, _] = both_kinds(&crew.plane.namespace());
        let text = asking(object.clone()).to_string();
        crew.plane
            .kubectl_stdin(both(), args, &text)
            .expect_success();
        let first = crew.wait_for_companions(subject_of(&object));
        crew.plane
            .kubectl_stdin(both(), args, &text)
            .expect_success();
        std::thread::sleep(NEVER);
        assert_eq!(crew.made_for(subject_of(&object)), first);
    }
}

#[test]
fn a_name_to_be_made_up_is_no_different_and_a_dry_run_makes_nothing() {
    let crew = crew();
    let [mut object, other] = both_kinds(&crew.plane.namespace());
    object["metadata"].as_object_mut().unwrap().remove("name");
    object["metadata"]["generateName"] = json!("team-");
    let dry_run = ["--dry-run=server"];
    for object in [&object, &other] {
        let output = crew.create_with(both(), &dry_run, &asking(object.clone()));
        assert!(output.succeeded(), "{output}");
        assert!(output.stderr.contains("would be bound to User"), "{output}");
    }
    std::thread::sleep(NEVER);
    for object in [&object, &other] {
        assert_eq!(crew.made_for(subject_of(object)), Vec::<Value>::new());
    }
    crew.create(both(), &asking(object.clone()))
        .expect_success();
    crew.wait_for_companions(subject_of(&object));
}

#[test]
fn only_what_is_missing_is_made_and_only_where_it_was_asked_for() {
    let crew = crew();
    let [half, whole] = both_kinds(&crew.plane.namespace());
    let bind = |role: &str, name: &str| {
        let own = format!("by-hand-{role}-{name}");
        let args = ["create", "clusterrolebinding", &own];
        let args = [
            &args[..],
            &[&format!("--clusterrole={role}")],
            &[&format!("--user={name}")],
        ];
        crew.plane.kubectl(ADMIN, &args.concat()).expect_success();
    };
    bind(NAMESPACES, subject_of(&half));
    bind(NAMESPACES, subject_of(&whole));
    bind(TEMPLATES, subject_of(&whole));
    // Covered, and so without an order.
    crew.create(both(), &asking(whole.clone())).expect_success();
    crew.create(both(), &asking(half.clone())).expect_success();
    let made = eventually(LIMIT, || {
        let made = crew.made_for(subject_of(&half));
        (!made.is_empty()).then_some(made)
    });
    let made = made.unwrap_or_else(|| panic!("{}", crew.log()));
    let roles: Vec<&Value> = made.iter().map(|made| &made["roleRef"]["name"]).collect();
    assert_eq!(roles, [TEMPLATES]);
    let [unasked, _] = both_kinds(&crew.plane.namespace());
    crew.create(both(), &unasked).expect_failure();
    std::thread::sleep(NEVER);
    for object in [&whole, &unasked] {
        assert_eq!(crew.made_for(subject_of(object)), Vec::<Value>::new());
    }
}

#[test]
fn hostile_names_are_provisioned_exactly() {
    let crew = crew();
    for name in [
        "quote'd \"twice\"",
        "line\nfeed\u{1b}[31m",
        "🚀 <script>&amp;\u{202e}drow",
        "$(reboot) `id` %2e%2e/",
        "oidc:https://issuer.example/#alice@example.com",
        &"long".repeat(200),
    ] {
        let object = role_binding(&crew.plane.namespace(), "team");
        let name = format!("{name}-{}", unique("x"));
        let object = binding_of(&name, object);
        let output = crew.create(both(), &asking(object));
        assert!(output.succeeded(), "{output}");
        for made in crew.wait_for_companions(&name) {
            assert_eq!(made["subjects"][0]["kind"], "User");
        }
    }
}

#[test]
fn groups_and_service_accounts_are_provisioned_in_their_own_form() {
    let crew = crew();
    let namespace = crew.plane.namespace();
    let mut object = role_binding(&namespace, "team");
    let group = unique("devs");
    object["subjects"] = json!([
        {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": group},
        {"kind": "ServiceAccount", "name": "builder", "namespace": namespace},
        {"apiGroup": "rbac.authorization.k8s.io", "kind": "User",
            "name": format!("system:serviceaccount:{namespace}:runner")},
    ]);
    crew.create(both(), &asking(object)).expect_success();
    for made in crew.wait_for_companions(&group) {
        assert_eq!(made["subjects"][0]["kind"], "Group");
    }
    for account in ["builder", "runner"] {
        let found = eventually(LIMIT, || {
            let mut made = crew.made_for(account);
            made.retain(|made| made["subjects"][0]["namespace"] == namespace.as_str());
            (made.len() == 2).then_some(made)
        });
        let found = found.unwrap_or_else(|| panic!("{}", crew.log()));
        assert!(
            found
                .iter()
                .all(|made| made["subjects"][0]["kind"] == "ServiceAccount")
        );
    }
}

#[test]
fn what_has_the_name_already_and_gives_something_else_is_told_and_left() {
    let crew = crew();
    let namespace = crew.plane.namespace();
    let [object, _] = both_kinds(&namespace);
    crew.create(both(), &asking(object.clone()))
        .expect_success();
    let mut made = crew.wait_for_companions(subject_of(&object));
    let delete = ["delete", "--filename", "-"];
    crew.plane
        .kubectl_stdin(ADMIN, &delete, &object.to_string())
        .expect_success();
    for binding in &made {
        crew.plane
            .kubectl_stdin(ADMIN, &delete, &binding.to_string())
            .expect_success();
    }
    let mut other = made.remove(0);
    other["metadata"] = json!({"name": other["metadata"]["name"], "labels": {"somebody": "else"}});
    other["subjects"][0]["name"] = json!("somebody-else");
    crew.plane.apply(ADMIN, &other.to_string()).expect_success();
    // The index of whoever serves may lag behind a deletion, and then nothing seems to be missing.
    std::thread::sleep(Duration::from_secs(1));
    crew.create(both(), &asking(object.clone()))
        .expect_success();
    let note = eventually(LIMIT, || {
        let mut events = crew.events(&object).into_iter();
        events.find(|(_, note)| note.contains("is in the way"))
    });
    let (_, note) = note.unwrap_or_else(|| panic!("{:?}\n{}", crew.events(&object), crew.log()));
    assert!(
        note.starts_with("1 companion binding made, by the order of boris; "),
        "{note}"
    );
    let name = word(&other["metadata"]["name"]);
    let stored = crew.get(&["clusterrolebinding", &name]);
    assert_eq!(stored["subjects"][0]["name"], "somebody-else");
}

#[test]
fn helm_gets_companions_for_what_it_installs() {
    let crew = crew();
    let namespace = crew.plane.namespace();
    let objects = both_kinds(&namespace);
    let chart = crate::support::fresh_folder("chart");
    std::fs::create_dir_all(chart.join("templates")).unwrap();
    std::fs::write(
        chart.join("Chart.yaml"),
        "apiVersion: v2\nname: team\nversion: 1.0.0\n",
    )
    .unwrap();
    for (number, object) in objects.iter().enumerate() {
        let file = chart.join(format!("templates/{number}.yaml"));
        std::fs::write(file, asking(object.clone()).to_string()).unwrap();
    }
    let helper = user("helga", &["create", "bind", "helm"]);
    let secrets = ["create", "clusterrolebinding", "helm-everything"];
    let secrets = [&secrets[..], &["--clusterrole=everything", "--group=helm"]].concat();
    crew.plane.kubectl(ADMIN, &secrets).expect_success();
    let chart = chart.display().to_string();
    let install = ["install", "team", &chart, "--namespace", &namespace];
    crew.plane.helm(helper, &install).expect_success();
    for object in &objects {
        for made in crew.wait_for_companions(subject_of(object)) {
            let annotations = &made["metadata"]["annotations"];
            assert_eq!(annotations["bindguard.dev/ordered-by"], "helga");
        }
    }
    // They are not the release's: whoever else needs them keeps them.
    let uninstall = ["uninstall", "team", "--namespace", &namespace];
    crew.plane.helm(ADMIN, &uninstall).expect_success();
    for object in &objects {
        assert_eq!(crew.made_for(subject_of(object)).len(), 2);
    }
}

#[test]
fn an_update_that_asks_anew_orders_for_all_who_lack_something() {
    let crew = crew();
    let [object, _] = both_kinds(&crew.plane.namespace());
    let exempting = User::named("root").in_group("system:masters");
    // As it was before anybody judged.
    let without = ["delete", "validatingwebhookconfiguration", "bindguard"];
    crew.plane.kubectl(ADMIN, &without).expect_success();
    let settled = eventually(LIMIT, || {
        crew.create(&exempting, &object).succeeded().then_some(())
    });
    assert!(settled.is_some());
    crew.restore();
    let ask = json!({"metadata": {"annotations": {PROVISION: "true"}}});
    crew.patch(both(), &object, &ask).expect_success();
    crew.wait_for_companions(subject_of(&object));
}

fn word(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[test]
fn what_nobody_needs_any_more_is_found_and_taken_away_and_nothing_else() {
    let crew = crew();
    let [kept, gone] = both_kinds(&crew.plane.namespace());
    for object in [&kept, &gone] {
        crew.create(both(), &asking(object.clone()))
            .expect_success();
    }
    for object in [&kept, &gone] {
        crew.wait_for_companions(subject_of(object));
    }
    let delete = ["delete", "--filename", "-"];
    let deleted = crew.plane.kubectl_stdin(ADMIN, &delete, &gone.to_string());
    deleted.expect_success();
    // It looks like one that was made, and is somebody's own.
    let by_hand = "by-hand-for-nobody";
    let own = ["create", "clusterrolebinding", by_hand, "--user=nobody"];
    let role = format!("--clusterrole={NAMESPACES}");
    crew.plane
        .kubectl(ADMIN, &[&own[..], &[&role]].concat())
        .expect_success();
    let label = [
        "label",
        "clusterrolebinding",
        by_hand,
        "app.kubernetes.io/part-of=bindguard",
    ];
    crew.plane.kubectl(ADMIN, &label).expect_success();

    let prune = |who: User, args: &[&str]| {
        let kubeconfig = crew.plane.kubeconfig(who).display().to_string();
        let args = [&["prune", "--kubeconfig", &kubeconfig], args].concat();
        bindguard(&args)
    };
    let admin = || User::from(ADMIN);
    let found = prune(admin(), &[]).expect_success();
    let for_gone = format!("to User {}; made for", subject_of(&gone));
    assert_eq!(found.matches(&for_gone).count(), 2, "{found}");
    assert!(
        !found.contains(subject_of(&kept)) && !found.contains(by_hand),
        "{found}"
    );
    let json: Value =
        serde_json::from_str(&prune(admin(), &["-o", "json"]).expect_success()).unwrap();
    let of_gone = |one: &&Value| one["subject"]["name"] == subject_of(&gone);
    let companions = json["companions"].as_array().unwrap();
    assert_eq!(companions.iter().filter(of_gone).count(), 2, "{json}");

    // Nothing goes without a yes, nor without the right.
    let unasked = prune(admin(), &["--apply"]);
    assert!(unasked.expect_failure().contains("nothing was deleted"));
    let reader = User::named("reader").in_group("readers");
    let reading = ["create", "clusterrole", "reads", "--verb=list"];
    let what = "--resource=rolebindings,clusterrolebindings";
    crew.plane
        .kubectl(ADMIN, &[&reading[..], &[what]].concat())
        .expect_success();
    let bind = [
        "create",
        "clusterrolebinding",
        "reads",
        "--clusterrole=reads",
        "--group=readers",
    ];
    crew.plane.kubectl(ADMIN, &bind).expect_success();
    let refused = prune(reader, &["--apply", "--yes"]).expect_failure();
    assert!(
        refused.contains("cannot delete ClusterRoleBinding"),
        "{refused}"
    );
    assert_eq!(crew.made_for(subject_of(&gone)).len(), 2);

    prune(admin(), &["--apply", "--yes"]).expect_success();
    assert_eq!(crew.made_for(subject_of(&gone)), Vec::<Value>::new());
    assert_eq!(crew.made_for(subject_of(&kept)).len(), 2);
    crew.get(&["clusterrolebinding", by_hand]);
}
