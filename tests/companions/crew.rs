//! Everything at work: guards, webhooks, and controllers that carry orders out.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{
    ADMIN, Bindguard, ControlPlane, Controller, Output, Registration, Serve, User, eventually,
};
use crate::world::{POLICY, both, cluster_role_binding, furnish, policy_file, role_binding};

pub(crate) const PROVISION: &str = "bindguard.dev/provision";
pub(crate) const NAMESPACES: &str = "spectro-list-namespaces";
pub(crate) const TEMPLATES: &str = "spectro-list-vmtemplates";
/// How long making companions may take on a busy machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

pub(crate) struct Crew {
    pub(crate) plane: &'static ControlPlane,
    pub(crate) bindguard: Bindguard,
    pub(crate) policy: PathBuf,
    controllers: Mutex<Vec<Controller>>,
    _registration: Registration<'static>,
}

/// The crew, once nobody else needs it. All are at work, and orders are taken.
pub(crate) fn crew() -> MutexGuard<'static, Crew> {
    static CREW: OnceLock<Mutex<Crew>> = OnceLock::new();
    static PLANE: OnceLock<ControlPlane> = OnceLock::new();
    let crew = CREW.get_or_init(|| {
        let plane = PLANE.get_or_init(|| ControlPlane::start(&[]));
        Mutex::new(Crew::gather(plane, POLICY))
    });
    let crew = crew.lock().unwrap_or_else(PoisonError::into_inner);
    crew.restore();
    crew
}

impl Crew {
    /// A crew of its own, by this policy.
    pub(crate) fn gather(plane: &'static ControlPlane, policy: &str) -> Self {
        furnish(plane);
        let policy = policy_file(policy);
        let bindguard = Serve::new(env!("CARGO_BIN_EXE_bindguard"))
            .kubeconfig(&plane.accounts().serve)
            .policy(&policy)
            .start();
        let registration = bindguard.register(plane);
        Self {
            plane,
            bindguard,
            policy,
            controllers: Mutex::default(),
            _registration: registration,
        }
    }

    /// Puts everything in place that a test may have taken away.
    pub(crate) fn restore(&self) {
        self.plane.accounts().restore(self.plane);
        self.plane
            .apply(ADMIN, &self.bindguard.manifests())
            .expect_success();
        self.controllers()
            .retain(|controller| controller.process.exited().is_none());
        if self.controllers().is_empty() {
            self.another_controller();
        }
        self.wait_until_orders_are_taken();
    }

    /// Starts one more controller.
    pub(crate) fn another_controller(&self) {
        let binary = env!("CARGO_BIN_EXE_bindguard");
        let controller = Controller::start(binary, self.plane, &self.policy);
        self.controllers().push(controller);
    }

    pub(crate) fn controllers(&self) -> MutexGuard<'_, Vec<Controller>> {
        self.controllers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a dry run gets an order that counts.
    pub(crate) fn wait_until_orders_are_taken(&self) {
        let probe = asking(role_binding("default", "probe"));
        let taken = eventually(Duration::from_mins(1), || {
            let output = self.create_with(both(), &["--dry-run=server"], &probe);
            (output.succeeded() && output.stderr.contains("as ordered")).then_some(())
        });
        assert!(
            taken.is_some(),
            "{}\n{}",
            self.bindguard.stderr(),
            self.log()
        );
    }

    /// What all controllers of now have logged.
    pub(crate) fn log(&self) -> String {
        let logs = self.controllers();
        let logs = logs.iter().map(|one| one.process.stderr());
        logs.collect::<Vec<_>>().join("--- another\n")
    }

    pub(crate) fn create(&self, who: impl Into<User>, object: &Value) -> Output {
        self.create_with(who, &[], object)
    }

    pub(crate) fn create_with(
        &self,
        who: impl Into<User>,
        args: &[&str],
        object: &Value,
    ) -> Output {
        let args = [&["create", "--filename", "-"], args].concat();
        self.plane.kubectl_stdin(who, &args, &object.to_string())
    }

