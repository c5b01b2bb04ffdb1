//! The chart with certificates by cert-manager, whose own controllers make and renew them.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use k8s_openapi::ByteString;
use serde_json::{Value, json};

use crate::load::Load;
use crate::release::{NAME, Release};
use crate::support::{ADMIN, Process, clean_command, fresh_folder};
use crate::world::{World, world};

const TLS: &str = "bindguard-tls";
const CA: &str = "bindguard-ca";
const LIMIT: Duration = Duration::from_mins(1);

/// What `tests/cert-manager` builds, at work on a cluster.
struct CertManager {
    process: Process,
    definitions: PathBuf,
}

impl CertManager {
    fn start(world: &World) -> Self {
        let folder = std::env::var_os("BINDGUARD_CERT_MANAGER");
        let folder =
            folder.expect("BINDGUARD_CERT_MANAGER is what tests/cert-manager/build.sh prints");
        let folder = Path::new(&folder);
        let definitions = folder.join("crds");
        let crds = definitions.display().to_string();
        let apply = ["apply", "--server-side", "--filename", &crds];
        world.plane.kubectl(ADMIN, &apply).expect_success();
        let wait = ["wait", "--for=condition=Established", "--timeout=30s"];
        let wait = [&wait[..], &["--filename", &crds]].concat();
        world.plane.kubectl(ADMIN, &wait).expect_success();
        let logs = fresh_folder("cert-manager");
        let mut command = clean_command(&folder.join("cert-manager"), &logs);
        command.arg(world.plane.kubeconfig(ADMIN));
        Self {
            process: Process::start("cert-manager", command, &logs),
            definitions,
        }
    }

    /// Ends it, and takes away what it has made.
    fn remove(self, world: &World) {
        drop(self.process);
        let crds = self.definitions.display().to_string();
        let delete = ["delete", "--filename", &crds, "--timeout=30s"];
        world.plane.kubectl(ADMIN, &delete).expect_success();
    }
}

struct Stage<'w> {
    world: &'w World,
    release: &'w Release<'w>,
    manager: &'w CertManager,
}

impl Stage<'_> {
    /// A value of a Secret, in base64.
    fn secret(&self, name: &str, key: &str) -> Option<String> {
        let args = ["get", "secret", name, "--namespace", NAME, "--output=json"];
        let output = self.world.plane.kubectl(ADMIN, &args);
        let secret: Value = serde_json::from_str(&output.stdout).ok()?;
        secret["data"][key].as_str().map(str::to_owned)
    }

    /// What every webhook trusts, if that is the same.
    fn bundle(&self) -> Option<String> {
        let kinds = "validatingwebhookconfigurations,mutatingwebhookconfigurations";
        let live = self.world.get(&[kinds]);
        let mut bundles: Vec<&Value> = live["items"]
            .as_array()?
            .iter()
            .flat_map(|one| one["webhooks"].as_array().into_iter().flatten())
            .map(|webhook| &webhook["clientConfig"]["caBundle"])
            .collect();
        assert_eq!(bundles.len(), 3, "{live:#}");
        bundles.dedup();
        let [bundle] = bundles[..] else { return None };
        bundle.as_str().map(str::to_owned)
    }

    /// Whether cert-manager says so of a Certificate.
    fn is_ready(&self, certificate: &str) -> bool {
        let live = self
            .world
            .get(&["certificate", certificate, "--namespace", NAME]);
        let conditions = live["status"]["conditions"].as_array();
        let mut conditions = conditions.into_iter().flatten();
        conditions.any(|one| one["type"] == "Ready" && one["status"] == "True")
    }

    /// Waits, and shows what cert-manager logs if it is in vain.
    #[track_caller]
    fn until(&self, what: &str, mut holds: impl FnMut() -> bool) {
        let start = Instant::now();
        while !holds() {
            assert!(
                start.elapsed() < LIMIT,
                "{what}: not within {LIMIT:?}\n{}\n{}",
                self.manager.process.log_tail(),
                self.world.kubelet.logs(NAME)
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        eprintln!("figure: {what} after {:.1?}", start.elapsed());
    }

    /// Waits until all replicas have taken over another certificate than this many times before.
    fn until_reloaded(&self, times: &[usize]) {
        self.until("every replica serves the new certificate", || {
            self.reloads()
                .iter()
                .zip(times)
                .all(|(now, before)| now > before)
        });
    }

    /// How often each replica has taken over a certificate.
    fn reloads(&self) -> Vec<usize> {
        let mut pods = self.release.pods("serve");
        pods.sort_by(|one, other| one.name.cmp(&other.name));
        let loaded = "bindguard_certificate_reloads_total{result=\"ok\"} ";
        pods.iter()
            .map(|pod| {
                let answer = crate::support::http_get_at(&pod.address, 8080, "/metrics");
                let (_, metrics) = answer.expect("metrics");
                let mut lines = metrics.lines();
                let count = lines.find_map(|line| line.strip_prefix(loaded)?.parse().ok());
                count.unwrap_or(0)
            })
            .collect()
    }

    /// What `cmctl renew` does: another certificate before its time.
    fn renew(&self, certificate: &str) {
        let now = "2026-01-01T00:00:00Z";
        let patch = format!(
            r#"--patch=[{{"op":"add","path":"/status/conditions/-","value":{{"type":"Issuing",
            "status":"True","reason":"ManuallyTriggered","message":"by a test",
            "lastTransitionTime":"{now}"}}}}]"#
        );
        let args = ["patch", "certificate", certificate, "--subresource=status"];
        self.release
            .kubectl(&[&args[..], &["--type=json", &patch]].concat());
    }
}

