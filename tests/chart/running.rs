//! What the chart starts, as processes under the chart's own accounts and rights: a missing right
//! shows. The API server calls them by URL.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use crate::chart::{Rendering, arguments, at, folder};
use crate::support::{
    ADMIN, Authority, ControlPlane, Output, Process, clean_command, eventually, fresh_folder,
    http_get, reserve_port, run,
};

const LIMIT: Duration = Duration::from_secs(30);
const RELEASE: &str = "bindguard";
const ORDERS: &str = "orders.bindguard.dev";

struct Release {
    plane: &'static ControlPlane,
    namespace: String,
    values: Value,
    policy: PathBuf,
    admin_port: u16,
    /// In a Pod the controller has a port that is fixed.
    controller_port: u16,
}

impl Release {
    /// Installs the chart, without its hooks: Jobs would wait for Pods that nobody starts.
    fn install(certificates: impl FnOnce(&ControlPlane, &str) -> Value) -> Self {
        let plane = ControlPlane::shared().install_roles();
        let namespace = plane.namespace();
        let (webhook, admin_port) = (reserve_port(), reserve_port());
        let values = json!({
            "certificates": certificates(plane, &namespace),
            "webhook": {"url": format!("https://127.0.0.1:{webhook}")},
            "ports": {"webhook": webhook, "admin": admin_port},
        });
        let policy = fresh_folder("release").join("policy.yaml");
        fs::write(&policy, Rendering::of(&values).policy()).unwrap();
        let release = Self {
            plane,
            namespace,
            values,
            policy,
            admin_port,
            controller_port: reserve_port(),
        };
        release.apply("install");
        release
    }

    /// Installs or upgrades.
    fn apply(&self, command: &str) {
        self.apply_with(command, &[]);
    }

    /// The same with further flags.
    fn apply_with(&self, command: &str, more: &[&str]) -> Output {
        let file = fresh_folder("release").join("values.yaml");
        fs::write(&file, self.values.to_string()).unwrap();
        let (chart, file) = (folder(), file.display().to_string());
        let chart = chart.to_str().unwrap();
        let args = [command, RELEASE, chart, "--values", &file, "--no-hooks"];
        self.helm(&[&args[..], more].concat())
    }

    /// What the webhook configurations say that the API server is to trust, of all webhooks the same.
    fn ca_bundle(&self) -> Value {
        let kinds = "validatingwebhookconfigurations,mutatingwebhookconfigurations";
        let args = ["get", kinds, "--output=json"];
        let live = self.plane.kubectl(ADMIN, &args).expect_success();
        let live: Value = serde_json::from_str(&live).unwrap();
        let configurations = live["items"].as_array().unwrap().iter();
        let mut bundles: Vec<Value> = configurations
            .flat_map(|configuration| configuration["webhooks"].as_array().unwrap())
            .map(|webhook| webhook["clientConfig"]["caBundle"].clone())
            .collect();
        assert_eq!(bundles.len(), 3, "{live:#}");
        bundles.dedup();
        assert_eq!(bundles.len(), 1, "{live:#}");
        bundles.remove(0)
    }

    fn helm(&self, args: &[&str]) -> Output {
        let args = [args, &["--namespace", &self.namespace]].concat();
        let output = self.plane.helm(ADMIN, &args);
        output.clone().expect_success();
        output
    }

    /// Has nobody order any more. The controller loses its rights before the guard goes.
    fn stop_orders(&self) {
        let may_create = || {
            let account = format!(
                "system:serviceaccount:{}:{RELEASE}-controller",
                self.namespace
            );
            let ask = ["auth", "can-i", "create", "clusterrolebindings", "--as"];
            self.plane
                .kubectl(ADMIN, &[&ask[..], &[&account]].concat())
                .succeeded()
        };
        assert!(may_create());
        let mode = "policy.provisioning.mode=Disabled";
        let output = self.apply_with("upgrade", &["--set", mode, "--debug"]);
        assert!(!may_create());
        let told: Vec<&str> = output.stderr.lines().chain(output.stdout.lines()).collect();
        let guard = told
            .iter()
            .position(|line| line.contains("deleting resource") && line.contains(ORDERS))
            .unwrap_or_else(|| panic!("{output}"));
        let is_of_rights =
            |line: &&&str| line.contains("bindguard-controller") && line.contains("ClusterRole");
        assert!(
            told[..guard].iter().any(|line| is_of_rights(&line)),
            "{output}"
        );
        assert!(
            !told[guard..].iter().any(|line| is_of_rights(&line)),
            "{output}"
        );
    }

