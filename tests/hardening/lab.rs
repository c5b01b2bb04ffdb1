//! A running server, and what can be seen of it from outside.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use super::endpoint::Endpoint;
use super::support::{Bindguard, Serve, eventually, fresh_folder};

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_bindguard");

pub(crate) struct Lab {
    pub(crate) bindguard: Bindguard,
    pub(crate) endpoint: Endpoint,
    /// Measurements are spoilt by other tests' floods, so one test runs at a time.
    _turn: MutexGuard<'static, ()>,
}

impl Lab {
    /// With the examples for a cluster.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::of(BINARY.into(), arguments)
    }

    /// The same, with so many file descriptors.
    pub(crate) fn with_descriptors(limit: u32) -> Self {
        let script = fresh_folder("limited").join("bindguard");
        let text = format!("#!/bin/sh\nulimit -n {limit}\nexec '{BINARY}' \"$@\"\n");
        fs::write(&script, text).unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        Self::of(script, &[])
    }

    fn of(binary: PathBuf, arguments: &[&str]) -> Self {
        static TURN: Mutex<()> = Mutex::new(());
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        raise_own_limit();
        let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");
        let bindguard = Serve::new(binary)
            .args(&["--manifests", examples])
            .args(arguments)
            .start();
        let ca = fs::read_to_string(bindguard.authority_file()).unwrap();
        let address = bindguard.url().strip_prefix("https://").unwrap().parse();
        let endpoint = Endpoint::new(address.unwrap(), &ca);
        Self {
            bindguard,
            endpoint,
            _turn: turn,
        }
    }

    /// The value of a series in `/metrics`.
    #[track_caller]
    pub(crate) fn metric(&self, series: &str) -> u64 {
        let (_, text) = self.bindguard.admin("/metrics").expect("metrics are told");
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        let value = line.unwrap_or_else(|| panic!("no {series} in\n{text}"));
        value.parse().unwrap()
    }

    pub(crate) fn cut(&self, reason: &str) -> u64 {
        self.metric(&format!(
            "bindguard_connections_cut_total{{reason=\"{reason}\"}}"
        ))
    }

    pub(crate) fn connections(&self) -> u64 {
        self.metric("bindguard_connections")
    }

    /// How many file descriptors it has open.
    pub(crate) fn descriptors(&self) -> usize {
        let folder = format!("/proc/{}/fd", self.bindguard.id());
        fs::read_dir(folder).unwrap().count()
    }

    /// How much processor time it has had.
    pub(crate) fn processor_time(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.bindguard.id())).unwrap();
        let behind_name = stat.rsplit(')').next().unwrap();
        let ticks = behind_name.split_whitespace().skip(11).take(2);
        // User and system time, in hundredths of a second on every Linux there is.
        let ticks: u64 = ticks.map(|ticks| ticks.parse::<u64>().unwrap()).sum();
        Duration::from_millis(10 * ticks)
    }

    /// The most memory that it ever had, in KiB.
    pub(crate) fn peak_memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.bindguard.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let number = line.unwrap().split_whitespace().next().unwrap();
        number.parse().unwrap()
    }

    /// Waits until something holds; fails the test if it does not in this time.
    #[track_caller]
    pub(crate) fn within(&self, seconds: u64, what: &str, mut holds: impl FnMut(&Self) -> bool) {
        let held = eventually(Duration::from_secs(seconds), || holds(self).then_some(()));
        assert!(
            held.is_some(),
            "not within {seconds} s: {what}\n{}\n{}",
            self.counts(),
            self.bindguard.stderr()
        );
    }

    /// What it has counted, but for what is zero.
    fn counts(&self) -> String {
        match self.bindguard.admin("/metrics") {
            Err(error) => error.to_string(),
            Ok((_, text)) => text
                .lines()
                .filter(|line| !line.starts_with('#') && !line.ends_with(" 0"))
                .filter(|line| !line.contains("_bucket"))
                .flat_map(|line| [line, "\n"])
                .collect(),
        }
    }

    /// Nothing went wrong in the server so far.
    #[track_caller]
    pub(crate) fn check_health(&self) {
        let log = self.bindguard.stderr();
        assert!(!log.contains("panicked"), "{log}");
        assert!(!log.contains(r#""level":"ERROR""#), "{log}");
        assert_eq!(self.bindguard.admin("/livez").unwrap().0, 200);
        assert_eq!(self.bindguard.admin("/readyz").unwrap().0, 200);
    }
}

/// A runtime for clients.
pub(crate) fn runtime() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

/// The clients need a descriptor for each connection, as the server does.
fn raise_own_limit() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let own = std::process::id().to_string();
        let raised = Command::new("prlimit")
            .args(["--pid", &own, "--nofile=8192:"])
            .status();
        assert!(raised.is_ok_and(|status| status.success()), "prlimit fails");
    });
}
