//! Where and with what the figures were taken.

use std::fs;
use std::process::Command;

use bindguard::telemetry::clock;

/// Lines that say so.
pub(crate) fn description() -> String {
    let date = std::env::var("BENCH_DATE")
        .unwrap_or_else(|_| clock::now().strftime("%Y-%m-%d").to_string());
    let processors = std::thread::available_parallelism().map_or(0, usize::from);
    [
        format!("- taken on {date}, at commit {}", commit()),
        format!(
            "- {} with {processors} processors, {} GiB, Linux {}",
            after_colon("/proc/cpuinfo", "model name"),
            gibibytes(),
            contents("/proc/sys/kernel/osrelease"),
        ),
        format!(
            "- load of the machine over 1, 5 and 15 minutes, at its end: {}",
            load()
        ),
        format!(
            "- {}, {}, {}, kube-apiserver and etcd as `tests/control-plane` pins them",
            line("rustc", &["--version"]),
            // wrk prints its version together with its usage, and fails.
            line("wrk", &["-v"]).replace(" Copyright (C) 2012 Will Glozer", ""),
            line("h2load", &["--version"]),
        ),
    ]
    .join("\n")
}

fn load() -> String {
    let load = contents("/proc/loadavg");
    load.split(' ').take(3).collect::<Vec<_>>().join(", ")
}

fn commit() -> String {
    let changed = !line("git", &["status", "--porcelain", "--", "src", "Cargo.lock"]).is_empty();
    let commit = line("git", &["rev-parse", "--short", "HEAD"]);
    format!("{commit}{}", if changed { ", changed" } else { "" })
}

/// The first line that a command prints, or nothing.
fn line(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let printed = output.map(|output| output.stdout).unwrap_or_default();
    let printed = String::from_utf8_lossy(&printed);
    printed.lines().next().unwrap_or_default().trim().to_owned()
}

fn contents(path: &str) -> String {
    fs::read_to_string(path)
        .unwrap_or_default()
        .trim()
        .to_owned()
}

fn after_colon(path: &str, key: &str) -> String {
    let contents = contents(path);
    let line = contents.lines().find(|line| line.starts_with(key));
    let value = line.and_then(|line| line.split_once(':'));
    value.map_or("?", |(_, value)| value.trim()).to_owned()
}

fn gibibytes() -> u64 {
    let total = after_colon("/proc/meminfo", "MemTotal");
    let kibibytes = total.trim_end_matches(" kB").parse::<u64>().unwrap_or(0);
    kibibytes / 1024 / 1024
}
