//! Everything that kubectl can do to a binding, as the platform team does it.

use serde_json::{Value, json};

use crate::objects::{BOTH, companions, role_binding, user};
use crate::outcome::BEFORE;
use crate::stage::{Stage, platform, stage};
use crate::support::unique;

/// A namespace of the test's own, and a user who has no companions yet.
struct Scene {
    stage: &'static Stage,
    namespace: String,
    user: String,
}

fn scene() -> Scene {
    let stage = stage();
    let namespace = stage.plane.namespace();
    let user = format!("alice@{namespace}");
    Scene {
        stage,
        namespace,
        user,
    }
}

impl Scene {
    fn subject(&self) -> Value {
        user(&self.user)
    }

    fn complete(&self) {
        self.stage.complete(&self.subject());
    }

    /// A binding of the user to `spectro-vm-user`.
    fn binding(&self) -> Value {
        role_binding(&self.namespace, "vm", "spectro-vm-user", [self.subject()])
    }

    /// What a message says of the user.
    fn lacks(&self) -> String {
        format!("User {} lacks {BOTH}", self.user)
    }

    /// A sound binding `vm` that is stored, of another user.
    fn sound(&self) -> Value {
        let owner = user(&format!("owner@{}", self.namespace));
        self.stage.complete(&owner);
        let binding = role_binding(&self.namespace, "vm", "spectro-vm-user", [owner]);
        self.stage
            .kubectl_file(&["create"], std::slice::from_ref(&binding))
            .expect_silence();
        binding
    }

    /// Runs kubectl in the namespace.
    fn kubectl(&self, args: &[&str]) -> crate::support::Output {
        let args = [args, &["--namespace", &self.namespace]].concat();
        self.stage.kubectl(&args)
    }

    fn exists(&self, name: &str) -> bool {
        self.kubectl(&["get", "rolebinding", name]).succeeded()
    }

    /// Tries a command that must be refused, adds the companions, and tries it again.
    fn refused_until_complete(&self, command: impl Fn() -> crate::support::Output) {
        command().expect_denied(&[&self.lacks()]);
        self.complete();
        command().expect_silence();
    }
}

#[test]
fn kubectl_create_rolebinding_is_refused_until_the_companions_exist() {
    let scene = scene();
    let flag = format!("--user={}", scene.user);
    scene.refused_until_complete(|| {
        let create = ["create", "rolebinding", "vm", "--clusterrole=admin", &flag];
        scene.kubectl(&create)
    });
    assert!(scene.exists("vm"));
}

#[test]
fn kubectl_create_clusterrolebinding_is_refused_until_the_companions_exist() {
    let scene = scene();
    let (name, flag) = (unique("vm"), format!("--user={}", scene.user));
    scene.refused_until_complete(|| {
        let role = "--clusterrole=spectro-vm-admin";
        let create = ["create", "clusterrolebinding", &name, role, &flag];
        scene.stage.kubectl(&create)
    });
}

#[test]
fn client_side_apply_is_refused_until_the_companions_exist() {
    let scene = scene();
    let apply = || scene.stage.kubectl_file(&["apply"], &[scene.binding()]);
    scene.refused_until_complete(apply);
    // Nothing has changed, so that the API server is not even asked.
    let again = apply().expect_success();
    assert!(again.contains("unchanged"), "{again}");
}

#[test]
fn server_side_apply_is_refused_until_the_companions_exist() {
    let scene = scene();
    let apply = || {
        let args = ["apply", "--server-side"];
        scene.stage.kubectl_file(&args, &[scene.binding()])
    };
    scene.refused_until_complete(apply);
    apply().expect_silence();
}

#[test]
fn client_side_apply_cannot_add_an_uncovered_user() {
    let scene = scene();
    let mut binding = scene.sound();
    let subjects = binding["subjects"].as_array_mut().unwrap();
    subjects.push(scene.subject());
    scene.refused_until_complete(|| {
        let apply = [binding.clone()];
        let mut output = scene.stage.kubectl_file(&["apply"], &apply);
        // kubectl's own remark about objects that were not made by apply.
        let lines = output.stderr.lines();
        let others: Vec<&str> = lines
            .filter(|line| !line.contains("last-applied-configuration"))
            .collect();
        output.stderr = others.join("\n");
        output
    });
}

#[test]
fn server_side_apply_cannot_add_an_uncovered_user() {
    let scene = scene();
    let mut binding = scene.sound();
    let subjects = binding["subjects"].as_array_mut().unwrap();
    subjects.push(scene.subject());
    scene.refused_until_complete(|| {
        let args = ["apply", "--server-side", "--force-conflicts"];
        scene.stage.kubectl_file(&args, &[binding.clone()])
    });
}

