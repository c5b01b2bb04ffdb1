//! A standard output that nobody reads, or that is closed. It takes no cluster.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::{Call, Client, Connection, Protocol};
use crate::support::{clean_command, eventually, fresh_folder, http_get, reserve_port, spawn};

const LIMIT: Duration = Duration::from_secs(30);

/// A bindguard without a cluster, whose standard output is a pipe of the test's.
struct Piped {
    child: Child,
    admin_port: u16,
    client: Client,
}

impl Piped {
    fn start() -> Self {
        let folder = fresh_folder("piped");
        let (port, admin_port) = (reserve_port(), reserve_port());
        let (manifests, authority) = (folder.join("manifests"), folder.join("ca.crt"));
        fs::create_dir(&manifests).unwrap();
        let binary = env!("CARGO_BIN_EXE_bindguard");
        let mut command = clean_command(binary.as_ref(), &folder);
        command.args(["serve", "--linger", "0s"]);
        command.args(["--listen", &format!("127.0.0.1:{port}")]);
        command.args(["--admin-listen", &format!("127.0.0.1:{admin_port}")]);
        command.arg("--manifests").arg(&manifests);
        command.arg("--write-ca").arg(&authority);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        command.stderr(fs::File::create(folder.join("stderr")).unwrap());
        let child = spawn(command).unwrap();
        let ready = eventually(LIMIT, || {
            matches!(http_get(admin_port, "/readyz"), Ok((200, _))).then_some(())
        });
        ready.expect("bindguard gets ready");
        let authority = fs::read_to_string(authority).unwrap();
        let address = format!("127.0.0.1:{port}").parse().unwrap();
        Self {
            child,
            admin_port,
            client: Client::new(address, &authority),
        }
    }

    fn connect(&self) -> Connection {
        self.client.connect(Protocol::Http1).unwrap()
    }

    fn metric(&self, series: &str) -> u64 {
        let (_, text) = http_get(self.admin_port, "/metrics").unwrap();
        let prefix = format!("bindguard_{series} ");
        let value = text.lines().find_map(|line| line.strip_prefix(&prefix));
        value.unwrap().parse().unwrap()
    }
}

impl Drop for Piped {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A change that is warned of, which takes no evidence: its subject was there before.
fn warned() -> Call {
    let binding = json!({
        "metadata": {"name": "vm", "namespace": "dev"},
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "spectro-vm-user"
        },
        "subjects": [{
            "kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "alice@example.com"
        }],
    });
    let review = json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "u",
            "kind": {"group": "rbac.authorization.k8s.io", "version": "v1", "kind": "RoleBinding"},
            "resource": {
                "group": "rbac.authorization.k8s.io", "version": "v1", "resource": "rolebindings"
            },
            "operation": "UPDATE", "name": "vm", "namespace": "dev", "dryRun": false,
            "userInfo": {"username": "carol"},
            "object": binding, "oldObject": binding,
        }
    });
    Call::post("/validate?timeout=10s", review.to_string())
}

fn expect_warning(connection: &mut Connection) {
    let reply = connection.send(warned()).unwrap();
    assert_eq!(reply.status, 200);
    assert!(reply.json()["response"]["warnings"].is_array());
}

#[test]
fn a_standard_output_that_is_closed_neither_ends_the_server_nor_holds_it_up() {
    let mut piped = Piped::start();
    drop(piped.child.stdout.take());
    let mut connection = piped.connect();
    let began = Instant::now();
    for _ in 0..50 {
        expect_warning(&mut connection);
    }
    assert!(began.elapsed() < Duration::from_secs(3));
    assert!(piped.child.try_wait().unwrap().is_none(), "it ended");
    assert_eq!(
        piped.metric("audit_lines_lost_total{decision=\"warn\"}"),
        50
    );
    assert_eq!(piped.metric("decisions_total{decision=\"warn\"}"), 50);
}

#[test]
fn a_standard_output_that_nobody_reads_costs_one_call_a_second_and_no_line() {
    const CALLS: u64 = 400;
    let mut piped = Piped::start();
    let mut connection = piped.connect();
    let mut slow = 0;
    for _ in 0..CALLS {
        let began = Instant::now();
        expect_warning(&mut connection);
        if began.elapsed() > Duration::from_millis(500) {
            slow += 1;
        }
    }
    assert_eq!(slow, 1, "calls that waited long");
    let late = piped.metric("audit_lines_late_total");
    assert!(
        late > 0 && late == piped.metric("audit_lines_waiting"),
        "{late}"
    );

    // Somebody reads again: every line is there, whole, and counted.
    let stdout = piped.child.stdout.take().unwrap();
    let mut lines = BufReader::new(stdout).lines();
    for _ in 0..CALLS {
        let line: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        assert_eq!(line["decision"], "warn");
    }
    let written = eventually(LIMIT, || {
        (piped.metric("audit_lines_total{decision=\"warn\"}") == CALLS).then_some(())
    });
    assert!(written.is_some());
    assert_eq!(piped.metric("audit_lines_lost_total{decision=\"warn\"}"), 0);
    let began = Instant::now();
    expect_warning(&mut connection);
    assert!(began.elapsed() < Duration::from_millis(500));
}