    /// Uninstalls, and gives the kinds in the order in which Helm deleted them.
    fn uninstall(&self) -> Vec<String> {
        let output = self.helm(&["uninstall", RELEASE, "--no-hooks", "--debug"]);
        let told = output.stderr.lines().chain(output.stdout.lines());
        let mut kinds: Vec<String> = told
            .filter(|line| line.contains("starting delete resource"))
            .filter_map(|line| line.split_once(" kind="))
            .map(|(_, kind)| kind.trim().to_owned())
            .collect();
        kinds.dedup();
        assert!(kinds.len() > 10, "{output}");
        kinds
    }

    fn rendering(&self) -> Rendering {
        Rendering::in_release(RELEASE, &self.namespace, &self.values)
    }

    /// The arguments of a workload, as they are for a process of this machine: the policy is another
    /// file, ports are at 127.0.0.1, and the token of the account is in a kubeconfig.
    fn command_line(&self, kind: &str, name: &str) -> Vec<String> {
        let rendering = self.rendering();
        let workload = rendering.object(kind, name);
        let account = at(workload, "/spec/template/spec/serviceAccountName");
        let file = self
            .plane
            .service_account_kubeconfig(&self.namespace, account.as_str().unwrap());
        let mut line: Vec<String> = arguments(workload)
            .into_iter()
            .map(|argument| match argument.split_once('=') {
                Some(("--policy", _)) => format!("--policy={}", self.policy.display()),
                Some(("--admin-listen", ":8080")) => {
                    format!("--admin-listen=127.0.0.1:{}", self.controller_port)
                }
                Some((flag @ ("--listen" | "--admin-listen"), port)) => {
                    format!("{flag}=127.0.0.1{port}")
                }
                _ => argument.to_owned(),
            })
            .collect();
        line.push(format!("--kubeconfig={}", file.display()));
        line
    }

    fn start(&self, name: &str) -> Process {
        let home = fresh_folder(name);
        let mut command = clean_command(Path::new(env!("CARGO_BIN_EXE_bindguard")), &home);
        command.args(self.command_line("Deployment", name));
        // In a Pod the page is at an address of its own.
        command.env("BINDGUARD_REPORT_LISTEN", "none");
        Process::start(name, command, &home)
    }

    /// Runs a hook to its end, with the rights that Helm would have made for it, and takes these away.
    fn hook(&self, component: &str) -> Output {
        let all = self.rendering().objects.into_iter();
        let rights: Vec<Value> = all
            .filter(|object| {
                object["metadata"]["labels"]["app.kubernetes.io/component"] == component
            })
            .filter(|object| object["kind"] != "Job")
            .collect();
        let rights = json!({"apiVersion": "v1", "kind": "List", "items": rights}).to_string();
        self.plane.apply(ADMIN, &rights).expect_success();
        let home = fresh_folder(component);
        let mut command = clean_command(Path::new(env!("CARGO_BIN_EXE_bindguard")), &home);
        command.args(self.command_line("Job", &format!("{RELEASE}-{component}")));
        let output = run(format!("bindguard {component}"), command, "");
        self.plane
            .kubectl_stdin(ADMIN, &["delete", "--filename", "-"], &rights)
            .expect_success();
        output
    }

    /// Deletes the Secret, waits for the controller to make another, and upgrades, by which it is
    /// Helm's again: what was installed must not keep the next upgrade from it, nor outlive the release.
    fn lose_the_certificate(&self) {
        let on = |verb: &str, more: &[&str]| {
            let args = [
                verb,
                "secret",
                "bindguard-tls",
                "--namespace",
                &self.namespace,
            ];
            self.plane.kubectl(ADMIN, &[&args[..], more].concat())
        };
        let before = on("get", &["--output=jsonpath={.data.tls\\.crt}"]).expect_success();
        assert!(!before.is_empty());
        on("delete", &[]).expect_success();
        let made = eventually(LIMIT, || {
            let now = on("get", &["--output=jsonpath={.data.tls\\.crt}"]);
            (now.succeeded() && !now.stdout.is_empty()).then_some(now.stdout)
        });
        self.apply("upgrade");
        let after = on("get", &["--output=jsonpath={.data.tls\\.crt}"]).expect_success();
        assert_eq!(Some(after), made, "an upgrade empties no Secret");
    }

    fn bind(&self) -> Output {
        let args = [
            "create",
            "rolebinding",
            "uncovered",
            "--clusterrole=spectro-vm-user",
        ];
        let place = [
            "--user=nobody@example.com",
            "--dry-run=server",
            "--namespace",
            &self.namespace,
        ];
        self.plane.kubectl(ADMIN, &[&args[..], &place].concat())
    }

