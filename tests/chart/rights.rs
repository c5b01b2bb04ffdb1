//! Who may do what: read from what is rendered, for every case of the matrix.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::chart::{NAMESPACE, RELEASE, Rendering};
use crate::matrix::{Case, cases};

/// One rule and the object it stands in.
struct Granted {
    case: &'static Case,
    kind: &'static str,
    name: &'static str,
    rule: &'static Value,
}

impl Granted {
    fn list(&self, field: &str) -> Vec<&'static str> {
        let list = self.rule[field].as_array().map(Vec::as_slice);
        let list = list.unwrap_or_default().iter();
        list.map(|item| item.as_str().expect("rules are lists of strings"))
            .collect()
    }

    fn place(&self) -> String {
        format!("{} {} ({})", self.kind, self.name, self.case.name)
    }
}

fn all() -> Vec<Granted> {
    let mut granted = Vec::new();
    for case in cases() {
        for kind in ["Role", "ClusterRole"] {
            for role in case.rendering.of_kind(kind) {
                let name = role["metadata"]["name"].as_str().unwrap();
                let rules = role["rules"].as_array().unwrap().iter();
                granted.extend(rules.map(|rule| Granted {
                    case,
                    kind,
                    name,
                    rule,
                }));
            }
        }
    }
    assert!(granted.len() > 500, "rules were looked at");
    granted
}

#[test]
fn no_rule_has_a_wildcard_or_a_verb_that_gives_more_than_it_says() {
    for granted in all() {
        for field in ["apiGroups", "resources", "verbs", "resourceNames"] {
            for word in granted.list(field) {
                assert!(!word.contains('*'), "{}: {field} {word}", granted.place());
            }
        }
        for verb in granted.list("verbs") {
            let known = [
                "get", "list", "watch", "create", "update", "patch", "delete", "bind",
            ];
            assert!(known.contains(&verb), "{}: {verb}", granted.place());
        }
        assert!(granted.rule.get("nonResourceURLs").is_none());
    }
}

#[test]
fn secrets_are_named_but_for_making_them_anew_and_never_across_namespaces() {
    let mut read = BTreeSet::new();
    for granted in all() {
        if !granted.list("resources").contains(&"secrets") {
            continue;
        }
        assert_eq!(granted.kind, "Role", "{}", granted.place());
        let verbs = granted.list("verbs");
        if verbs == ["create"] {
            assert!(granted.name.ends_with("-controller"), "{}", granted.place());
            assert_eq!(granted.list("resourceNames"), [""; 0]);
            continue;
        }
        let named = granted.list("resourceNames");
        assert!(!named.is_empty(), "{}", granted.place());
        let serves = !granted.name.ends_with("-controller");
        let writes = verbs
            .iter()
            .any(|verb| !["get", "list", "watch"].contains(verb));
        assert!(!(serves && writes), "{}", granted.place());
        read.extend(named);
    }
    let own = ["bindguard-ca", "bindguard-tls", "007", "web.tls"];
    assert_eq!(read, own.into());
}

/// The names of the ClusterRoles that the policy of a rendering says are companions.
fn companions(policy: &Value) -> Vec<&str> {
    let companions = policy["spec"]["companions"].as_array().unwrap().iter();
    companions
        .map(|companion| companion["clusterRole"].as_str().unwrap())
        .collect()
}

#[test]
fn bind_is_for_a_hook_and_personas_in_the_own_namespace_and_for_the_controller_and_companions() {
    let mut seen = BTreeSet::new();
    for granted in all() {
        if !granted.list("verbs").contains(&"bind") {
            continue;
        }
        let place = granted.place();
        assert_eq!(granted.list("resources"), ["clusterroles"], "{place}");
        let policy: Value = serde_saphyr::from_str(granted.case.rendering.policy()).unwrap();
        let roles: Vec<&str> = match (granted.kind, granted.name) {
            ("Role", "bindguard-verify") => {
                let personas = policy["spec"]["personas"].as_array().unwrap().iter();
                let roles = personas.flat_map(|one| one["clusterRoles"].as_array().unwrap());
                roles.map(|role| role.as_str().unwrap()).collect()
            }
            ("ClusterRole", "bindguard-controller") => companions(&policy),
            _ => panic!("{place}"),
        };
        assert_eq!(granted.list("resourceNames"), roles, "{place}");
        seen.insert((granted.name, roles.len()));
    }
    assert!(seen.contains(&("bindguard-controller", 16)), "{seen:?}");
    assert!(seen.contains(&("bindguard-verify", 8)), "{seen:?}");
}