#[test]
fn a_strategic_merge_patch_cannot_add_an_uncovered_user() {
    let scene = scene();
    let mut subjects = scene.sound()["subjects"].as_array().unwrap().clone();
    subjects.push(scene.subject());
    patch_is_refused_until_complete(&scene, "strategic", &json!({"subjects": subjects}));
}

#[test]
fn a_merge_patch_cannot_exchange_a_user_for_an_uncovered_one() {
    let scene = scene();
    scene.sound();
    let patch = json!({"subjects": [scene.subject()]});
    patch_is_refused_until_complete(&scene, "merge", &patch);
}

#[test]
fn a_json_patch_cannot_add_an_uncovered_user() {
    let scene = scene();
    scene.sound();
    let patch = json!([{"op": "add", "path": "/subjects/-", "value": scene.subject()}]);
    patch_is_refused_until_complete(&scene, "json", &patch);
}

fn patch_is_refused_until_complete(scene: &Scene, kind: &str, patch: &Value) {
    let patch = patch.to_string();
    let (kind, patch) = (format!("--type={kind}"), format!("--patch={patch}"));
    scene.refused_until_complete(|| scene.kubectl(&["patch", "rolebinding", "vm", &kind, &patch]));
}

#[test]
fn kubectl_replace_cannot_add_an_uncovered_user() {
    let scene = scene();
    let mut binding = scene.sound();
    let subjects = binding["subjects"].as_array_mut().unwrap();
    subjects.push(scene.subject());
    let replace = || {
        let file = [binding.clone()];
        scene.stage.kubectl_file(&["replace"], &file)
    };
    scene.refused_until_complete(replace);
}

#[test]
fn kubectl_replace_by_force_makes_the_binding_anew_and_is_judged() {
    let scene = scene();
    let mut binding = scene.sound();
    // A role cannot change, so this deletes the binding and creates another.
    binding["roleRef"]["name"] = json!("view");
    binding["subjects"] = json!([scene.subject()]);
    let replace = scene
        .stage
        .kubectl_file(&["replace", "--force"], &[binding]);
    replace.expect_denied(&[&scene.lacks()]);
}

#[test]
fn kubectl_set_subject_cannot_add_an_uncovered_user() {
    let scene = scene();
    scene.sound();
    let flag = format!("--user={}", scene.user);
    scene.refused_until_complete(|| scene.kubectl(&["set", "subject", "rolebinding/vm", &flag]));
}

#[test]
fn labels_and_annotations_on_a_sound_binding_pass_without_a_word() {
    let scene = scene();
    scene.sound();
    for verb in ["label", "annotate"] {
        let output = scene.kubectl(&[verb, "rolebinding", "vm", "team=blue"]);
        output.expect_silence();
    }
}

#[test]
fn kubectl_auth_reconcile_cannot_make_an_uncovered_binding() {
    let scene = scene();
    let args = ["auth", "reconcile"];
    let reconcile = || scene.stage.kubectl_file(&args, &[scene.binding()]);
    // kubectl 1.37 overlooks the API server's answer and crashes, whatever refused the binding.
    let refusal = reconcile().expect_failure();
    assert!(!refusal.contains("reconciled"), "{refusal}");
    assert!(!scene.exists("vm"));

    scene.complete();
    reconcile().expect_silence();
    assert!(scene.exists("vm"));
}

#[test]
fn bindings_can_be_deleted_by_name_and_by_label() {
    let scene = scene();
    scene.sound();
    scene
        .kubectl(&["label", "rolebinding", "vm", "team=blue"])
        .expect_silence();
    scene
        .kubectl(&["delete", "rolebinding", "--selector=team=blue"])
        .expect_silence();
    assert!(!scene.exists("vm"));

    scene.complete();
    scene
        .stage
        .kubectl_file(&["create"], &[scene.binding()])
        .expect_silence();
    scene
        .kubectl(&["delete", "rolebinding", "vm"])
        .expect_silence();
    assert!(!scene.exists("vm"));
}

#[test]
fn a_dry_run_is_judged_and_stores_nothing() {
    let scene = scene();
    let dry_run = || {
        let args = ["create", "--dry-run=server"];
        scene.stage.kubectl_file(&args, &[scene.binding()])
    };
    scene.refused_until_complete(dry_run);
    assert!(!scene.exists("vm"));
}

#[test]
fn a_file_with_the_companions_first_is_applied_in_one_go() {
    let scene = scene();
    let [first, second] = companions(&unique("companion"), &scene.subject());
    let file = [first, second, scene.binding()];
    scene.stage.kubectl_file(&["apply"], &file).expect_silence();
    assert!(scene.exists("vm"));
}

