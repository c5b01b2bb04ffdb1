//! bindguard beside a bare echo, over HTTPS, each on a processor of its own.

use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::load::{Loader, Run, Way};
use crate::process::{peak_memory, processor_time};
use crate::shared::ReviewOf;
use crate::shared::holdings::user;
use crate::statistics::median;
use crate::support::{Process, clean_command, eventually, fresh_folder, reserve_port};
use crate::table::{Budget, Table};
use crate::{BINDGUARD, echo};

/// How much of the echo's throughput bindguard is to reach.
const AT_LEAST: f64 = 0.85;
const ROUNDS: usize = 5;
const SECONDS: u32 = 2;
const REQUESTS: u32 = 20_000;
/// From this share of its processor on it is the server that limits the rate, and not the loader.
const BUSY: f64 = 0.9;
/// The processor of the servers.
const SERVER_CPU: &str = "0";
/// Companion bindings, and subjects in each.
const BINDINGS: u32 = 200;
const SUBJECTS: u32 = 20;

const VALIDATE: &str = "/validate?timeout=10s";

const WAYS: [(&str, Way); 4] = [
    ("HTTP/1.1, 1 connection", Way::Http1 { connections: 1 }),
    ("HTTP/1.1, 16 connections", Way::Http1 { connections: 16 }),
    (
        "HTTP/2, 1 connection of 16 streams",
        Way::Http2 {
            connections: 1,
            streams: 16,
        },
    ),
    (
        "HTTP/2, 16 connections",
        Way::Http2 {
            connections: 16,
            streams: 1,
        },
    ),
];

/// Who is measured, in this order everywhere.
#[derive(Clone, Copy)]
enum Target {
    Bindguard,
    Echo,
    ShortEcho,
}

const TARGETS: [Target; 3] = [Target::Bindguard, Target::Echo, Target::ShortEcho];

/// One run against each target, in the order of [`TARGETS`].
type Round = [Sample; 3];

#[derive(Clone, Copy)]
struct Sample {
    run: Run,
    /// Of the server, for one request, in microseconds.
    cpu: f64,
}

impl Sample {
    /// The share of a processor that the server took.
    fn busy(&self) -> f64 {
        self.cpu * self.run.requests / 1e6 / self.run.seconds
    }
}

pub(crate) fn tables() -> Vec<Table> {
    let servers = Servers::start();
    let mut table = Table::new(
        "HTTPS, beside a bare axum echo of the same 1.4 kB",
        &[
            "",
            "bindguard",
            "echo",
            "ratio",
            "at least",
            "echo with bindguard's short answer",
            "ratio",
        ],
    );
    for (name, way) in WAYS {
        let rounds = servers.measure(way);
        add_rows(&mut table, name, &rounds);
    }
    table.row(
        [
            &"peak memory of all these runs, MiB",
            &format!("{:.1}", peak_memory(servers.bindguard.id())),
            &format!("{:.1}", peak_memory(servers.echo.id())),
            &"",
            &"",
            &"",
            &"",
        ],
        Budget::None,
    );
    vec![table]
}

/// Whether both servers had so much to do that the rate is theirs and not the loader's.
fn servers_limit(rounds: &[Round]) -> bool {
    [Target::Bindguard, Target::Echo].into_iter().all(|target| {
        let samples = rounds.iter().map(|round| &round[target as usize]);
        median(samples.map(Sample::busy)) >= BUSY
    })
}

fn add_rows(table: &mut Table, name: &str, rounds: &[Round]) {
    let rate: fn(&Sample) -> f64 = |sample| sample.run.requests / sample.run.seconds;
    let cost: fn(&Sample) -> f64 = |sample| 1.0 / sample.cpu;
    let by_rate = servers_limit(rounds);
    for (what, speed, counts) in [
        ("requests/s", rate, by_rate),
        ("CPU µs a request", cost, !by_rate),
    ] {
        let shown = |target: Target| {
            let speed = median(rounds.iter().map(|round| speed(&round[target as usize])));
            if what.starts_with("CPU") {
                format!("{:.1}", 1.0 / speed)
            } else {
                format!("{speed:.0}")
            }
        };
        // The runs of a round follow each other, so that what else the machine did concerns all.
        let ratio = |target: Target| {
            median(rounds.iter().map(|round| {
                speed(&round[Target::Bindguard as usize]) / speed(&round[target as usize])
            }))
        };
        let ratio_to_echo = ratio(Target::Echo);
        table.row(
            [
                &format!("{name}: {what}"),
                &shown(Target::Bindguard),
                &shown(Target::Echo),
                &format!("{ratio_to_echo:.2}"),
                &if counts {
                    AT_LEAST.to_string()
                } else {
                    String::new()
                },
                &shown(Target::ShortEcho),
                &format!("{:.2}", ratio(Target::ShortEcho)),
            ],
            if counts {
                Budget::of(ratio_to_echo >= AT_LEAST)
            } else {
                Budget::None
            },
        );
    }
    let latency = |target: Target| {
        let of = |part: fn(&Run) -> f64| {
            median(rounds.iter().map(|round| part(&round[target as usize].run)))
        };
        format!("{:.0}, {:.0}", of(|run| run.p50), of(|run| run.p99))
    };
    table.row(
        [
            &format!("{name}: latency in µs, median and p99"),
            &latency(Target::Bindguard),
            &latency(Target::Echo),
            &"",
            &"",
            &latency(Target::ShortEcho),
            &"",
        ],
        Budget::None,
    );
}