/// What only orders need, by whose it is.
const FOR_ORDERS: [&str; 7] = [
    "ClusterRole bindguard-controller: bind clusterroles",
    "ClusterRole bindguard-controller: create,get clusterrolebindings",
    "ClusterRole bindguard-controller: create,patch events",
    "ClusterRole bindguard-controller: get validatingadmissionpolicies,validatingadmissionpolicybindings",
    "ClusterRole bindguard: create subjectaccessreviews",
    "Role bindguard-controller: get,update configmaps",
    "Role bindguard: get,list,watch configmaps",
];

#[test]
fn what_only_orders_need_is_given_wherever_somebody_orders_and_nowhere_else() {
    let mut disabled = 0;
    for case in cases() {
        let given: BTreeSet<String> = all()
            .into_iter()
            .filter(|granted| std::ptr::eq(granted.case, case))
            .map(|granted| {
                let mut verbs = granted.list("verbs");
                verbs.sort_unstable();
                let resources = granted.list("resources").join(",");
                format!(
                    "{} {}: {} {resources}",
                    granted.kind,
                    granted.name,
                    verbs.join(",")
                )
            })
            .collect();
        let mode = case.values.pointer("/policy/provisioning/mode");
        let is_disabled = mode == Some(&json!("Disabled"));
        disabled += usize::from(is_disabled);
        for right in FOR_ORDERS {
            assert_eq!(
                given.contains(right),
                !is_disabled,
                "{}: {right}",
                case.name
            );
        }
        let maps = ["bindguard-epoch", "bindguard-orders"];
        for name in maps {
            let found = names(&case.rendering, "ConfigMap").any(|found| found == name);
            assert_eq!(found, !is_disabled, "{}: {name}", case.name);
        }
    }
    assert!(disabled > 0);
}

/// What finding what is wrong needs, whatever else a controller does.
const FOR_FINDINGS: [&str; 2] = [
    "list,watch clusterrolebindings,rolebindings",
    "get clusterroles",
];

#[test]
fn every_controller_may_look_at_all_that_it_finds_faults_with_and_at_no_other_role() {
    for case in cases() {
        let policy: Value = serde_saphyr::from_str(case.rendering.policy()).unwrap();
        let personas = policy["spec"]["personas"].as_array().unwrap().iter();
        let personas = personas.flat_map(|one| one["clusterRoles"].as_array().unwrap());
        let mut roles = companions(&policy);
        roles.extend(personas.map(|role| role.as_str().unwrap()));
        let granted = all().into_iter().filter(|granted| {
            std::ptr::eq(granted.case, case) && granted.name == "bindguard-controller"
        });
        let mut found = 0;
        for granted in granted {
            let (verbs, resources) = (granted.list("verbs"), granted.list("resources"));
            let right = format!("{} {}", verbs.join(","), resources.join(","));
            found += usize::from(FOR_FINDINGS.contains(&&*right));
            if right == "get clusterroles" {
                assert_eq!(granted.list("resourceNames"), roles, "{}", case.name);
            }
        }
        assert_eq!(found, FOR_FINDINGS.len(), "{}", case.name);
    }
}

#[test]
fn the_controller_makes_bindings_and_never_changes_or_deletes_one() {
    let mut writes = BTreeSet::new();
    for granted in all() {
        if granted.name != "bindguard-controller" {
            continue;
        }
        let resources = granted.list("resources");
        if resources
            .iter()
            .any(|resource| resource.ends_with("bindings"))
        {
            writes.extend(granted.list("verbs"));
        }
    }
    assert_eq!(writes, ["create", "get", "list", "watch"].into());
}

#[test]
fn webhook_configurations_are_named_and_written_only_where_the_controller_makes_certificates() {
    for granted in all() {
        let resources = granted.list("resources");
        if !resources
            .iter()
            .any(|resource| resource.ends_with("webhookconfigurations"))
        {
            continue;
        }
        let (place, verbs) = (granted.place(), granted.list("verbs"));
        assert_eq!(granted.list("resourceNames"), ["bindguard"], "{place}");
        let is_managed = granted.case.values.pointer("/certificates/mode").is_none();
        let may: &[&str] = match granted.name {
            "bindguard-controller" if is_managed => &["get", "list", "watch", "patch"],
            "bindguard-unregister" => &["get", "delete"],
            "bindguard-controller" | "bindguard-reader" | "bindguard-verify" => &["get"],
            "bindguard" => &["get", "list", "watch"],
            other => panic!("{other} has no business with them: {place}"),
        };
        assert_eq!(verbs, may, "{place}");
    }
}

