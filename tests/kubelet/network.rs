//! Addresses for Pods: a bridge, and a pair of virtual cables for each.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use crate::support::{FROM_PODS, Process, eventually, guarded};

const BRIDGE: &str = "pods";
const OWN_NETWORK: &str = "/proc/self/ns/net";

/// Makes the bridge on which all Pods are, with the node's own address on it. Once is enough.
pub(super) fn prepare() {
    ip(&["link", "set", "lo", "up"]);
    ip(&["link", "add", BRIDGE, "type", "bridge"]);
    ip(&["addr", "add", &format!("{FROM_PODS}/16"), "dev", BRIDGE]);
    ip(&["link", "set", BRIDGE, "up"]);
}

/// The network of one Pod. It is gone when this is dropped.
pub(super) struct Sandbox {
    pub(super) address: String,
    pause: Process,
}

impl Sandbox {
    pub(super) fn new(folder: &Path) -> Self {
        static NUMBER: AtomicU16 = AtomicU16::new(2);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let address = format!("10.88.{}.{}", number >> 8, number & 0xff);

        let mut command = guarded("unshare");
        command.args(["--net", "--", "sleep", "infinity"]);
        let pause = Process::start("pause", command, folder);
        let network = PathBuf::from(format!("/proc/{}/ns/net", pause.id()));
        let own = fs::read_link(OWN_NETWORK).expect("we have a network");
        let apart = eventually(Duration::from_secs(10), || {
            let theirs = fs::read_link(&network).ok()?;
            (theirs != own).then_some(())
        });
        assert!(
            apart.is_some(),
            "no network namespace\n{}",
            pause.log_tail()
        );

        let (cable, pid) = (format!("pod{number}"), pause.id().to_string());
        let peer = ["peer", "name", "eth0", "netns", &pid];
        ip(&[&["link", "add", &cable, "type", "veth"], &peer[..]].concat());
        ip(&["link", "set", &cable, "master", BRIDGE, "up"]);
        let script =
            format!("ip addr add {address}/16 dev eth0; ip link set eth0 up; ip link set lo up");
        let net = format!("--net={}", network.display());
        run("nsenter", &[&net, "--", "sh", "-euc", &script]);
        Self { address, pause }
    }

    /// Where `nsenter` finds it.
    pub(super) fn path(&self) -> String {
        format!("/proc/{}/ns/net", self.pause.id())
    }
}

fn ip(args: &[&str]) {
    run("ip", args);
}

#[track_caller]
fn run(program: &str, args: &[&str]) {
    let output = Command::new(program)
        .args(args)
        .output()
        .unwrap_or_else(|error| panic!("cannot start {program}: {error}"));
    assert!(
        output.status.success(),
        "{program} {}: {}",
        args.join(" "),
        String::from_utf8_lossy(&output.stderr)
    );
}
