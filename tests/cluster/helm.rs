//! Charts with persona bindings, installed, upgraded and uninstalled by Helm.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::objects::{BOTH, NAMESPACES, TEMPLATES};
use crate::stage::{Stage, platform, stage};
use crate::support::{Output, fresh_folder, unique};

/// The companions that a chart brings for its users.
const BINDINGS: &str = "
{{- range $companion := .Values.companions }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: '{{ $.Release.Name }}-{{ $companion }}'}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {{ $companion }}}
subjects:
{{- range $.Values.covered }}
- {apiGroup: rbac.authorization.k8s.io, kind: User, name: {{ . | quote }}}
{{- end }}
{{- end }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: vm, namespace: {{ .Release.Namespace }}}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: spectro-vm-user}
subjects:
{{- range .Values.users }}
- {apiGroup: rbac.authorization.k8s.io, kind: User, name: {{ . | quote }}}
{{- end }}
";

/// A release of a chart in a namespace of its own.
struct Release {
    stage: &'static Stage,
    chart: PathBuf,
    namespace: String,
    name: String,
}

impl Release {
    fn of(chart: PathBuf) -> Self {
        let stage = stage();
        Self {
            stage,
            chart,
            namespace: stage.plane.namespace(),
            name: unique("release"),
        }
    }

    fn helm(&self, args: &[&str]) -> Output {
        let args = [args, &["--namespace", &self.namespace]].concat();
        self.stage.plane.helm(platform(), &args)
    }

    fn run(&self, command: &str, values: &[String]) -> Output {
        let chart = self.chart.display().to_string();
        let mut args = vec![command, &self.name, &chart];
        for value in values {
            args.extend(["--set-json", value]);
        }
        self.helm(&args)
    }

    fn user(&self, name: &str) -> String {
        format!("{name}@{}", self.namespace)
    }

    /// Values for a chart of this test's.
    fn values(&self, companions: &[&str], covered: &[&str], users: &[&str]) -> Vec<String> {
        let list = |names: &[&str]| -> Value { names.iter().map(|name| self.user(name)).collect() };
        vec![
            format!("companions={}", Value::from(companions)),
            format!("covered={}", list(covered)),
            format!("users={}", list(users)),
        ]
    }

    fn is_bound(&self, binding: &str, user: &str) -> bool {
        let args = [
            "get",
            "rolebinding",
            binding,
            "--output",
            "yaml",
            "--namespace",
        ];
        let output = self
            .stage
            .kubectl(&[&args[..], &[&self.namespace]].concat());
        output.succeeded() && output.stdout.contains(user)
    }

    fn uninstall(&self) {
        self.helm(&["uninstall", &self.name]).expect_success();
        let args = ["get", "rolebindings", "--output=name", "--namespace"];
        let left = self
            .stage
            .kubectl(&[&args[..], &[&self.namespace]].concat());
        assert_eq!(left.expect_success(), "");
        let bindings = self
            .stage
            .kubectl(&["get", "clusterrolebindings", "--output=name"]);
        let bindings = bindings.expect_success();
        assert!(
            !bindings.contains(&format!("/{}-", self.name)),
            "{bindings}"
        );
    }
}

fn chart() -> PathBuf {
    let chart = fresh_folder("chart");
    let write = |file: &str, text: &str| {
        fs::write(chart.join(file), text).expect("a chart can be written");
    };
    fs::create_dir(chart.join("templates")).expect("a chart can be written");
    write(
        "Chart.yaml",
        "apiVersion: v2\nname: users\nversion: 0.1.0\n",
    );
    write("values.yaml", "companions: []\ncovered: []\nusers: []\n");
    write("templates/bindings.yaml", BINDINGS);
    chart
}

#[test]
fn a_chart_that_brings_both_companions_is_installed_upgraded_and_uninstalled() {
    let release = Release::of(chart());
    let both = [NAMESPACES, TEMPLATES];
    let first = release.values(&both, &["ann"], &["ann"]);
    release.run("install", &first).expect_success();
    let second = release.values(&both, &["ann", "ben"], &["ann", "ben"]);
    release.run("upgrade", &second).expect_success();
    assert!(release.is_bound("vm", &release.user("ben")));
    release.uninstall();
}

#[test]
fn a_chart_that_forgets_both_companions_is_refused_in_words() {
    let release = Release::of(chart());
    let values = release.values(&[], &[], &["ann", "ben"]);
    let output = release.run("install", &values);
    let lacks = ["ann", "ben"].map(|name| format!("User {} lacks {BOTH}", release.user(name)));
    let denial = output.expect_denied(&[&lacks[0], &lacks[1]]);
    assert_eq!(denial.commands.len(), 2, "{output}");
    assert!(!release.is_bound("vm", "ann"));
}

#[test]
fn an_upgrade_that_adds_an_uncovered_user_is_refused_and_the_release_stays_as_it_was() {
    let release = Release::of(chart());
    let both = [NAMESPACES, TEMPLATES];
    let sound = release.values(&both, &["ann"], &["ann"]);
    release.run("install", &sound).expect_success();

    let broken = release.values(&both, &["ann"], &["ann", "ben"]);
    let output = release.run("upgrade", &broken);
    output.expect_denied(&[&format!("User {} lacks {BOTH}", release.user("ben"))]);
    assert!(release.is_bound("vm", &release.user("ann")));
    assert!(!release.is_bound("vm", &release.user("ben")));

    release
        .helm(&["rollback", &release.name, "1"])
        .expect_success();
    release.uninstall();
}

#[test]
fn an_upgrade_that_takes_the_companions_away_passes() {
    let release = Release::of(chart());
    let sound = release.values(&[NAMESPACES, TEMPLATES], &["ann"], &["ann"]);
    release.run("install", &sound).expect_success();
    let bare = release.values(&[], &[], &["ann"]);
    release.run("upgrade", &bare).expect_success();
    assert!(release.is_bound("vm", &release.user("ann")));
    release.uninstall();
}

#[test]
fn the_example_chart_that_forgets_one_is_refused_and_mended_by_its_value() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/charts/forgets");
    let release = Release::of(example);
    let user = format!("user={:?}", release.user("carol"));
    let output = release.run("install", std::slice::from_ref(&user));
    let lacks = format!("User {} lacks {TEMPLATES}", release.user("carol"));
    output.expect_denied(&[&lacks]);

    let complete = [user, "complete=true".to_owned()];
    release.run("upgrade", &complete).expect_success();
    let binding = format!("{}-vm-user", release.name);
    assert!(release.is_bound(&binding, &release.user("carol")));
    release.uninstall();
}

#[test]
fn a_release_that_was_refused_can_be_uninstalled() {
    let release = Release::of(chart());
    let values = release.values(&[TEMPLATES], &["ann"], &["ann"]);
    let output = release.run("install", &values);
    output.expect_denied(&[&format!("User {} lacks {NAMESPACES}", release.user("ann"))]);
    release.uninstall();
}
