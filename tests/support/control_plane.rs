//! etcd and kube-apiserver: one pair for each test binary, or one of a test's own.

use std::collections::HashMap;
use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use super::accounts::Accounts;
use super::authority::{Authority, fresh_key};
use super::command::LIMIT;
use super::process::Process;
use super::user::{ADMIN, User};
use super::wait::eventually;
use super::{assets, by_way_of, folder, fresh_folder, reserve_port};

/// Where Pods reach an API server that was started beside them; see `tests/kubelet`.
pub const FROM_PODS: &str = "10.88.0.1";

/// A running API server with its etcd. Dropping it stops both.
pub struct ControlPlane {
    pub(super) folder: PathBuf,
    pub(super) assets: &'static Path,
    pub(super) authority: Authority,
    pub(super) kubeconfigs: Mutex<HashMap<User, PathBuf>>,
    pub(super) controller_manager: OnceLock<Process>,
    pub(super) accounts: OnceLock<Accounts>,
    pub(super) roles: OnceLock<()>,
    pub(super) registered: AtomicBool,
    port: u16,
    pub(super) etcd_port: u16,
    api_server_flags: Vec<String>,
    api_server: Mutex<Option<Process>>,
    etcd: Process,
}

impl ControlPlane {
    /// The control plane that the tests of this binary share, started by the first to ask for it.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<ControlPlane> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(&[]))
    }

    /// A control plane for one test, with further flags for its API server. For tests that stop the
    /// API server or need it to be different; all others share one, which saves five seconds each.
    pub fn start(api_server_flags: &[&str]) -> Self {
        // A port may have been taken after all, so a second try is worth the wait.
        Self::try_start(api_server_flags).unwrap_or_else(|first| {
            eprintln!("the control plane did not start, trying once more: {first}");
            Self::try_start(api_server_flags)
                .unwrap_or_else(|second| panic!("the control plane did not start: {second}"))
        })
    }

    /// Where the API server listens: `https://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    /// The file with the certificate of the authority behind the API server and all users.
    pub fn authority_file(&self) -> PathBuf {
        self.folder.join("authority.crt")
    }

    /// The port of the API server.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The folder with etcd, kube-apiserver, kube-controller-manager, kubectl and helm.
    pub fn assets(&self) -> &Path {
        self.assets
    }

    /// Kills the API server. Not for the shared control plane.
    pub fn stop_api_server(&self) {
        *self.api_server() = None;
    }

    /// Starts the API server again after [`stop_api_server`](Self::stop_api_server), on the same
    /// port and data, and waits until it is ready.
    pub fn start_api_server(&self) {
        self.start_api_server_with(&[]);
    }

    /// The same, with these flags besides: another API server on the same data.
    pub fn start_api_server_with(&self, flags: &[&str]) {
        self.launch_api_server(flags);
        self.wait_until_ready()
            .unwrap_or_else(|reason| panic!("the API server did not come back: {reason}"));
    }

    /// Sends the API server a signal: `STOP` makes it hang, `CONT` go on.
    pub fn signal_api_server(&self, signal: &str) {
        self.api_server()
            .as_ref()
            .expect("the API server was started")
            .signal(signal);
    }

    fn try_start(api_server_flags: &[&str]) -> Result<Self, String> {
        let folder = fresh_folder("control-plane");
        let assets = assets::folder();
        let authority = Authority::new();
        write_keys(&folder, &authority);

        let (etcd_port, peer_port) = (reserve_port(), reserve_port());
        let etcd = start_etcd(assets, &folder, etcd_port, peer_port);
        let plane = Self {
            folder,
            assets,
            authority,
            kubeconfigs: Mutex::default(),
            controller_manager: OnceLock::new(),
            accounts: OnceLock::new(),
            roles: OnceLock::new(),
            registered: AtomicBool::new(false),
            port: reserve_port(),
            etcd_port,
            api_server_flags: api_server_flags
                .iter()
                .map(|flag| (*flag).to_owned())
                .collect(),
            api_server: Mutex::new(None),
            etcd,
        };
        plane.launch_api_server(&[]);
        plane.wait_until_ready().map(|()| plane)
    }

    fn launch_api_server(&self, flags: &[&str]) {
        let process = self.run_api_server("kube-apiserver", self.port, flags);
        *self.api_server() = Some(process);
    }

    /// One more API server on the same data, with these flags besides, and its port. It is ready.
    pub fn another_api_server(&self, flags: &[&str]) -> (Process, u16) {
        let port = reserve_port();
        let process = self.run_api_server("another-apiserver", port, flags);
        let kubeconfig = by_way_of(port, &self.kubeconfig(ADMIN));
        let is_ready = eventually(LIMIT, || {
            let answer = self.kubectl_with(&kubeconfig, &["get", "--raw", "/readyz"], "");
            answer.succeeded().then_some(())
        });
        assert!(is_ready.is_some(), "{}", process.log_tail());
        (process, port)
    }

    fn run_api_server(&self, name: &str, port: u16, flags: &[&str]) -> Process {
        let file = |name: &str| self.folder.join(name).display().to_string();
        let mut command = self.tool("kube-apiserver");
        command.args([
            format!("--etcd-servers=http://127.0.0.1:{}", self.etcd_port),
            format!("--secure-port={port}"),
            format!("--cert-dir={}", file(name)),
            format!("--tls-cert-file={}", file("api-server.crt")),
            format!("--tls-private-key-file={}", file("api-server.key")),
            format!("--client-ca-file={}", file("authority.crt")),
            format!("--service-account-key-file={}", file("service-account.pub")),
            format!(
                "--service-account-signing-key-file={}",
                file("service-account.key")
            ),
        ]);
        command.args([
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            "--service-account-issuer=https://kubernetes.default.svc",
            "--service-cluster-ip-range=10.0.0.0/24",
            "--authorization-mode=RBAC",
            "--endpoint-reconciler-type=none",
        ]);
        command.args(&self.api_server_flags).args(flags);
        Process::start(name, command, &self.folder)
    }

    /// Ready includes the bootstrap roles and bindings, without which no user could do a thing.
    fn wait_until_ready(&self) -> Result<(), String> {
        let outcome = eventually(LIMIT, || {
            let (etcd, api_server) = (&self.etcd, self.api_server());
            let api_server = api_server.as_ref().expect("the API server was started");
            if etcd.exited().is_some() {
                return Some(Err(format!("etcd ended\n{}", etcd.log_tail())));
            }
            if api_server.exited().is_some() {
                let log = api_server.log_tail();
                return Some(Err(format!("kube-apiserver ended\n{log}")));
            }
            // A call by kubectl costs much more than a look at the port.
            TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).ok()?;
            let answer = self.kubectl(ADMIN, &["get", "--raw", "/readyz"]);
            answer.succeeded().then_some(Ok(()))
        });
        outcome.unwrap_or_else(|| {
            let (etcd, api_server) = (&self.etcd, self.api_server());
            let logs = api_server
                .as_ref()
                .map(Process::log_tail)
                .unwrap_or_default();
            Err(format!(
                "not ready within {LIMIT:?}\n{logs}\n{}",
                etcd.log_tail()
            ))
        })
    }

    fn api_server(&self) -> MutexGuard<'_, Option<Process>> {
        self.api_server
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        // etcd's data would otherwise hold memory until the test process ends; the logs are small.
        self.stop_api_server();
        self.etcd.kill();
        if !folder::is_kept() {
            let _ = fs::remove_dir_all(self.folder.join("etcd"));
        }
    }
}