#[test]
fn a_file_with_the_companions_last_is_applied_at_the_second_try() {
    let scene = scene();
    let [first, second] = companions(&unique("companion"), &scene.subject());
    let file = [scene.binding(), first, second];
    let apply = || scene.stage.kubectl_file(&["apply"], &file);

    let refused = apply();
    let denial = refused.expect_denied(&[&scene.lacks()]);
    let advice = "If they are in the same file or chart, they must come before this binding.";
    assert!(denial.text.contains(advice), "{refused}");
    assert_eq!(refused.stdout.matches("created").count(), 2, "{refused}");

    apply().expect_silence();
    assert!(scene.exists("vm"));
}

#[test]
fn a_generated_name_is_judged_and_shown() {
    let scene = scene();
    let mut binding = scene.binding();
    binding["metadata"] = json!({"generateName": "vm-", "namespace": scene.namespace});
    let create = || scene.stage.kubectl_file(&["create"], &[binding.clone()]);

    let denial = create().expect_denied(&[&scene.lacks()]);
    let start = format!("RoleBinding {}/vm-", scene.namespace);
    let rest = denial.headline.strip_prefix(&start);
    let name = rest.and_then(|rest| rest.split(' ').next());
    assert_eq!(name.map(str::len), Some(5), "{}", denial.headline);

    scene.complete();
    create().expect_silence();
}

#[test]
fn an_impersonated_user_is_judged_like_any_other() {
    let scene = scene();
    scene.refused_until_complete(|| {
        let args = ["create", "--as=erin", "--as-group=platform"];
        scene.stage.kubectl_file(&args, &[scene.binding()])
    });
}

#[test]
fn what_rbac_refuses_is_refused_by_rbac() {
    let scene = scene();
    let args = ["create", "--filename", "-"];
    let binding = scene.binding().to_string();
    let output = scene.stage.plane.kubectl_stdin("nobody", &args, &binding);
    let refusal = output.expect_failure();
    assert!(
        refusal.contains(r#"User "nobody" cannot create resource "rolebindings""#),
        "{refusal}"
    );
}

#[test]
fn a_member_of_system_masters_is_judged_like_any_other() {
    let scene = scene();
    let args = ["create", "--filename", "-"];
    let binding = scene.binding().to_string();
    let admin = crate::support::ADMIN;
    let output = scene.stage.plane.kubectl_stdin(admin, &args, &binding);
    output.expect_denied(&[&scene.lacks()]);
}

#[test]
fn a_new_role_cannot_be_slipped_into_a_binding() {
    let scene = scene();
    scene.sound();
    let patch = r#"--patch={"roleRef":{"name":"spectro-vm-admin"}}"#;
    let output = scene.kubectl(&["patch", "rolebinding", "vm", "--type=merge", patch]);
    let refusal = output.expect_failure();
    assert!(refusal.contains("field is immutable"), "{refusal}");
}

#[test]
fn a_binding_that_asks_for_its_companions_is_told_that_nobody_makes_them() {
    let scene = scene();
    let mut binding = scene.binding();
    binding["metadata"]["annotations"] = json!({"bindguard.dev/provision": "true"});
    let output = scene.stage.kubectl_file(&["create"], &[binding]);
    let denial = output.expect_denied(&[&scene.lacks()]);
    // There is no controller here to publish one.
    let told = "The annotation bindguard.dev/provision has no effect: no controller has found the \
                guard of orders in place yet (ConfigMap bindguard/bindguard-epoch holds no epoch).";
    assert!(denial.text.contains(told), "{output}");
}

#[test]
fn hostile_names_reach_the_terminal_escaped() {
    let scene = scene();
    let hostile = "eve\u{1b}[2J\n  User root lacks nothing\u{202e}\u{0}";
    let mut binding = scene.binding();
    binding["subjects"] = json!([user(hostile)]);
    let output = scene.stage.kubectl_file(&["create"], &[binding]);
    let shown = r#"User "eve\u{1b}[2J\u{a}  User root lacks nothing\u{202e}\u{0}" lacks "#;
    output.expect_denied(&[&format!("{shown}{BOTH}")]);
    let raw = output.stderr.chars().find(|c| c.is_control() && *c != '\n');
    assert_eq!(raw, None, "{output}");
}

#[test]
fn a_broken_binding_is_changed_by_an_apply_that_adds_nobody() {
    let stage = stage();
    let old = stage.old_binding();
    let mut binding = old.with([user(&old.user)]);
    binding["metadata"]["labels"] = json!({"team": "blue"});
    let args = [
        "apply",
        "--server-side",
        "--force-conflicts",
        "--filename",
        "-",
    ];
    let output = stage
        .plane
        .kubectl_stdin(platform(), &args, &binding.to_string());
    let warning = old.warning();
    assert!(warning.ends_with(BEFORE));
    output.expect_warned(&[warning]);
}
