//! Commands that end by themselves: run to the end, within a time limit.

use std::io::{Read, Write};
use std::process::{Command, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::process::{send_signal, spawn};
use super::wait::eventually;

/// No call to a local API server takes longer than this, unless it hangs.
pub const LIMIT: Duration = Duration::from_mins(1);

/// What a command left behind.
#[derive(Debug, Clone)]
pub struct Output {
    /// The command line, for messages.
    pub command: String,
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

impl Output {
    /// Whether it exited with 0.
    pub fn succeeded(&self) -> bool {
        self.status.success()
    }

    /// Its stdout; panics with all it wrote if it failed.
    #[track_caller]
    pub fn expect_success(self) -> String {
        assert!(
            self.succeeded(),
            "this command should have succeeded:\n{self}"
        );
        self.stdout
    }

    /// Its stderr; panics with all it wrote if it succeeded.
    #[track_caller]
    pub fn expect_failure(self) -> String {
        assert!(
            !self.succeeded(),
            "this command should have failed:\n{self}"
        );
        self.stderr
    }
}

impl std::fmt::Display for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            command,
            status,
            stdout,
            stderr,
        } = self;
        write!(
            f,
            "$ {command}\n{status}\n--- stdout:\n{stdout}--- stderr:\n{stderr}"
        )
    }
}

/// Runs a [`guarded`](super::process::guarded) command, which `name` describes in messages.
pub fn run(name: String, mut command: Command, input: &str) -> Output {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = spawn(command).unwrap_or_else(|error| panic!("cannot start `{name}`: {error}"));

    // Each pipe has a thread of its own: a command that fills one while we wait at another would hang.
    let mut stdin = child.stdin.take().expect("stdin is a pipe");
    let input = input.to_owned();
    // A command may end without reading its input, which is no concern of ours.
    thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
    let stdout = drain(child.stdout.take().expect("stdout is a pipe"));
    let stderr = drain(child.stderr.take().expect("stderr is a pipe"));

    let status = eventually(LIMIT, || {
        child.try_wait().expect("our own child can be waited for")
    });
    if status.is_none() {
        send_signal("KILL", &format!("-{}", child.id()));
        let _ = child.wait();
    }
    let text = |pipe: JoinHandle<String>| pipe.join().expect("reading a pipe does not panic");
    let (stdout, stderr) = (text(stdout), text(stderr));
    let Some(status) = status else {
        panic!("`{name}` did not end within {LIMIT:?}\n--- stdout:\n{stdout}--- stderr:\n{stderr}");
    };
    Output {
        command: name,
        status,
        stdout,
        stderr,
    }
}

fn drain(mut pipe: impl Read + Send + 'static) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}