fn write_keys(folder: &Path, authority: &Authority) {
    let server = authority.server(&[
        "127.0.0.1",
        "localhost",
        "kubernetes.default.svc",
        FROM_PODS,
    ]);
    // Tokens are checked with the public half only, and the API server does not derive it.
    let tokens = fresh_key();
    for (name, content) in [
        ("authority.crt", authority.certificate()),
        ("api-server.crt", server.certificate),
        ("api-server.key", server.key),
        ("service-account.key", tokens.serialize_pem()),
        ("service-account.pub", tokens.public_key_pem()),
    ] {
        fs::write(folder.join(name), content)
            .unwrap_or_else(|error| panic!("cannot write {name}: {error}"));
    }
}

fn start_etcd(assets: &Path, folder: &Path, port: u16, peer_port: u16) -> Process {
    let clients = format!("http://127.0.0.1:{port}");
    let peers = format!("http://127.0.0.1:{peer_port}");
    let mut command = super::process::guarded(assets.join("etcd"));
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.arg("--data-dir").arg(folder.join("etcd"));
    command.args([
        "--listen-client-urls",
        &clients,
        "--advertise-client-urls",
        &clients,
    ]);
    command.args([
        "--listen-peer-urls",
        &peers,
        "--initial-advertise-peer-urls",
        &peers,
    ]);
    command.args(["--initial-cluster", &format!("default={peers}")]);
    // Nobody needs the data after a crash, and a sync to disk costs more than the write.
    command.args(["--unsafe-no-fsync", "--log-level", "warn"]);
    Process::start("etcd", command, folder)
}
