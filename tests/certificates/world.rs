//! An installation of its own for each test, on one API server.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use bindguard::certificates::authority::CaCertificate;
use bindguard::certificates::secret::{
    FoundAuthorities, FoundServing, read_authorities, read_serving,
};
use bindguard::kubernetes::client::{ClientOptions, connect};
use k8s_openapi::ByteString;
use k8s_openapi::api::admissionregistration::v1::ValidatingWebhookConfiguration;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::json;
use tokio::runtime::Runtime;

use crate::support::{
    ADMIN, Accounts, ControlPlane, Output, Process, clean_command, eventually, fresh_folder,
    http_get, reserve_port, run,
};

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_bindguard");
/// Longer than anything here takes.
pub(crate) const LIMIT: Duration = Duration::from_secs(40);

/// Somebody who holds both companions.
pub(crate) const HOLDER: &str = "holder@example.com";

/// The names of both Secrets.
pub(crate) const CA: &str = "bindguard-ca";
pub(crate) const TLS: &str = "bindguard-tls";

/// The API server that tests share.
fn shared() -> &'static ControlPlane {
    static PLANE: OnceLock<ControlPlane> = OnceLock::new();
    PLANE.get_or_init(fresh)
}

fn fresh() -> ControlPlane {
    let plane = ControlPlane::start(&["--enable-aggregator-routing=true"]);
    plane.install_roles();
    for role in ["spectro-list-namespaces", "spectro-list-vmtemplates"] {
        let (name, role) = (format!("holder-{role}"), format!("--clusterrole={role}"));
        let user = format!("--user={HOLDER}");
        let args = ["create", "clusterrolebinding", &name, &role, &user];
        plane.kubectl(ADMIN, &args).expect_success();
    }
    plane
}

