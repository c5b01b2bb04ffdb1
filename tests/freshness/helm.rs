//! Charts whose companions and persona binding are of the same kind, which Helm creates at once.

use std::fs;
use std::path::PathBuf;
use std::thread;

use crate::stage::stage;
use crate::support::{ADMIN, fresh_folder, unique};

const RELEASES: usize = 20;
const AT_ONCE: usize = 4;

/// The persona binding comes first by name and in the file.
const BINDINGS: &str = "
{{- $name := .Release.Name }}
{{- range list \"spectro-vm-user\" \"spectro-list-namespaces\" \"spectro-list-vmtemplates\" }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: '{{ $name }}-{{ if eq . \"spectro-vm-user\" }}a{{ else }}z{{ end }}-{{ . }}'}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {{ . }}}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: '{{ $name }}@example.com'}]
{{- end }}
";

#[test]
fn releases_that_bring_their_companions_are_never_refused() {
    let stage = stage();
    let chart = chart();
    let chart = chart.to_str().unwrap();
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                for _ in 0..RELEASES / AT_ONCE {
                    let install = ["install", &unique("release"), chart];
                    stage.plane.helm(ADMIN, &install).expect_success();
                }
            });
        }
    });
}

fn chart() -> PathBuf {
    let chart = fresh_folder("chart").join("team");
    let templates = chart.join("templates");
    fs::create_dir_all(&templates).unwrap();
    fs::write(
        chart.join("Chart.yaml"),
        "{apiVersion: v2, name: team, version: 0.1.0}",
    )
    .unwrap();
    fs::write(templates.join("bindings.yaml"), BINDINGS).unwrap();
    chart
}
