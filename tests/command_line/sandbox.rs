//! A folder in which commands run.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::support::{Output, clean_command, fresh_folder, run};

const BINARY: &str = env!("CARGO_BIN_EXE_bindguard");

/// A fresh folder; commands run in it, so that relative names lead into it.
pub(crate) struct Sandbox {
    folder: PathBuf,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        Self {
            folder: fresh_folder("sandbox"),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The folder, which commands take for the home of who calls them.
    pub(crate) fn home(&self) -> String {
        self.folder.display().to_string()
    }

    pub(crate) fn write(&self, name: &str, contents: impl AsRef<[u8]>) {
        let path = self.path(name);
        let parent = path.parent().expect("the sandbox is the parent at least");
        fs::create_dir_all(parent).expect("the sandbox can be written");
        fs::write(path, contents).expect("the sandbox can be written");
    }

    pub(crate) fn make_folder(&self, name: &str) {
        fs::create_dir_all(self.path(name)).expect("the sandbox can be written");
    }

    pub(crate) fn set_mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode))
            .expect("the mode of our own file can be set");
    }

    /// Runs bindguard with these arguments.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.run_with(&[], arguments)
    }

    /// Runs bindguard with these arguments and this environment, which is otherwise clean.
    pub(crate) fn run_with(&self, environment: &[(&str, &str)], arguments: &[&str]) -> Output {
        self.run_fed(environment, arguments, "")
    }

    /// Runs bindguard with these arguments and this on standard input.
    pub(crate) fn run_with_input(&self, arguments: &[&str], input: &str) -> Output {
        self.run_fed(&[], arguments, input)
    }

    /// The same with this on standard input.
    pub(crate) fn run_fed(
        &self,
        environment: &[(&str, &str)],
        arguments: &[&str],
        input: &str,
    ) -> Output {
        let mut command = clean_command(self.program(), &self.folder);
        if self.is_root() {
            command.args(WITHOUT_POWERS).arg(BINARY);
        }
        command
            .args(arguments)
            .env_remove("NO_COLOR")
            .env("COLUMNS", "100")
            // Two runs at a time must not meet at the default ports.
            .env("BINDGUARD_LISTEN", "127.0.0.1:0")
            .env("BINDGUARD_ADMIN_LISTEN", "127.0.0.1:0")
            .envs(environment.iter().copied());
        run(format!("bindguard {}", arguments.join(" ")), command, input)
    }

    fn program(&self) -> &Path {
        Path::new(if self.is_root() { "setpriv" } else { BINARY })
    }

    fn is_root(&self) -> bool {
        fs::metadata(&self.folder).is_ok_and(|metadata| metadata.uid() == 0)
    }
}

/// Root reads and writes everything, whatever its mode, unless it gives that up.
const WITHOUT_POWERS: [&str; 3] = ["--bounding-set", "-dac_override,-dac_read_search", "--"];
