//! wrk and h2load, and what they say.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::statistics::percentile;

/// The processor that loaders are kept to, so that they take nothing from a server on another.
pub(crate) const LOADER_CPU: &str = "1";

/// How requests are sent.
#[derive(Clone, Copy)]
pub(crate) enum Way {
    /// By wrk, over HTTP/1.1, one request at a time on each connection.
    Http1 { connections: u32 },
    /// By h2load, over HTTP/2.
    Http2 { connections: u32, streams: u32 },
}

/// What a run of a loader says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    pub(crate) requests: f64,
    pub(crate) seconds: f64,
    /// Microseconds.
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

/// Sends reviews to a URL.
pub(crate) struct Loader {
    folder: PathBuf,
    body: PathBuf,
}

impl Loader {
    /// A loader that posts this body, and keeps its files in the folder.
    pub(crate) fn new(folder: &Path, body: &[u8]) -> Self {
        let (script, file) = (folder.join("post.lua"), folder.join("review.json"));
        fs::write(&script, include_str!("post.lua")).expect("the folder can be written");
        fs::write(&file, body).expect("the folder can be written");
        Self {
            folder: folder.to_owned(),
            body: file,
        }
    }

    /// The file with the body.
    pub(crate) fn body(&self) -> &Path {
        &self.body
    }

    /// Sends for some seconds, as fast as answers come. HTTP/2 sends so many requests instead,
    /// since h2load breaks off those under way when its time is up.
    pub(crate) fn run(&self, way: Way, url: &str, seconds: u32, requests: u32) -> Run {
        match way {
            Way::Http1 { connections } => self.wrk(url, connections, seconds),
            Way::Http2 {
                connections,
                streams,
            } => {
                let connections = format!("--clients={connections}");
                let streams = format!("--max-concurrent-streams={streams}");
                self.h2load(LOADER_CPU, url, requests, &[&connections, &streams])
            }
        }
    }

    fn wrk(&self, url: &str, connections: u32, seconds: u32) -> Run {
        let connections = format!("--connections={connections}");
        let seconds = format!("--duration={seconds}s");
        let mut command = on_processor(LOADER_CPU, "wrk");
        command
            .args(["--threads=1", "--latency", &connections, &seconds])
            .arg("--script")
            .arg(self.folder.join("post.lua"))
            .arg(url)
            .env("REVIEW", &self.body);
        let printed = output(command);
        let line = printed
            .lines()
            .find_map(|line| line.strip_prefix("figures"));
        let line = line.unwrap_or_else(|| panic!("wrk says:\n{printed}"));
        let numbers: Vec<f64> = line
            .split_whitespace()
            .map(|number| number.parse().expect("the script prints numbers"))
            .collect();
        let [requests, microseconds, errors, p50, p99] = numbers[..] else {
            panic!("wrk says:\n{printed}");
        };
        assert!(errors < 1.0 && requests > 0.0, "wrk says:\n{printed}");
        Run {
            requests,
            seconds: microseconds / 1e6,
            p50,
            p99,
        }
    }

    /// Sends so many requests over HTTP/2, with further options, on these processors.
    pub(crate) fn h2load(&self, cpus: &str, url: &str, requests: u32, options: &[&str]) -> Run {
        let log = self.folder.join("h2load.log");
        let _ = fs::remove_file(&log);
        let mut command = on_processor(cpus, "h2load");
        command
            .arg(format!("--requests={requests}"))
            .args(options)
            .args(["--header", "content-type: application/json"])
            .arg(format!("--data={}", self.body.display()))
            .arg(format!("--log-file={}", log.display()))
            .arg(url);
        let printed = output(command);
        let all_good = format!("{requests} succeeded, 0 failed, 0 errored, 0 timeout");
        assert!(printed.contains(&all_good), "h2load says:\n{printed}");
        let rows = fs::read_to_string(&log).expect("h2load writes its log");
        let rows: Vec<(f64, f64)> = rows.lines().map(parse_row).collect();
        let begin = rows.iter().map(|(start, _)| *start);
        let end = rows.iter().map(|(start, took)| start + took);
        let span = end.fold(0.0, f64::max) - begin.fold(f64::INFINITY, f64::min);
        let took = || rows.iter().map(|(_, took)| *took);
        Run {
            requests: rows.len() as f64,
            seconds: span / 1e6,
            p50: percentile(took(), 50),
            p99: percentile(took(), 99),
        }
    }
}

/// Start and duration in microseconds, of an answer that must be a good one.
fn parse_row(row: &str) -> (f64, f64) {
    let mut cells = row.split('\t');
    let mut next = || cells.next().and_then(|cell| cell.parse::<f64>().ok());
    match (next(), next(), next()) {
        (Some(start), Some(200.0), Some(took)) => (start, took),
        _ => panic!("h2load's log says: {row}"),
    }
}

/// A command that runs on these processors and no other.
pub(crate) fn on_processor(cpus: &str, program: &str) -> Command {
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", cpus, program]);
    command
}

fn output(mut command: Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{command:?} failed:\n{printed}\n{complaint}"
    );
    printed
}