#[test]
fn serve_writes_nothing_in_the_cluster_but_events_and_its_history() {
    for granted in all() {
        if granted.name != "bindguard" {
            continue;
        }
        let writing: Vec<&str> = granted
            .list("verbs")
            .into_iter()
            .filter(|verb| !["get", "list", "watch"].contains(verb))
            .collect();
        let (resources, place) = (granted.list("resources"), granted.place());
        let expected: &[&str] = match (granted.kind, resources.as_slice()) {
            ("ClusterRole", ["events"]) => &["create", "patch"],
            ("Role", ["configmaps"]) if granted.list("resourceNames") == ["bindguard-history"] => {
                &["update"]
            }
            ("ClusterRole", ["subjectaccessreviews"]) => &["create"],
            _ => &[],
        };
        assert_eq!(writing, expected, "{place}");
    }
}

#[test]
fn a_right_that_no_name_limits_is_one_of_these() {
    let unnamed: BTreeSet<String> = all()
        .iter()
        .filter(|granted| granted.rule.get("resourceNames").is_none())
        .map(|granted| {
            let (resources, verbs) = (granted.list("resources"), granted.list("verbs"));
            format!(
                "{} {}: {} {}",
                granted.kind,
                granted.name,
                verbs.join(","),
                resources.join(",")
            )
        })
        .collect();
    let expected = [
        "ClusterRole bindguard-controller: create,patch events",
        "ClusterRole bindguard-controller: list,create,patch,delete reports,clusterreports",
        "ClusterRole bindguard-controller: get,create clusterrolebindings",
        "ClusterRole bindguard-controller: list,watch clusterrolebindings,rolebindings",
        "ClusterRole bindguard-reader: get,list,watch rolebindings,clusterrolebindings",
        "ClusterRole bindguard-verify: list clusterrolebindings",
        "ClusterRole bindguard: create subjectaccessreviews",
        "ClusterRole bindguard: create,patch events",
        "ClusterRole bindguard: list,watch clusterrolebindings",
        "ClusterRole bindguard: list,watch rolebindings",
        "Role bindguard-controller: create leases",
        "Role bindguard-controller: create,patch events",
        "Role bindguard-controller: create secrets",
        "Role bindguard-controller: list endpointslices",
        "Role bindguard-verify: create rolebindings",
    ];
    assert_eq!(unnamed, expected.map(str::to_owned).into());
}

#[test]
fn every_role_is_bound_to_the_account_of_its_name_in_the_release_s_namespace_and_to_nobody_else() {
    for case in cases() {
        for (binding, role) in [
            ("RoleBinding", "Role"),
            ("ClusterRoleBinding", "ClusterRole"),
        ] {
            let roles: BTreeSet<&str> = names(&case.rendering, role)
                .filter(|name| *name != "bindguard-reader")
                .collect();
            let bound: BTreeSet<&str> = names(&case.rendering, binding).collect();
            assert_eq!(bound, roles, "{}", case.name);
            for object in case.rendering.of_kind(binding) {
                let name = &object["metadata"]["name"];
                assert_eq!(object["roleRef"]["name"], *name);
                assert_eq!(object["roleRef"]["kind"], role);
                let account =
                    json!([{"kind": "ServiceAccount", "name": name, "namespace": NAMESPACE}]);
                assert_eq!(object["subjects"], account);
            }
        }
        for workload in ["Deployment", "Job"] {
            for object in case.rendering.of_kind(workload) {
                let name = &object["metadata"]["name"];
                let pod = &object["spec"]["template"]["spec"];
                assert_eq!(pod["serviceAccountName"], *name, "{}", case.name);
                case.rendering
                    .object("ServiceAccount", name.as_str().unwrap());
            }
        }
    }
    assert_eq!(
        RELEASE, "bindguard",
        "the names above are those of this release"
    );
}

fn names<'r>(rendering: &'r Rendering, kind: &str) -> impl Iterator<Item = &'r str> {
    let objects = rendering.of_kind(kind).into_iter();
    objects.map(|object| object["metadata"]["name"].as_str().unwrap())
}

#[test]
fn every_rule_has_a_comment_with_its_reason() {
    let templates = ["serve", "controller", "hooks"].map(|part| {
        let folder = crate::chart::folder().join("templates").join(part);
        std::fs::read_dir(folder)
            .unwrap()
            .map(|file| file.unwrap().path())
    });
    let reader = crate::chart::folder().join("templates/reader.yaml");
    let mut rules = 0;
    for file in templates.into_iter().flatten().chain([reader]) {
        let text = std::fs::read_to_string(&file).unwrap();
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        for (number, line) in lines.iter().enumerate() {
            if !line.starts_with("- apiGroups:") {
                continue;
            }
            rules += 1;
            let has_comment = lines[number - 1].starts_with('#');
            assert!(has_comment, "{}:{}", file.display(), number + 1);
        }
    }
    assert!(rules > 15, "{rules}");
}