struct Servers {
    bindguard: Process,
    bindguard_port: u16,
    echo: Process,
    echo_port: u16,
    loader: Loader,
}

impl Servers {
    /// Starts both, and sees that they answer what they are to answer.
    fn start() -> Self {
        let folder = fresh_folder("https");
        make_certificate(&folder);
        let manifests = write_manifests(&folder);
        let (port, admin, echo_port) = (reserve_port(), reserve_port(), reserve_port());
        let mut command = on_server_cpu(&folder, Path::new(BINDGUARD));
        command
            .arg("serve")
            .arg("--manifests")
            .arg(manifests)
            .args(["--listen", &format!("127.0.0.1:{port}")])
            .args(["--admin-listen", &format!("127.0.0.1:{admin}")])
            .arg("--tls-cert")
            .arg(folder.join(echo::CERTIFICATE))
            .arg("--tls-key")
            .arg(folder.join(echo::KEY));
        let bindguard = Process::start("bindguard", command, &folder);
        wait_for(port, &bindguard);

        let loader = Loader::new(&folder, ReviewOf::subjects(1).body());
        let answer = post(&folder, &loader, &url_of(port, VALIDATE));
        assert!(
            answer.contains(r#""kind":"AdmissionReview""#) && answer.contains(r#""allowed":true"#),
            "bindguard answers {answer}"
        );
        let own = std::env::current_exe().expect("this program has a path");
        let mut command = on_server_cpu(&folder, &own);
        command
            .args(["echo", &echo_port.to_string()])
            .arg(&folder)
            .arg(answer.len().to_string());
        let echo = Process::start("echo", command, &folder);
        wait_for(echo_port, &echo);
        let echoed = post(&folder, &loader, &url_of(echo_port, echo::ECHO));
        assert!(
            echoed.as_bytes() == ReviewOf::subjects(1).body(),
            "the echo answers {echoed}"
        );
        Self {
            bindguard,
            bindguard_port: port,
            echo,
            echo_port,
            loader,
        }
    }

    fn url(&self, target: Target) -> String {
        match target {
            Target::Bindguard => url_of(self.bindguard_port, VALIDATE),
            Target::Echo => url_of(self.echo_port, echo::ECHO),
            Target::ShortEcho => url_of(self.echo_port, echo::SHORT),
        }
    }

    fn measure(&self, way: Way) -> Vec<Round> {
        // The first round finds neither caches nor branch predictors ready.
        (0..=ROUNDS)
            .map(|_| TARGETS.map(|target| self.sample(way, target)))
            .skip(1)
            .collect()
    }

    fn sample(&self, way: Way, target: Target) -> Sample {
        let id = match target {
            Target::Bindguard => self.bindguard.id(),
            Target::Echo | Target::ShortEcho => self.echo.id(),
        };
        let before = processor_time(id);
        let run = self.loader.run(way, &self.url(target), SECONDS, REQUESTS);
        let taken = processor_time(id) - before;
        Sample {
            run,
            cpu: taken * 1e6 / run.requests,
        }
    }
}

fn url_of(port: u16, path: &str) -> String {
    format!("https://127.0.0.1:{port}{path}")
}

fn wait_for(port: u16, server: &Process) {
    let open = || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok();
    let open = eventually(Duration::from_secs(10), open);
    assert!(open.is_some(), "{}", server.log_tail());
}

/// What a server answers to one review.
fn post(folder: &Path, loader: &Loader, url: &str) -> String {
    let output = Command::new("curl")
        .args(["--silent", "--show-error", "--fail", "--cacert"])
        .arg(folder.join(echo::CERTIFICATE))
        .args(["--header", "content-type: application/json"])
        .arg("--data-binary")
        .arg(format!("@{}", loader.body().display()))
        .arg(url)
        .output()
        .expect("curl runs");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "curl: {complaint}");
    String::from_utf8(output.stdout).expect("answers are text")
}

fn on_server_cpu(folder: &Path, program: &Path) -> Command {
    let mut command = clean_command(Path::new("taskset"), folder);
    command.args(["--cpu-list", SERVER_CPU]).arg(program);
    command
}

/// Puts a certificate for 127.0.0.1 and its key where both servers look for them.
pub(crate) fn make_certificate(folder: &Path) {
    let names = vec!["127.0.0.1".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).expect("a certificate can be made");
    for (name, pem) in [
        (echo::CERTIFICATE, made.cert.pem()),
        (echo::KEY, made.signing_key.serialize_pem()),
    ] {
        fs::write(folder.join(name), pem).expect("the folder can be written");
    }
}

/// Companion bindings, by which the user under review has all companions.
fn write_manifests(folder: &Path) -> PathBuf {
    let manifests = folder.join("manifests");
    fs::create_dir_all(&manifests).expect("the folder can be written");
    let bindings: Vec<String> = crate::api::companion_bindings(BINDINGS, SUBJECTS, user)
        .map(|binding| binding.to_string())
        .collect();
    let text = bindings.join("\n---\n");
    fs::write(manifests.join("companions.yaml"), text).expect("the folder can be written");
    manifests
}