    fn left_behind(&self) -> String {
        let kinds = "all,secrets,configmaps,leases,roles,rolebindings,serviceaccounts,networkpolicies,\
                     poddisruptionbudgets,clusterroles,clusterrolebindings,\
                     validatingwebhookconfigurations,mutatingwebhookconfigurations,\
                     validatingadmissionpolicies,validatingadmissionpolicybindings";
        let label = "app.kubernetes.io/part-of=bindguard";
        let args = [
            "get",
            kinds,
            "--output=name",
            "--selector",
            label,
            "--namespace",
            &self.namespace,
        ];
        self.plane.kubectl(ADMIN, &args).expect_success()
    }
}

fn until_ready(process: &Process, port: u16) {
    let ready = eventually(LIMIT, || {
        assert!(process.exited().is_none(), "{}", process.log_tail());
        matches!(http_get(port, "/readyz"), Ok((200, _))).then_some(())
    });
    let answer = http_get(port, "/readyz");
    assert!(ready.is_some(), "{answer:?}\n{}", process.log_tail());
}

fn until_metrics(port: u16, lines: &[&str]) {
    let seen = eventually(LIMIT, || {
        let (_, metrics) = http_get(port, "/metrics").ok()?;
        let is_there = |line: &&str| metrics.contains(*line);
        lines.iter().all(is_there).then_some(())
    });
    assert!(
        seen.is_some(),
        "{lines:?}: {:?}",
        http_get(port, "/metrics")
    );
}

/// A Secret with a certificate for this machine, and the values that name it.
fn provided(plane: &ControlPlane, namespace: &str) -> Value {
    let authority = Authority::new();
    let pair = authority.server(&["127.0.0.1"]);
    let secret = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "mine", "namespace": namespace},
        "type": "kubernetes.io/tls",
        "stringData": {"tls.crt": pair.certificate, "tls.key": pair.key},
    });
    plane.apply(ADMIN, &secret.to_string()).expect_success();
    json!({
        "mode": "provided",
        "provided": {"secretName": "mine", "caBundle": authority.certificate()},
    })
}

#[test]
fn everything_that_the_chart_starts_works_with_the_rights_that_the_chart_gives_it() {
    // One after the other, since the name of a release is also that of its configuration.
    works(&Release::install(provided), false);
    works(
        &Release::install(|_, _| json!({"mode": "self-managed"})),
        true,
    );
}

fn works(release: &Release, is_managed: bool) {
    let port = release.admin_port;
    let controller = release.start("bindguard-controller");
    let serve = release.start("bindguard");
    until_ready(&serve, port);
    until_ready(&controller, release.controller_port);

    let check = release.hook("verify");
    assert!(check.stdout.contains("bindguard judges"), "{check}");
    check.expect_success();
    let told = release.bind().expect_failure();
    assert!(told.contains("denied the request: RoleBinding"), "{told}");

    until_metrics(
        port,
        &[
            "bindguard_certificate_trusted 1",
            "bindguard_configuration_drift{kind=\"validating\"} 0",
            "bindguard_configuration_drift{kind=\"mutating\"} 0",
            "bindguard_persona_index_synced 1",
            "bindguard_watch_working 1",
        ],
    );
    // It leads by the Lease, and shows the certificate, be it its own or one that it only reads.
    let expires = "bindguard_certificate_expiry_timestamp_seconds{certificate=\"serving\"} ";
    until_metrics(release.controller_port, &["bindguard_leader 1", expires]);
    let (_, metrics) = http_get(release.controller_port, "/metrics").unwrap();
    assert!(!metrics.contains(&format!("{expires}0\n")), "{metrics}");

    let trusted = release.ca_bundle();
    assert!(trusted.is_string(), "{trusted}");
    release.apply("upgrade");
    assert_eq!(release.ca_bundle(), trusted, "an upgrade leaves it alone");
    let told = release.bind().expect_failure();
    assert!(told.contains("denied the request: RoleBinding"), "{told}");

    if is_managed {
        release.lose_the_certificate();
    }
    // Looked at before the controller is to lose rights, of which it may or may not notice.
    let managing = is_managed.then_some(&controller);
    for process in [Some(&serve), managing].into_iter().flatten() {
        let log = process.stderr();
        assert!(!log.to_lowercase().contains("forbidden"), "{log}");
    }
    release.stop_orders();
    release.apply("upgrade");
    release.hook("unregister").expect_success();
    let passed = eventually(LIMIT, || release.bind().succeeded().then_some(()));
    assert!(passed.is_some(), "nobody is asked any more");
    // The controller has lost its rights before nobody holds off orders any more.
    let kinds = release.uninstall();
    let place = |kind: &str| kinds.iter().position(|deleted| deleted == kind).unwrap();
    for guard in [
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
    ] {
        for before in [
            "Deployment",
            "RoleBinding",
            "ClusterRoleBinding",
            "ClusterRole",
        ] {
            assert!(place(before) < place(guard), "{kinds:?}");
        }
    }
    assert_eq!(release.left_behind(), "");
}