    pub(crate) fn patch(&self, who: impl Into<User>, object: &Value, patch: &Value) -> Output {
        let patch = format!("--patch={patch}");
        let args = ["patch", "--filename", "-", "--type=merge", &patch];
        self.plane.kubectl_stdin(who, &args, &object.to_string())
    }

    pub(crate) fn get(&self, args: &[&str]) -> Value {
        let args = [&["get", "--output=json"], args].concat();
        let text = self.plane.kubectl(ADMIN, &args).expect_success();
        serde_json::from_str(&text).expect("kubectl prints JSON")
    }

    /// The companion bindings that were made for a subject of this name, by their roles.
    pub(crate) fn made_for(&self, name: &str) -> Vec<Value> {
        let selector = "--selector=app.kubernetes.io/part-of=bindguard";
        let mut found = match self.get(&["clusterrolebindings", selector])["items"].take() {
            Value::Array(items) => items,
            _ => vec![],
        };
        found.retain(|binding| binding["subjects"][0]["name"] == name);
        found.sort_by_key(|binding| binding["roleRef"]["name"].to_string());
        found
    }

    /// Waits until a subject of this name has both companions.
    #[track_caller]
    pub(crate) fn wait_for_companions(&self, name: &str) -> Vec<Value> {
        let made = eventually(LIMIT, || {
            let made = self.made_for(name);
            (made.len() == 2).then_some(made)
        });
        made.unwrap_or_else(|| panic!("{:?}\n{}", self.made_for(name), self.log()))
    }

    /// The Events on an object: reason and note of each.
    pub(crate) fn events(&self, object: &Value) -> Vec<(String, String)> {
        let namespace = object["metadata"]["namespace"]
            .as_str()
            .unwrap_or("default");
        let list = self.get(&["events.events.k8s.io", "--namespace", namespace]);
        let events = list["items"].as_array().expect("a list").iter();
        let events = events.filter(|event| {
            event["regarding"]["name"] == object["metadata"]["name"]
                && event["regarding"]["kind"] == object["kind"]
        });
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        events
            .map(|event| (word(&event["reason"]), word(&event["note"])))
            .collect()
    }

    /// Waits for an Event of this reason on an object; its note.
    #[track_caller]
    pub(crate) fn wait_for_event(&self, object: &Value, reason: &str) -> String {
        let found = eventually(LIMIT, || {
            let mut events = self.events(object).into_iter();
            events.find(|(found, _)| found == reason)
        });
        let Some((_, note)) = found else {
            panic!("{:?}\n{}", self.events(object), self.log());
        };
        note
    }

    /// The value of a metric of the controllers, added up.
    pub(crate) fn metric(&self, name: &str) -> u64 {
        let pages = self
            .controllers()
            .iter()
            .map(Controller::metrics)
            .collect::<Vec<_>>();
        let lines = pages.iter().flat_map(|page| page.lines());
        let values = lines.filter_map(|line| line.strip_prefix(name)?.trim().parse::<u64>().ok());
        values.sum()
    }
}

/// The object, asking for its companions.
pub(crate) fn asking(mut object: Value) -> Value {
    object["metadata"]["annotations"] = json!({PROVISION: "true"});
    object
}

/// A persona binding of this user alone, so that tests do not cover each other's.
pub(crate) fn binding_of(name: &str, mut object: Value) -> Value {
    object["subjects"][0]["name"] = json!(name);
    object
}

/// Both kinds of persona binding for subjects of their own.
pub(crate) fn both_kinds(namespace: &str) -> [Value; 2] {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("team-{number}");
    [
        binding_of(&format!("alice-{number}"), role_binding(namespace, &name)),
        binding_of(&format!("bob-{number}"), cluster_role_binding(&name)),
    ]
}

pub(crate) fn subject_of(object: &Value) -> &str {
    object["subjects"][0]["name"].as_str().expect("a subject")
}
