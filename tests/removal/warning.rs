//! The built-in policy warns, and everything passes.

use std::sync::OnceLock;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{ADMIN, Bindguard, ControlPlane, Registration, eventually, unique};
use crate::world::{
    NAMESPACES, TEMPLATES, both, cluster_role_binding, create, furnish, platform, role_binding,
    serve, subjects,
};

struct Stage {
    plane: &'static ControlPlane,
    bindguard: Bindguard,
    _registration: OnceLock<Registration<'static>>,
}

fn stage() -> &'static Stage {
    static STAGE: OnceLock<Stage> = OnceLock::new();
    let stage = STAGE.get_or_init(|| {
        let plane = ControlPlane::shared();
        furnish(plane);
        let bindguard = serve(plane).start();
        let registration = bindguard.register(plane);
        Stage {
            plane,
            bindguard,
            _registration: OnceLock::from(registration),
        }
    });
    stage.wait_until_removals_are_judged();
    stage
}

impl Stage {
    /// The API server takes up one webhook of a configuration with the other, and bindguard reads
    /// persona bindings beside the companions: both take a moment.
    fn wait_until_removals_are_judged(&self) {
        static JUDGED: OnceLock<()> = OnceLock::new();
        JUDGED.get_or_init(|| {
            let synced = eventually(Duration::from_secs(20), || {
                let (_, metrics) = self.bindguard.admin("/metrics").ok()?;
                metrics
                    .contains("bindguard_persona_index_synced 1\n")
                    .then_some(())
            });
            assert!(synced.is_some(), "{}", self.bindguard.stderr());
        });
    }

    /// A namespace in which one RoleBinding makes these subjects VM users, who have both
    /// companions by bindings of the namespace's name.
    fn team(&self, subjects: &[&str]) -> String {
        let namespace = self.plane.namespace();
        let mut objects = both(&namespace, subjects);
        objects.push(role_binding(
            &namespace,
            "users",
            "spectro-vm-user",
            subjects,
        ));
        create(self.plane, &objects);
        namespace
    }

    fn kubectl(&self, args: &[&str]) -> crate::support::Output {
        self.plane.kubectl(platform(), args)
    }

    /// The audit lines about a ClusterRoleBinding.
    fn lines_about(&self, name: &str) -> Vec<Value> {
        let lines = self.bindguard.audit_lines();
        lines
            .into_iter()
            .filter(|line| line["binding"]["name"] == name)
            .collect()
    }
}

#[test]
fn a_deletion_passes_and_its_warning_names_who_loses_what() {
    let stage = stage();
    let user = unique("alice");
    let team = stage.team(&[&user]);
    let name = format!("{team}-namespaces");
    let output = stage.kubectl(&["delete", "clusterrolebinding", &name]);
    assert_eq!(
        output.warnings()[0],
        format!(
            "User {user} loses {NAMESPACES}, needed for spectro-vm-user (1 binding), without \
             ClusterRoleBinding {name}"
        )
    );
    let lines = stage.lines_about(&name);
    assert_eq!(lines.len(), 1, "{lines:?}");
    let line = &lines[0];
    assert_eq!(line["decision"], "warn");
    assert_eq!(line["rule"], "companion_removal");
    assert_eq!(line["operation"], "DELETE");
    assert_eq!(line["requester"]["username"], "olga");
    assert_eq!(line["persona_bindings"][0]["namespace"], *team);
    assert_eq!(
        line["missing"],
        json!([{"subject": {"kind": "User", "name": user}, "companion": NAMESPACES, "lost": true}])
    );
    let gone = stage.kubectl(&["get", "clusterrolebinding", &name]);
    assert!(gone.expect_failure().contains("NotFound"));
}

#[test]
fn a_second_binding_keeps_the_deletion_of_the_first_silent() {
    let stage = stage();
    let user = unique("alice");
    let team = stage.team(&[&user]);
    let again = cluster_role_binding(&format!("{team}-again"), NAMESPACES, &[&user]);
    create(stage.plane, &[again]);
    let name = format!("{team}-namespaces");
    let output = stage.kubectl(&["delete", "clusterrolebinding", &name]);
    assert!(output.warnings().is_empty(), "{output}");
    let last = format!("{team}-again");
    let output = stage.kubectl(&["delete", "clusterrolebinding", &last]);
    assert!(output.warnings()[0].contains(&user), "{output}");
    assert!(stage.lines_about(&name).is_empty());
}