/// A namespace with a Service, the chart's accounts and rights, and the guards that confine the controller.
pub(crate) struct World {
    pub(crate) plane: &'static ControlPlane,
    /// The name of the namespace and of the webhook configuration.
    pub(crate) name: String,
    number: u32,
    /// Who keeps every `caBundle`, by the guard of trust; none without this guard.
    pub(crate) trust: Option<&'static str>,
    accounts: Accounts,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::on(shared(), Some("self-managed"))
    }

    /// Without the guard of trust, as on an API before 1.30: whoever may, can break a `caBundle`.
    pub(crate) fn unguarded() -> Self {
        Self::on(shared(), None)
    }

    /// Where somebody else fills in every `caBundle`.
    pub(crate) fn external() -> Self {
        Self::on(shared(), Some("external"))
    }

    /// On an API server of its own, which it may stop, and without the guard of trust.
    pub(crate) fn alone() -> Self {
        Self::on(Box::leak(Box::new(fresh())), None)
    }

    fn on(plane: &'static ControlPlane, trust: Option<&'static str>) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("bindguard-{number}");
        let objects = include_str!("world.yaml")
            .replace("NAMESPACE", &name)
            .replace("NUMBER", &number.to_string());
        plane.apply(ADMIN, &objects).expect_success();
        let world = Self {
            accounts: plane.accounts_in(&name),
            plane,
            name,
            number,
            trust,
        };
        world.guard();
        world
    }

    /// kubectl as the controller.
    pub(crate) fn as_controller(&self, args: &[&str]) -> Output {
        self.plane.kubectl_with(&self.accounts.controller, args, "")
    }

    /// The address of a replica.
    pub(crate) fn address(&self, replica: u32) -> String {
        format!("10.200.{}.{replica}", self.number)
    }

    pub(crate) fn kubectl(&self, args: &[&str]) -> Output {
        let namespace = format!("--namespace={}", self.name);
        self.plane.kubectl(ADMIN, &[args, &[&namespace]].concat())
    }

    pub(crate) fn controller(&self, args: &[&str]) -> Running {
        let own = [
            &["controller", "--admin-listen"][..],
            &["127.0.0.1:0", "--report-listen", "none"],
            &["--webhook-configuration", &self.name],
        ]
        .concat();
        self.start("controller", &self.accounts.controller, own, args)
    }

    /// One of the two replicas.
    pub(crate) fn serve(&self, replica: u32, args: &[&str]) -> Running {
        let listen = format!("{}:8443", self.address(replica));
        let own = [
            &[
                "serve",
                "--admin-listen",
                "127.0.0.1:0",
                "--listen",
                &listen,
            ][..],
            &["--tls-secret", TLS, "--verify-ca-bundle", "--linger", "0s"],
            &["--webhook-configuration", &self.name],
        ]
        .concat();
        self.start("serve", &self.accounts.serve, own, args)
    }

    fn start(&self, name: &str, kubeconfig: &PathBuf, own: Vec<&str>, args: &[&str]) -> Running {
        let folder = fresh_folder(name);
        let port = reserve_port();
        let admin = format!("127.0.0.1:{port}");
        let mut command = clean_command(BINARY.as_ref(), &folder);
        for arg in own {
            command.arg(if arg == "127.0.0.1:0" { &admin } else { arg });
        }
        command.arg("--kubeconfig").arg(kubeconfig);
        command
            .args(["--bindguard-namespace", &self.name])
            .args(args);
        let process = Process::start(name, command, &folder);
        Running { process, port }
    }

    /// `bindguard certs` as an administrator.
    pub(crate) fn certs(&self, args: &[&str]) -> Output {
        let folder = fresh_folder("certs");
        let mut command = clean_command(BINARY.as_ref(), &folder);
        command.arg("certs").args(args);
        command
            .arg("--kubeconfig")
            .arg(self.plane.kubeconfig(ADMIN));
        command.args(["--bindguard-namespace", &self.name]);
        command.args(["--webhook-configuration", &self.name]);
        run(format!("bindguard certs {}", args.join(" ")), command, "")
    }

    /// A whole installation: two controllers, two who serve, the webhooks. All are ready.
    pub(crate) fn installed(controller: &[&str]) -> Installed {
        Self::new().install(controller)
    }

    /// The same in this one.
    pub(crate) fn install(self, controller: &[&str]) -> Installed {
        let world = self;
        let controllers = [world.controller(controller), world.controller(controller)];
        world.register();
        let replicas = [world.serve(1, &[]), world.serve(2, &[])];
        for running in controllers.iter().chain(&replicas) {
            running.wait_until_ready();
        }
        Installed {
            world,
            controllers,
            replicas,
        }
    }

    pub(crate) fn secret(&self, name: &str) -> Option<Secret> {
        let args = [
            "get",
            "secret",
            name,
            "--ignore-not-found",
            "--output",
            "json",
        ];
        let text = self.kubectl(&args).expect_success();
        (!text.is_empty()).then(|| serde_json::from_str(&text).expect("a Secret"))
    }

    pub(crate) fn authorities(&self) -> FoundAuthorities {
        read_authorities(self.secret(CA).as_ref())
    }

    pub(crate) fn signing(&self) -> CaCertificate {
        let signing = self.authorities().authorities.signing;
        signing.expect("there is a CA").certificate().clone()
    }

    pub(crate) fn serving(&self) -> FoundServing {
        read_serving(self.secret(TLS).as_ref())
    }

    pub(crate) fn live(&self) -> ValidatingWebhookConfiguration {
        let args = [
            "get",
            "validatingwebhookconfiguration",
            &self.name,
            "--output",
            "json",
        ];
        let text = self.plane.kubectl(ADMIN, &args).expect_success();
        serde_json::from_str(&text).expect("a configuration")
    }

    /// Every `caBundle`, as PEM.
    pub(crate) fn bundles(&self) -> Vec<String> {
        bundles(self.live())
    }

    /// Sets `caBundle` of a webhook by a JSON patch, as somebody else.
    pub(crate) fn set_bundle(&self, place: usize, bundle: Option<&str>) {
        let set = self.try_bundle(place, bundle);
        set.expect("a patched configuration");
    }

    /// The same, which the API server may refuse, with these words.
    pub(crate) fn try_bundle(&self, place: usize, bundle: Option<&str>) -> Result<(), String> {
        self.set(place, bundle, &PatchParams::default())
    }

    /// The same, dry.
    pub(crate) fn probe_bundle(&self, place: usize, bundle: Option<&str>) -> Result<(), String> {
        self.set(place, bundle, &PatchParams::default().dry_run())
    }

    fn set(&self, place: usize, bundle: Option<&str>, how: &PatchParams) -> Result<(), String> {
        let api = self.configurations();
        let set = runtime().block_on(set_bundle(&api, &self.name, place, bundle, how));
        set.map_err(|error| error.to_string())
    }

    /// The same, and how long it took until every `caBundle` was this one again. Not by kubectl,
    /// whose start takes longer.
    pub(crate) fn wrong_for(&self, place: usize, bundle: Option<&str>, right: &str) -> Duration {
        let api = self.configurations();
        runtime().block_on(async {
            let how = PatchParams::default();
            let set = set_bundle(&api, &self.name, place, bundle, &how).await;
            set.expect("a patched configuration");
            let start = Instant::now();
            loop {
                let live = api.get(&self.name).await.expect("a configuration");
                if bundles(live).iter().all(|bundle| bundle == right) {
                    return start.elapsed();
                }
                assert!(start.elapsed() < LIMIT, "it stays wrong");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
    }

    fn configurations(&self) -> Api<ValidatingWebhookConfiguration> {
        let options = ClientOptions {
            kubeconfig: Some(self.plane.kubeconfig(ADMIN)),
            ..ClientOptions::default()
        };
        let client = runtime().block_on(connect(&options)).expect("a client");
        Api::all(client)
    }
}

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().expect("a runtime"))
}

