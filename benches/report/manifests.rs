//! `bindguard check` on a repository of very many manifests.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::BINDGUARD;
use crate::commands::run;
use crate::statistics::median;
use crate::support::fresh_folder;
use crate::table::{Budget, Table};

const MANIFESTS: u32 = 10_000;
const SUBJECTS: u32 = 10;
const PEOPLE: u32 = 20_000;
const RUNS: usize = 5;
const SECONDS_AT_MOST: f64 = 2.0;
const MEBIBYTES_AT_MOST: f64 = 200.0;

pub(crate) fn tables() -> Vec<Table> {
    let folder = fresh_folder("manifests");
    write(&folder);
    let mut table = Table::new(
        "`bindguard check` of 10,000 manifests with 100,000 subjects",
        &[
            "output",
            "seconds, median",
            "at most",
            "peak memory, MiB",
            "at most",
        ],
    );
    for format in ["table", "json", "sarif"] {
        let runs: Vec<(f64, f64)> = (0..RUNS)
            .map(|_| {
                let mut command = Command::new(BINDGUARD);
                command
                    .args(["check", "--output", format, "--filename"])
                    .arg(&folder);
                run(command)
            })
            .collect();
        let seconds = median(runs.iter().map(|(seconds, _)| *seconds));
        let mebibytes = runs
            .iter()
            .map(|(_, mebibytes)| *mebibytes)
            .fold(0.0, f64::max);
        table.row(
            [
                &format,
                &format!("{seconds:.2}"),
                &SECONDS_AT_MOST,
                &format!("{mebibytes:.0}"),
                &MEBIBYTES_AT_MOST,
            ],
            Budget::of(seconds <= SECONDS_AT_MOST && mebibytes <= MEBIBYTES_AT_MOST),
        );
    }
    vec![table]
}

/// One binding a file: each fifth gives a companion, so that most subjects lack something.
fn write(folder: &Path) {
    for number in 0..MANIFESTS {
        let team = folder.join(format!("team-{:03}", number / 100));
        fs::create_dir_all(&team).expect("the folder can be written");
        let (kind, namespace, role) = match number % 10 {
            0 => (
                "ClusterRoleBinding",
                String::new(),
                "spectro-list-namespaces",
            ),
            5 => (
                "ClusterRoleBinding",
                String::new(),
                "spectro-list-vmtemplates",
            ),
            _ => {
                let namespace = format!("  namespace: team-{:03}\n", number / 100);
                ("RoleBinding", namespace, "spectro-vm-user")
            }
        };
        let mut text = format!(
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}\nmetadata:\n  \
             name: binding-{number}\n{namespace}  labels:\n    \
             app.kubernetes.io/managed-by: gitops\nroleRef:\n  \
             apiGroup: rbac.authorization.k8s.io\n  kind: ClusterRole\n  name: {role}\nsubjects:\n"
        );
        for subject in 0..SUBJECTS {
            // A prime apart, so that few of a team have the companions that are in its folder.
            let person = (number * SUBJECTS + subject) * 7919 % PEOPLE;
            let _ = write!(
                text,
                "- apiGroup: rbac.authorization.k8s.io\n  kind: User\n  \
                 name: person-{person}@example.com\n"
            );
        }
        fs::write(team.join(format!("{number}.yaml")), text).expect("the folder can be written");
    }
}
