//! One folder for all that this test process writes, gone when the process is.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use super::process::{self, in_own_group};
use super::unique;

const PREFIX: &str = "bindguard-test-";

/// etcd alone sets aside some 130 MB for its log, and a container's /dev/shm is often smaller.
const ENOUGH_KILOBYTES: u64 = 1 << 20;

/// A new empty folder whose name starts with `prefix`; it goes when the test process ends.
pub fn fresh_folder(prefix: &str) -> PathBuf {
    let folder = run_folder().join(unique(prefix));
    fs::create_dir_all(&folder)
        .unwrap_or_else(|error| panic!("cannot create {}: {error}", folder.display()));
    folder
}

/// Whether the folder is to outlive the test process.
pub fn is_kept() -> bool {
    std::env::var_os("BINDGUARD_KEEP").is_some()
}

struct RunFolder {
    path: PathBuf,
    /// Held because the janitor removes the folder once our end of its input closes.
    _janitor: Option<Child>,
}

fn run_folder() -> &'static Path {
    static FOLDER: OnceLock<RunFolder> = OnceLock::new();
    &FOLDER.get_or_init(RunFolder::create).path
}

impl RunFolder {
    fn create() -> Self {
        let parents = parents();
        for parent in &parents {
            sweep(parent);
        }
        let parent = &parents[0];

        // A kept folder is not named by our process, so that no later run sweeps it away.
        let keep = is_kept();
        let name = if keep { "bindguard-kept-" } else { PREFIX };
        let path = parent.join(format!("{name}{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path)
            .unwrap_or_else(|error| panic!("cannot create {}: {error}", path.display()));

        if keep {
            eprintln!("keeping {}", path.display());
        }
        let janitor = (!keep).then(|| start_janitor(&path));
        Self {
            path,
            _janitor: janitor,
        }
    }
}

/// Where the folder may be, the best place first: memory if there is enough of it.
fn parents() -> Vec<PathBuf> {
    let memory = Path::new("/dev/shm");
    let disk = std::env::temp_dir();
    if free_kilobytes(memory) >= ENOUGH_KILOBYTES {
        vec![memory.into(), disk]
    } else {
        vec![disk, memory.into()]
    }
}

fn free_kilobytes(path: &Path) -> u64 {
    let Ok(output) = Command::new("df").args(["-Pk", "--"]).arg(path).output() else {
        return 0;
    };
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    let row = table.lines().nth(1).unwrap_or_default();
    let available = row.split_whitespace().nth(3).unwrap_or_default();
    available.parse().unwrap_or(0)
}

/// Removes what dead runs left behind, which happens only if their janitor was killed too.
fn sweep(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(pid) = name
            .strip_prefix(PREFIX)
            .and_then(|pid| pid.parse::<u32>().ok())
        else {
            continue;
        };
        if !process::is_alive(pid) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Statics are not dropped and a killed process cleans nothing up, so another process does it: it
/// sees the end of ours as the end of its input. It tries a few times, since a server that is being
/// killed at the same moment may still create a file.
fn start_janitor(folder: &Path) -> Child {
    let script = r#"cat; for _ in 1 2 3 4 5 6 7 8 9 10; do rm -rf "$0" && exit; sleep 0.2; done"#;
    let mut command = in_own_group("sh");
    command.args(["-c", script]).arg(folder).current_dir("/");
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
        .spawn()
        .expect("the janitor starts, since every system has sh")
}
