//! `fix` between the tool that renders manifests and the API server that takes them.

use std::path::{Path, PathBuf};

use crate::objects::TEMPLATES;
use crate::stage::{platform, stage};
use crate::support::{Output, fresh_folder, unique};

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

/// Runs a script in which `bindguard` is the built program, and Helm finds the example plugin.
fn script(text: &str) -> Output {
    let program = Path::new(env!("CARGO_BIN_EXE_bindguard"));
    let folder = program.parent().expect("a program is in a folder");
    let preamble = format!(
        "export PATH='{}':$PATH HELM_PLUGINS='{examples}'; cd '{examples}'; ",
        folder.display(),
        examples = examples().display()
    );
    stage().plane.bash(platform(), &format!("{preamble}{text}"))
}

#[test]
fn a_chart_that_forgets_a_companion_is_installed_through_the_post_renderer_at_first_try() {
    let namespace = stage().plane.namespace();
    let release = unique("release");
    let helm = |command: &str, more: &str| {
        script(&format!(
            "helm {command} {release} --namespace {namespace} {more}"
        ))
    };
    let chart = format!("charts/forgets --set user=dora-{release}");
    let refused = helm("install", &chart).expect_failure();
    let lacks = format!("User dora-{release} lacks {TEMPLATES}");
    assert!(refused.contains(&lacks), "{refused}");

    let through = format!("{chart} --post-renderer bindguard");
    helm("upgrade --install", &through).expect_success();
    let bindings = stage().kubectl(&["get", "clusterrolebindings", "--output", "yaml"]);
    let bindings = bindings.expect_success();
    assert!(bindings.contains(&format!("dora-{release}")), "{bindings}");
    assert!(
        bindings.contains("name: spectro-list-vmtemplates-"),
        "{bindings}"
    );

    helm("uninstall", "").expect_success();
    let left = stage().kubectl(&["get", "clusterrolebindings", "--output", "yaml"]);
    assert!(!left.expect_success().contains(&format!("dora-{release}")));
}

#[test]
fn what_helm_renders_is_applied_through_the_filter_at_first_try() {
    let namespace = stage().plane.namespace();
    let release = unique("release");
    let output = script(&format!(
        "helm template {release} charts/forgets --namespace {namespace} --set user=emil-{release} \
         | bindguard fix --with-input -f - | kubectl apply -f -"
    ));
    let told = output.expect_success();
    assert!(
        told.contains(&format!("{release}-vm-user created")),
        "{told}"
    );
}

#[test]
fn helm_shows_that_the_post_renderer_failed() {
    let output = script(
        "helm template x charts/forgets --set user=a --post-renderer bindguard \
         --post-renderer-args=--policy=absent.yaml",
    );
    let told = output.expect_failure();
    assert!(told.contains("post-renderer"), "{told}");
}

/// kubectl runs only functions that are containers. Whoever relies on it must not think that
/// companions were added.
#[test]
fn kubectl_passes_over_the_function_that_kustomize_runs() {
    let built = script("kubectl kustomize --enable-alpha-plugins kustomize").expect_success();
    assert!(built.contains("kind: RoleBinding"), "{built}");
    assert!(!built.contains("ClusterRoleBinding"), "{built}");
}

#[test]
fn what_kubectl_kustomize_builds_is_mended_by_the_filter() {
    let built = script("kubectl kustomize kustomize/base | bindguard fix --with-input -f -");
    let built = built.expect_success();
    let place = |text: &str| {
        built
            .find(text)
            .unwrap_or_else(|| panic!("{text}: {built}"))
    };
    assert!(place("name: spectro-list-namespaces\n") < place("kind: RoleBinding"));
    assert!(place("name: spectro-list-vmtemplates\n") < place("kind: RoleBinding"));
}

/// Kustomize puts what the function adds last; the options of the example put it first.
#[test]
fn the_sort_options_of_the_example_put_companions_before_who_needs_them() {
    let folder = fresh_folder("kustomize");
    let output = script(&format!(
        "cp kustomize/base/team.yaml '{folder}'
         bindguard fix -f kustomize/base/team.yaml > '{folder}/companions.yaml'
         echo 'resources: [team.yaml, companions.yaml]' > '{folder}/kustomization.yaml'
         kubectl kustomize '{folder}' | grep ^kind:
         echo with the options
         sed -n '/^sortOptions:/,$p' kustomize/kustomization.yaml >> '{folder}/kustomization.yaml'
         kubectl kustomize '{folder}' | grep ^kind:",
        folder = folder.display()
    ));
    let (one, more) = (
        "kind: RoleBinding\n",
        "kind: ClusterRoleBinding\n".repeat(2),
    );
    assert_eq!(
        output.expect_success(),
        format!("{one}{more}with the options\n{more}{one}")
    );
}