/// What is in base64.
fn plain(text: Option<&str>) -> String {
    let bytes: ByteString = serde_json::from_value(json!(text)).expect("base64");
    String::from_utf8(bytes.0).expect("PEM")
}

#[test]
#[ignore = "takes minutes to build: BINDGUARD_CERT_MANAGER=$(tests/cert-manager/build.sh)"]
fn cert_manager_issues_trusts_and_renews_without_a_failed_call() {
    let world = world();
    let release = Release::absent(&world);
    let manager = CertManager::start(&world);
    let stage = Stage {
        world: &world,
        release: &release,
        manager: &manager,
    };
    // Helm's own check waits for a denial.
    let took = release.install(&["certificates.mode=cert-manager"]);
    eprintln!("figure: helm install --wait with cert-manager took {took:.1?}");
    let told = world.attempt().expect_failure();
    assert!(told.contains("denied the request: RoleBinding"), "{told}");
    release.until_ready("serve", 3);
    for certificate in [NAME, CA] {
        assert!(stage.is_ready(certificate), "{certificate}");
    }
    let authority = stage.secret(CA, "tls.crt");
    assert!(authority.is_some());
    assert_eq!(stage.secret(TLS, "ca.crt"), authority);
    assert_eq!(stage.bundle(), authority);

    let load = Load::begin(&world, 20);
    for round in ["renewed", "deleted"] {
        let (before, reloads) = (stage.secret(TLS, "tls.crt"), stage.reloads());
        if round == "renewed" {
            stage.renew(NAME);
        } else {
            release.kubectl(&["delete", "secret", TLS]);
        }
        stage.until(&format!("a certificate that is {round} is another"), || {
            let now = stage.secret(TLS, "tls.crt");
            now.is_some() && now != before
        });
        stage.until_reloaded(&reloads);
        assert_eq!(stage.secret(TLS, "ca.crt"), authority, "{round}");
    }
    // The CA alone is lost, and what it has signed is served and trusted on.
    release.kubectl(&["delete", "secret", CA]);
    stage.until("there is another CA", || {
        let now = stage.secret(CA, "tls.crt");
        now.is_some() && now != authority
    });
    assert_eq!(stage.bundle(), authority);
    load.end_without_failure("certificates of cert-manager that are renewed, and deleted");

    // What another CA signs cannot be trusted before it is served: the injector reads the same
    // Secret. It keeps the one before beside it.
    let load = Load::light(&world, 20);
    let reloads = stage.reloads();
    stage.renew(NAME);
    stage.until_reloaded(&reloads);
    let another = stage.secret(TLS, "ca.crt");
    assert_ne!(another, authority);
    let both = format!(
        "{}{}",
        plain(authority.as_deref()),
        plain(another.as_deref())
    );
    stage.until("what is served is trusted", || {
        plain(stage.bundle().as_deref()) == both
    });
    std::thread::sleep(Duration::from_secs(2));
    let report = load.end();
    eprintln!(
        "figure: a certificate by another CA: {} applied, {} denied, {} failed",
        report.applied,
        report.denied,
        report.failures.len()
    );
    for failure in &report.failures {
        assert!(failure.reason.contains("x509"), "{failure:?}");
    }
    assert!(world.attempt().stderr.contains("denied the request"));

    release.uninstall();
    for secret in [TLS, CA] {
        release.kubectl(&["delete", "secret", secret]);
    }
    manager.remove(&world);
}
