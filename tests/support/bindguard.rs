//! A running `bindguard serve`.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use serde_json::Value;

use super::process::{Process, guarded};
use super::wait::eventually;
use super::{fresh_folder, http, reserve_port};

const LIMIT: Duration = Duration::from_secs(30);

/// A name in every binding that the harness itself asks about; see [`Bindguard::audit_lines`].
pub(super) const PROBE: &str = "bindguard-harness-probe";

/// What to start bindguard with. The path is the test's own `env!("CARGO_BIN_EXE_bindguard")`, which
/// cargo gives to integration tests alone.
pub struct Serve {
    binary: PathBuf,
    policy: Option<PathBuf>,
    kubeconfig: Option<PathBuf>,
    certificate: Option<(PathBuf, PathBuf)>,
    args: Vec<String>,
    environment: Vec<(String, String)>,
}

impl Serve {
    /// `bindguard serve` of this binary, with the built-in policy.
    pub fn new(binary: impl Into<PathBuf>) -> Self {
        Self {
            binary: binary.into(),
            policy: None,
            kubeconfig: None,
            certificate: None,
            args: vec![],
            environment: vec![],
        }
    }

    /// The kubeconfig it watches the cluster with.
    pub fn kubeconfig(mut self, file: impl Into<PathBuf>) -> Self {
        self.kubeconfig = Some(file.into());
        self
    }

    /// A policy file, for the server and for the manifests that register it.
    pub fn policy(mut self, file: impl Into<PathBuf>) -> Self {
        self.policy = Some(file.into());
        self
    }

    /// A certificate and its key, in place of a self-signed one.
    pub fn certificate(mut self, certificate: &Path, key: &Path) -> Self {
        self.certificate = Some((certificate.to_owned(), key.to_owned()));
        self
    }

    /// Further arguments of `serve`.
    pub fn args(mut self, args: &[&str]) -> Self {
        self.args.extend(args.iter().map(|arg| (*arg).to_owned()));
        self
    }

    /// An environment variable.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts it and waits until it is ready.
    pub fn start(self) -> Bindguard {
        let bindguard = self.launch();
        bindguard.wait_until_ready();
        bindguard
    }

    /// Starts it without waiting, for tests of what happens before it is ready.
    pub fn launch(self) -> Bindguard {
        let folder = fresh_folder("bindguard");
        let (port, admin_port) = (reserve_port(), reserve_port());
        let authority = folder.join("ca.crt");

        let mut command = clean_command(&self.binary, &folder);
        command.arg("serve");
        command.args(["--listen", &format!("127.0.0.1:{port}")]);
        command.args(["--admin-listen", &format!("127.0.0.1:{admin_port}")]);
        match &self.certificate {
            None => command.arg("--write-ca").arg(&authority),
            Some((certificate, key)) => command
                .arg("--tls-cert")
                .arg(certificate)
                .arg("--tls-key")
                .arg(key),
        };
        if let Some(kubeconfig) = &self.kubeconfig {
            command.arg("--kubeconfig").arg(kubeconfig);
        }
        if let Some(policy) = &self.policy {
            command.arg("--policy").arg(policy);
        }
        command.args(&self.args).envs(self.environment);
        let process = Process::start("bindguard", command, &folder);
        Bindguard {
            binary: self.binary,
            policy: self.policy,
            folder,
            port,
            admin_port,
            authority,
            process,
        }
    }
}

/// A running bindguard. Dropping it kills it.
pub struct Bindguard {
    pub(super) binary: PathBuf,
    pub(super) policy: Option<PathBuf>,
    pub(super) folder: PathBuf,
    port: u16,
    admin_port: u16,
    authority: PathBuf,
    process: Process,
}

impl Bindguard {
    /// Where the API server reaches its webhooks: `https://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// The port of probes and metrics, on 127.0.0.1.
    pub fn admin_port(&self) -> u16 {
        self.admin_port
    }

    /// The file with the certificate of the authority it serves with.
    pub fn authority_file(&self) -> &Path {
        &self.authority
    }

    /// Status and body of a GET on the admin port: `/readyz`, `/livez`, `/metrics`.
    pub fn admin(&self, path: &str) -> std::io::Result<(u16, String)> {
        http::get(self.admin_port, path)
    }

    /// Waits until `/readyz` says yes.
    pub fn wait_until_ready(&self) {
        let ready = eventually(LIMIT, || {
            if let Some(status) = self.process.exited() {
                panic!(
                    "bindguard ended before it was ready: {status}\n{}",
                    self.process.log_tail()
                );
            }
            matches!(self.admin("/readyz"), Ok((200, _))).then_some(())
        });
        assert!(
            ready.is_some(),
            "bindguard is not ready within {LIMIT:?}\n{}",
            self.process.log_tail()
        );
    }

    /// Each audit line written so far, apart from those about the harness's own probes. A line that
    /// is not JSON fails the test, since nothing else may be on stdout.
    pub fn audit_lines(&self) -> Vec<Value> {
        let stdout = self.process.stdout();
        // What follows the last newline is a line that is being written.
        let whole = stdout.rfind('\n').map_or("", |end| &stdout[..end]);
        let lines = whole.lines().filter(|line| !line.contains(PROBE));
        let parse = |line| {
            serde_json::from_str(line)
                .unwrap_or_else(|error| panic!("{error} in stdout line {line:?}"))
        };
        lines.map(parse).collect()
    }

    /// Whether an audit line mentions this text, probes included.
    pub(super) fn has_audited(&self, text: &str) -> bool {
        self.process.stdout().contains(text)
    }

    /// What it has logged so far.
    pub fn stderr(&self) -> String {
        self.process.stderr()
    }

    /// Sends it SIGTERM.
    pub fn terminate(&self) {
        self.process.signal("TERM");
    }

    /// Sends it any signal: `KILL`, `STOP`, `CONT`.
    pub fn signal(&self, signal: &str) {
        self.process.signal(signal);
    }

    /// Waits until it ends; fails the test if it does not within 40 s (it is to be gone in 30).
    pub fn wait(&self) -> ExitStatus {
        let status = self.process.wait(Duration::from_secs(40));
        status.unwrap_or_else(|| panic!("bindguard still runs\n{}", self.process.log_tail()))
    }

    /// The folder with `bindguard.stdout` (audit lines) and `bindguard.stderr` (log).
    pub fn log_folder(&self) -> &Path {
        &self.folder
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }
}

/// A command of the bindguard binary, with nothing in its environment that would configure it, and
/// `folder` for its home; for [`run`](super::run) or [`Process::start`].
pub fn clean_command(binary: &Path, folder: &Path) -> Command {
    let mut command = guarded(binary);
    // The rest stays: coverage tools, for one, speak to the binary by environment variables.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if ["BINDGUARD_", "KUBE", "RUST_LOG"]
            .iter()
            .any(|prefix| text.starts_with(prefix))
        {
            command.env_remove(&name);
        }
    }
    command.env("HOME", folder).current_dir(folder);
    command
}