async fn set_bundle(
    api: &Api<ValidatingWebhookConfiguration>,
    name: &str,
    place: usize,
    bundle: Option<&str>,
    how: &PatchParams,
) -> kube::Result<()> {
    let at = format!("/webhooks/{place}/clientConfig/caBundle");
    let patch = match bundle {
        Some(bundle) => {
            let bundle = ByteString(bundle.as_bytes().to_vec());
            json!([{"op": "add", "path": at, "value": bundle}])
        }
        None => json!([{"op": "remove", "path": at}]),
    };
    let patch = serde_json::from_value(patch).expect("a patch");
    let patched = api.patch(name, how, &Patch::<()>::Json(patch)).await;
    patched.map(drop)
}

/// Every `caBundle` of a configuration, as PEM.
fn bundles(configuration: ValidatingWebhookConfiguration) -> Vec<String> {
    let bundle = |bundle: ByteString| String::from_utf8(bundle.0).expect("PEM");
    let webhooks = configuration.webhooks.expect("webhooks").into_iter();
    webhooks
        .map(|webhook| {
            let found = webhook.client_config.ca_bundle;
            found.map(bundle).unwrap_or_default()
        })
        .collect()
}

pub(crate) struct Installed {
    pub(crate) world: World,
    pub(crate) controllers: [Running; 2],
    pub(crate) replicas: [Running; 2],
}

/// A running bindguard. Dropping it kills it.
pub(crate) struct Running {
    pub(crate) process: Process,
    port: u16,
}

impl Running {
    pub(crate) fn is_ready(&self) -> bool {
        matches!(http_get(self.port, "/readyz"), Ok((200, _)))
    }

    pub(crate) fn readyz(&self) -> String {
        http_get(self.port, "/readyz")
            .map(|(_, body)| body)
            .unwrap_or_default()
    }

    pub(crate) fn wait_until_ready(&self) {
        let ready = eventually(LIMIT, || {
            let exited = self.process.exited();
            assert!(exited.is_none(), "{}", self.process.log_tail());
            self.is_ready().then_some(())
        });
        assert!(
            ready.is_some(),
            "{}\n{}",
            self.readyz(),
            self.process.log_tail()
        );
    }

    /// The value of a metric, by its name and labels.
    pub(crate) fn metric(&self, name: &str) -> i64 {
        let (_, text) = http_get(self.port, "/metrics").expect("metrics");
        let prefix = format!("bindguard_{name} ");
        let value = text
            .lines()
            .find_map(|line| line.strip_prefix(&prefix)?.parse().ok());
        value.unwrap_or_else(|| panic!("no {name} in {text}"))
    }

    pub(crate) fn leads(&self) -> bool {
        self.metric("leader") == 1
    }

    pub(crate) fn log(&self) -> String {
        self.process.stderr()
    }
}

/// Waits until this holds, and says how long it took.
#[track_caller]
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) -> Duration {
    let start = Instant::now();
    let held = eventually(LIMIT, || holds().then_some(()));
    assert!(held.is_some(), "not within {LIMIT:?}: {what}");
    start.elapsed()
}
