//! bash, as a person has it who pastes what they were told.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{ADMIN, ControlPlane, Output, clean_command, fresh_folder, run};

/// History expansion is on in a terminal, and changes words between double quotes.
const AS_IN_A_TERMINAL: &str = "set -o history\nset -H\n";

/// A bash with kubectl on its path.
pub(crate) struct Shell {
    path: OsString,
    kubeconfig: PathBuf,
    folder: PathBuf,
}

impl Shell {
    pub(crate) fn new(plane: &ControlPlane) -> Self {
        let mut path = OsString::from(plane.assets());
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        Self {
            path,
            kubeconfig: plane.kubeconfig(ADMIN),
            folder: fresh_folder("shell"),
        }
    }

    /// Pastes a script. Nothing in it may leave a file behind.
    pub(crate) fn paste(&self, script: &str) -> Output {
        let output = self.bash(script);
        assert!(output.succeeded(), "{output}");
        let left: Vec<_> = fs::read_dir(&self.folder)
            .expect("the shell's folder")
            .map(|entry| entry.expect("an entry").file_name())
            .filter(|name| name != ".kube")
            .collect();
        assert!(left.is_empty(), "a name was run as a command: {left:?}");
        output
    }

    /// The words that each command would hand to kubectl.
    pub(crate) fn words(&self, commands: &[&str]) -> Vec<Vec<String>> {
        // No word can hold a NUL.
        let kubectl = "kubectl() { printf '%s\\0' \"$@\"; printf '\\0'; }\n";
        let output = self.paste(&format!("{kubectl}{}\n", commands.join("\n")));
        let calls = output.stdout.split_terminator("\0\0");
        calls
            .map(|call| call.split('\0').map(str::to_owned).collect())
            .collect()
    }

    fn bash(&self, script: &str) -> Output {
        let mut command = clean_command(Path::new("bash"), &self.folder);
        command.arg("-s");
        command
            .env("PATH", &self.path)
            .env("KUBECONFIG", &self.kubeconfig);
        run(
            "bash".to_owned(),
            command,
            &format!("{AS_IN_A_TERMINAL}{script}"),
        )
    }
}
