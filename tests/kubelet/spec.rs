//! The spec of a Pod, as far as this kubelet knows how to honour it. All else is an error.

use std::time::Duration;

use serde_json::{Map, Value};

/// What a Pod asks for.
#[derive(Clone, Debug)]
pub(super) struct Spec {
    pub(super) grace: Duration,
    pub(super) restart: Restart,
    pub(super) account: String,
    pub(super) fs_group: Option<u32>,
    pub(super) container: Container,
    /// As they are written; `volumes` reads them.
    pub(super) volumes: Vec<Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Restart {
    Always,
    OnFailure,
    Never,
}

#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "that is how Kubernetes writes them"
)]
pub(super) struct Container {
    pub(super) name: String,
    pub(super) image: String,
    pub(super) command: Option<Vec<String>>,
    pub(super) args: Option<Vec<String>>,
    /// As they are written; `environment` reads them.
    pub(super) env: Vec<Value>,
    pub(super) mounts: Vec<Mount>,
    pub(super) pre_stop: Duration,
    pub(super) startup: Option<Probe>,
    pub(super) readiness: Option<Probe>,
    pub(super) liveness: Option<Probe>,
    pub(super) user: Option<u32>,
    pub(super) group: Option<u32>,
    pub(super) non_root: bool,
    pub(super) read_only_root: bool,
    pub(super) no_new_privileges: bool,
    pub(super) drop_capabilities: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Mount {
    pub(super) volume: String,
    pub(super) path: String,
    pub(super) read_only: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Probe {
    pub(super) path: String,
    pub(super) port: u16,
    pub(super) delay: Duration,
    pub(super) period: Duration,
    pub(super) timeout: Duration,
    pub(super) failures: u32,
    pub(super) successes: u32,
}

/// Fields with no bearing on what is seen here, or for other parts of a cluster.
const IDLE_POD: [&str; 11] = [
    "serviceAccount",
    "schedulerName",
    "dnsPolicy",
    "tolerations",
    "preemptionPolicy",
    "priority",
    "priorityClassName",
    "topologySpreadConstraints",
    "affinity",
    "imagePullSecrets",
    "automountServiceAccountToken",
];
const IDLE_CONTAINER: [&str; 4] = [
    "resources",
    "imagePullPolicy",
    "terminationMessagePath",
    "terminationMessagePolicy",
];

impl Spec {
    pub(super) fn read(spec: &Value) -> Result<Self, String> {
        let known = [
            "containers",
            "volumes",
            "serviceAccountName",
            "nodeName",
            "terminationGracePeriodSeconds",
            "restartPolicy",
            "securityContext",
            "enableServiceLinks",
        ];
        only(spec, "spec", &[&known[..], &IDLE_POD].concat())?;
        if spec["enableServiceLinks"] != false {
            return Err("spec.enableServiceLinks must be false: no variables are made".to_owned());
        }
        let containers = list(&spec["containers"]);
        let [container] = containers.as_slice() else {
            return Err("spec.containers must be one".to_owned());
        };
        let security = &spec["securityContext"];
        let known = [
            "runAsNonRoot",
            "runAsUser",
            "runAsGroup",
            "fsGroup",
            "seccompProfile",
        ];
        only(security, "spec.securityContext", &known)?;
        Ok(Self {
            grace: seconds(&spec["terminationGracePeriodSeconds"]).unwrap_or_default(),
            restart: match spec["restartPolicy"].as_str() {
                Some("Always") => Restart::Always,
                Some("OnFailure") => Restart::OnFailure,
                Some("Never") => Restart::Never,
                other => return Err(format!("spec.restartPolicy {other:?}")),
            },
            account: text(&spec["serviceAccountName"]),
            fs_group: number(&security["fsGroup"]),
            container: Container::read(container, security)?,
            volumes: list(&spec["volumes"]),
        })
    }
}

impl Container {
    fn read(container: &Value, pod: &Value) -> Result<Self, String> {
        let known = [
            "name",
            "image",
            "command",
            "args",
            "env",
            "ports",
            "volumeMounts",
            "lifecycle",
            "startupProbe",
            "readinessProbe",
            "livenessProbe",
            "securityContext",
        ];
        only(
            container,
            "container",
            &[&known[..], &IDLE_CONTAINER].concat(),
        )?;
        let image = text(&container["image"]);
        if !image.contains("bindguard") {
            return Err(format!("image {image:?} is not bindguard's"));
        }
        let security = &container["securityContext"];
        let known = [
            "allowPrivilegeEscalation",
            "readOnlyRootFilesystem",
            "capabilities",
            "runAsNonRoot",
            "runAsUser",
            "runAsGroup",
            "seccompProfile",
        ];
        only(security, "container.securityContext", &known)?;
        only(&security["capabilities"], "capabilities", &["drop"])?;
        let dropped = strings(&security["capabilities"]["drop"]).unwrap_or_default();
        if !dropped.is_empty() && dropped != ["ALL"] {
            return Err(format!("capabilities.drop {dropped:?}: only ALL is known"));
        }
        let own_or_pod = |field: &str| match &security[field] {
            Value::Null => pod[field].clone(),
            own => own.clone(),
        };
        let ports = list(&container["ports"]);
        let probe = |field: &str| match &container[field] {
            Value::Null => Ok(None),
            probe => Probe::read(probe, field, &ports).map(Some),
        };
        let mounts = list(&container["volumeMounts"]);
        Ok(Self {
            name: text(&container["name"]),
            image,
            command: strings(&container["command"]),
            args: strings(&container["args"]),
            env: list(&container["env"]),
            mounts: mounts.iter().map(Mount::read).collect::<Result<_, _>>()?,
            pre_stop: pre_stop(&container["lifecycle"])?,
            startup: probe("startupProbe")?,
            readiness: probe("readinessProbe")?,
            liveness: probe("livenessProbe")?,
            user: number(&own_or_pod("runAsUser")),
            group: number(&own_or_pod("runAsGroup")),
            non_root: own_or_pod("runAsNonRoot") == true,
            read_only_root: security["readOnlyRootFilesystem"] == true,
            no_new_privileges: security["allowPrivilegeEscalation"] == false,
            drop_capabilities: !dropped.is_empty(),
        })
    }
}

impl Mount {
    fn read(mount: &Value) -> Result<Self, String> {
        // Recursive read-only mounts are the default, which names itself.
        only(mount, "volumeMount", &["name", "mountPath", "readOnly"])?;
        Ok(Self {
            volume: text(&mount["name"]),
            path: text(&mount["mountPath"]),
            read_only: mount["readOnly"] == true,
        })
    }
}

impl Probe {
    fn read(probe: &Value, field: &str, ports: &[Value]) -> Result<Self, String> {
        let known = [
            "httpGet",
            "initialDelaySeconds",
            "periodSeconds",
            "timeoutSeconds",
            "failureThreshold",
            "successThreshold",
        ];
        only(probe, field, &known)?;
        let get = &probe["httpGet"];
        only(get, field, &["path", "port", "scheme"])?;
        if get["scheme"] != "HTTP" {
            return Err(format!("{field}: only HTTP is known"));
        }
        let port = match &get["port"] {
            Value::String(name) => ports
                .iter()
                .find(|port| port["name"] == **name)
                .map(|port| &port["containerPort"])
                .ok_or_else(|| format!("{field}: no port is called {name:?}"))?,
            number => number,
        };
        let port: Option<u32> = number(port);
        Ok(Self {
            path: text(&get["path"]),
            port: port
                .and_then(|port| port.try_into().ok())
                .ok_or_else(|| format!("{field}: no port"))?,
            delay: seconds(&probe["initialDelaySeconds"]).unwrap_or_default(),
            period: seconds(&probe["periodSeconds"]).ok_or("no periodSeconds")?,
            timeout: seconds(&probe["timeoutSeconds"]).ok_or("no timeoutSeconds")?,
            failures: number(&probe["failureThreshold"]).ok_or("no failureThreshold")?,
            successes: number(&probe["successThreshold"]).ok_or("no successThreshold")?,
        })
    }
}

fn pre_stop(lifecycle: &Value) -> Result<Duration, String> {
    only(lifecycle, "lifecycle", &["preStop"])?;
    only(&lifecycle["preStop"], "lifecycle.preStop", &["sleep"])?;
    Ok(seconds(&lifecycle["preStop"]["sleep"]["seconds"]).unwrap_or_default())
}

/// An error that names every field which is not known. Empty ones ask for nothing.
pub(super) fn only(object: &Value, path: &str, known: &[&str]) -> Result<(), String> {
    let none = Map::new();
    let fields = match object {
        Value::Null => &none,
        Value::Object(fields) => fields,
        other => return Err(format!("{path} is {other}")),
    };
    let is_empty = |value: &Value| match value {
        Value::Object(fields) => fields.is_empty(),
        Value::Array(items) => items.is_empty(),
        value => value.is_null(),
    };
    let unknown: Vec<&str> = fields
        .iter()
        .filter(|(name, value)| !known.contains(&name.as_str()) && !is_empty(value))
        .map(|(name, _)| name.as_str())
        .collect();
    if unknown.is_empty() {
        return Ok(());
    }
    Err(format!(
        "{path} asks for what this kubelet does not know: {}",
        unknown.join(", ")
    ))
}

pub(super) fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}

pub(super) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn strings(value: &Value) -> Option<Vec<String>> {
    Some(value.as_array()?.iter().map(text).collect())
}

fn seconds(value: &Value) -> Option<Duration> {
    value.as_u64().map(Duration::from_secs)
}

fn number(value: &Value) -> Option<u32> {
    value.as_u64()?.try_into().ok()
}
