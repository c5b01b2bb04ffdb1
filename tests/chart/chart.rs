//! Rendering the chart with the real Helm.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::kept::path;
use crate::support::{Output, assets_folder, clean_command, fresh_folder, run, unique};

/// The namespace that everything is rendered for.
pub(crate) const NAMESPACE: &str = "bindguard";
/// The release's name.
pub(crate) const RELEASE: &str = "bindguard";

/// The folder of the chart.
pub(crate) fn folder() -> PathBuf {
    path("charts/bindguard")
}

/// Runs Helm without a cluster.
pub(crate) fn helm(args: &[&str]) -> Output {
    let home = fresh_folder("helm");
    let mut command = clean_command(&assets_folder().join("helm"), &home);
    command.args(args);
    run(format!("helm {}", args.join(" ")), command, "")
}

/// A file with values, JSON being YAML.
fn values_file(values: &Value) -> PathBuf {
    let file = fresh_folder("values").join(unique("values") + ".yaml");
    fs::write(&file, values.to_string()).expect("values can be written");
    file
}

/// What `helm template` says to these values.
pub(crate) fn template(release: &str, namespace: &str, values: &Value, more: &[&str]) -> Output {
    let (chart, file) = (folder(), values_file(values));
    let (chart, file) = (chart.to_str().unwrap(), file.to_str().unwrap());
    let args = [
        "template",
        release,
        chart,
        "--namespace",
        namespace,
        "--values",
        file,
    ];
    helm(&[&args[..], more].concat())
}

/// What the chart renders, object by object, hooks included.
pub(crate) struct Rendering {
    pub(crate) objects: Vec<Value>,
}

impl Rendering {
    /// The objects for these values, in the release and the namespace that most tests use.
    #[track_caller]
    pub(crate) fn of(values: &Value) -> Self {
        Self::in_release(RELEASE, NAMESPACE, values)
    }

    #[track_caller]
    pub(crate) fn in_release(release: &str, namespace: &str, values: &Value) -> Self {
        let text = template(release, namespace, values, &[]).expect_success();
        Self {
            objects: documents(&text),
        }
    }

    /// The objects of a kind.
    pub(crate) fn of_kind(&self, kind: &str) -> Vec<&Value> {
        let all = self.objects.iter();
        all.filter(|object| object["kind"] == kind).collect()
    }

    /// The object of this kind and name.
    #[track_caller]
    pub(crate) fn object(&self, kind: &str, name: &str) -> &Value {
        let found = self.of_kind(kind).into_iter();
        let mut found = found.filter(|object| object["metadata"]["name"] == name);
        let only = found.next();
        assert!(found.next().is_none(), "two {kind} are called {name}");
        only.unwrap_or_else(|| panic!("there is no {kind} {name}"))
    }

    /// The text of the policy file.
    pub(crate) fn policy(&self) -> &str {
        let mut maps = self.of_kind("ConfigMap").into_iter();
        maps.find_map(|map| map["data"]["policy.yaml"].as_str())
            .expect("there is a policy")
    }
}

/// The documents of a YAML text that are not empty.
pub(crate) fn documents(text: &str) -> Vec<Value> {
    let parts = format!("\n{text}");
    let parts = parts.split("\n---").filter(|part| {
        let mut lines = part.lines().map(str::trim);
        lines.any(|line| !line.is_empty() && !line.starts_with('#'))
    });
    let parse = |part| {
        serde_saphyr::from_str(part)
            .unwrap_or_else(|error| panic!("this is no YAML: {error}\n{part}"))
    };
    parts.map(parse).collect()
}

/// What stands where in an object: a path of keys with slashes between, as in a JSON pointer.
#[track_caller]
pub(crate) fn at<'v>(object: &'v Value, pointer: &str) -> &'v Value {
    object
        .pointer(pointer)
        .unwrap_or_else(|| panic!("there is no {pointer} in {object:#}"))
}

/// The arguments of the first container of a Deployment or Job.
pub(crate) fn arguments(workload: &Value) -> Vec<&str> {
    let list = at(workload, "/spec/template/spec/containers/0/args");
    let list = list.as_array().unwrap().iter();
    list.map(|argument| argument.as_str().unwrap()).collect()
}

/// Everything that runs Pods.
pub(crate) fn workloads(rendering: &Rendering) -> impl Iterator<Item = &Value> {
    let deployments = rendering.of_kind("Deployment").into_iter();
    deployments.chain(rendering.of_kind("Job"))
}
