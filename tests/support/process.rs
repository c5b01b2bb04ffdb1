//! Child processes that cannot outlive the test process.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use super::wait::eventually;

/// A command whose process is killed when ours ends, in whatever way; start it with [`spawn`].
///
/// The kernel sends that signal only from the moment `setpriv` asks for it. If we were gone before,
/// the parent is another one by then, which the shell notices.
pub fn guarded(program: impl AsRef<OsStr>) -> Command {
    let mut command = in_own_group("setpriv");
    let script = r#"[ "$PPID" = "$0" ] || exit 1; exec "$@""#;
    command.args(["--pdeathsig", "KILL", "--", "sh", "-c", script]);
    command.arg(std::process::id().to_string()).arg(program);
    command
}

/// A command in a process group of its own, so that Ctrl-C in a terminal reaches only the test.
pub fn in_own_group(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.process_group(0);
    command
}

/// Starts a [`guarded`] command.
///
/// The kernel ties the death signal to the *thread* that forked, and libtest ends a thread with
/// each test. So one thread, which lives as long as the process, starts them all.
pub fn spawn(command: Command) -> io::Result<Child> {
    struct Job {
        command: Command,
        reply: Sender<io::Result<Child>>,
    }
    static SPAWNER: OnceLock<Sender<Job>> = OnceLock::new();

    let spawner = SPAWNER.get_or_init(|| {
        let (jobs, inbox) = channel::<Job>();
        thread::spawn(move || {
            for mut job in inbox {
                let _ = job.reply.send(job.command.spawn());
            }
        });
        jobs
    });
    let (reply, answer) = channel();
    spawner
        .send(Job { command, reply })
        .expect("the spawning thread never ends");
    answer
        .recv()
        .expect("the spawning thread answers every job")
}

/// Whether a process with this id exists.
pub fn is_alive(pid: u32) -> bool {
    Path::new("/proc").join(pid.to_string()).exists()
}

/// Sends `signal` (a name such as `TERM`) to `target`: a process id, or `-` and a group's id.
///
/// The shell's own `kill` does it, because a bare container has no other.
pub fn send_signal(signal: &str, target: &str) {
    let script = r#"kill -s "$0" -- "$1""#;
    let _ = Command::new("sh")
        .args(["-c", script, signal, target])
        .stderr(Stdio::null())
        .status();
}

/// A server that runs until it is stopped or dropped, its output in files.
pub struct Process {
    name: String,
    child: Mutex<Child>,
    stdout: PathBuf,
    stderr: PathBuf,
}

impl Process {
    /// Starts a [`guarded`] command; its output goes to `NAME.stdout` and `NAME.stderr` in `folder`.
    pub fn start(name: &str, mut command: Command, folder: &Path) -> Self {
        let stdout = folder.join(format!("{name}.stdout"));
        let stderr = folder.join(format!("{name}.stderr"));
        command
            .stdin(Stdio::null())
            .stdout(append(&stdout))
            .stderr(append(&stderr));
        let child = spawn(command).unwrap_or_else(|error| panic!("cannot start {name}: {error}"));
        Self {
            name: name.to_owned(),
            child: Mutex::new(child),
            stdout,
            stderr,
        }
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child().id()
    }

    /// All it has written to stdout so far.
    pub fn stdout(&self) -> String {
        read(&self.stdout)
    }

    /// All it has written to stderr so far.
    pub fn stderr(&self) -> String {
        read(&self.stderr)
    }

    /// The end of its log, for the message of a test that fails because of it.
    pub fn log_tail(&self) -> String {
        let log = self.stderr();
        let lines: Vec<&str> = log.lines().collect();
        let tail = lines[lines.len().saturating_sub(25)..].join("\n");
        format!("--- the end of {}:\n{tail}", self.stderr.display())
    }

    /// Its exit status, if it has ended.
    pub fn exited(&self) -> Option<ExitStatus> {
        self.child()
            .try_wait()
            .unwrap_or_else(|error| panic!("cannot wait for {}: {error}", self.name))
    }

    /// Waits until it ends; `None` if it still runs after `limit`.
    pub fn wait(&self, limit: Duration) -> Option<ExitStatus> {
        eventually(limit, || self.exited())
    }

    /// Sends it a signal such as `TERM`, `STOP` or `CONT`; nothing happens if it has ended.
    pub fn signal(&self, signal: &str) {
        // The lock keeps the id from being freed, and given to another process, in between.
        let mut child = self.child();
        if matches!(child.try_wait(), Ok(None)) {
            send_signal(signal, &child.id().to_string());
        }
    }

    /// Kills it at once and waits until it is gone.
    pub fn kill(&self) {
        let mut child = self.child();
        let _ = child.kill();
        let _ = child.wait();
    }

    fn child(&self) -> MutexGuard<'_, Child> {
        // A test that panicked while it held the lock changed nothing that matters to the next one.
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

fn append(path: &Path) -> File {
    let file = File::options().create(true).append(true).open(path);
    file.unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()))
}

fn read(path: &Path) -> String {
    let bytes =
        fs::read(path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()));
    String::from_utf8_lossy(&bytes).into_owned()
}