#[test]
fn a_deletion_by_label_warns_for_each_binding() {
    let stage = stage();
    let user = unique("alice");
    let team = stage.team(&[&user]);
    let output = stage.kubectl(&[
        "delete",
        "clusterrolebinding",
        "--selector",
        &format!("of={team}"),
    ]);
    let warnings = output.warnings().join("\n");
    for companion in [NAMESPACES, TEMPLATES] {
        assert!(
            warnings.contains(&format!("User {user} loses {companion},")),
            "{output}"
        );
    }
}

#[test]
fn deleting_a_collection_in_one_call_is_judged_binding_by_binding() {
    let stage = stage();
    let team = stage.team(&[&unique("alice")]);
    let path =
        format!("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings?labelSelector=of%3D{team}");
    stage.kubectl(&["delete", "--raw", &path]).expect_success();
    for suffix in ["namespaces", "templates"] {
        let lines = stage.lines_about(&format!("{team}-{suffix}"));
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert_eq!(lines[0]["operation"], "DELETE");
    }
}

#[test]
fn a_patch_warns_of_the_subject_that_it_removes_and_of_no_other() {
    let stage = stage();
    let (alice, bob) = (unique("alice"), unique("bob"));
    let team = stage.team(&[&alice, &bob]);
    let name = format!("{team}-templates");
    let patch = json!({"subjects": subjects(&[&alice])}).to_string();
    let output = stage.kubectl(&[
        "patch",
        "clusterrolebinding",
        &name,
        "--type=merge",
        "-p",
        &patch,
    ]);
    let warnings = output.warnings();
    assert!(
        warnings[0].starts_with(&format!("User {bob} loses {TEMPLATES},")),
        "{output}"
    );
    assert!(!warnings.join("").contains(&alice), "{output}");
    assert_eq!(stage.lines_about(&name)[0]["operation"], "UPDATE");
}

#[test]
fn labels_and_new_subjects_are_nobodys_loss() {
    let stage = stage();
    let alice = unique("alice");
    let team = stage.team(&[&alice]);
    let name = format!("{team}-namespaces");
    let label = stage.kubectl(&["label", "clusterrolebinding", &name, "team=blue"]);
    assert!(label.warnings().is_empty(), "{label}");
    let patch = json!({"subjects": subjects(&[&alice, &unique("carol")])}).to_string();
    let patched = stage.kubectl(&[
        "patch",
        "clusterrolebinding",
        &name,
        "--type=merge",
        "-p",
        &patch,
    ]);
    assert!(patched.warnings().is_empty(), "{patched}");
    assert!(stage.lines_about(&name).is_empty());
}

#[test]
fn taking_a_companion_from_a_group_of_service_accounts_says_how_many_that_covered() {
    let stage = stage();
    let namespace = stage.plane.namespace();
    let group = format!("Group system:serviceaccounts:{namespace}");
    let mut objects = both(&namespace, &[&group]);
    let accounts = ["a", "b", "c"].map(|name| format!("ServiceAccount {namespace}/{name}"));
    let accounts: Vec<&str> = accounts.iter().map(String::as_str).collect();
    objects.push(role_binding(
        &namespace,
        "bots",
        "spectro-vm-user",
        &accounts,
    ));
    create(stage.plane, &objects);
    let name = format!("{namespace}-namespaces");
    let output = stage.kubectl(&["delete", "clusterrolebinding", &name]);
    assert_eq!(
        output.warnings(),
        [format!(
            "3 subjects lose companions (covered only by {group}), without ClusterRoleBinding \
             {name}"
        )]
    );
    assert_eq!(stage.lines_about(&name)[0]["missing_total"], 3);
}

#[test]
fn a_dry_run_is_warned_of_the_same_and_changes_nothing() {
    let stage = stage();
    let user = unique("alice");
    let team = stage.team(&[&user]);
    let name = format!("{team}-namespaces");
    let output = stage.kubectl(&["delete", "clusterrolebinding", &name, "--dry-run=server"]);
    assert!(output.warnings()[0].contains(&user), "{output}");
    assert_eq!(stage.lines_about(&name)[0]["dry_run"], true);
    stage
        .kubectl(&["get", "clusterrolebinding", &name])
        .expect_success();
}

#[test]
fn a_namespace_with_persona_bindings_is_deleted_as_ever() {
    let stage = stage();
    stage.plane.with_controller_manager();
    let team = stage.team(&[&unique("alice")]);
    let args = ["delete", "namespace", &team, "--timeout=30s"];
    let output = stage.plane.kubectl(ADMIN, &args);
    assert!(output.warnings().is_empty(), "{output}");
    // Whoever is no VM user any more loses nothing.
    let args = [
        "delete",
        "clusterrolebinding",
        "--selector",
        &format!("of={team}"),
    ];
    let output = stage.kubectl(&args);
    assert!(output.warnings().is_empty(), "{output}");
}
