//! promtool, and Prometheus' parser, as `tests/promtool` builds them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

use crate::support::{Output, clean_command, fresh_folder, run};

/// The file of rules.
pub(crate) const RULES: &str = "charts/bindguard/files/alerts.yaml";
/// The folder with their tests.
pub(crate) const TESTS: &str = "tests/alerts/rules";

pub(crate) fn path(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(file)
}

#[track_caller]
pub(crate) fn read(file: &str) -> String {
    fs::read_to_string(path(file)).unwrap_or_else(|error| panic!("cannot read {file}: {error}"))
}

/// The folder with the two programs, which are built first if need be.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let script = path("tests/promtool/build.sh");
        let output = Command::new(&script)
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .expect("the script can be run");
        assert!(output.status.success(), "{} failed", script.display());
        let line = String::from_utf8(output.stdout).expect("the folder's name is UTF-8");
        PathBuf::from(line.trim_end())
    })
}

fn program(name: &str, args: &[&str], input: &str) -> Output {
    let mut command = clean_command(&folder().join(name), &fresh_folder(name));
    command.args(args);
    run(format!("{name} {}", args.join(" ")), command, input)
}

/// Runs promtool.
pub(crate) fn promtool(args: &[&str]) -> Output {
    program("promtool", args, "")
}

/// What queries ask for, one after the other; see `tests/promtool/selectors`.
pub(crate) fn selectors(queries: &[String]) -> Vec<Value> {
    let input = serde_json::to_string(queries).expect("texts are JSON");
    let told = program("selectors", &[], &input).expect_success();
    serde_json::from_str(&told).expect("it prints JSON")
}

/// An alert of the file of rules.
#[derive(Clone)]
pub(crate) struct Alert {
    pub(crate) group: String,
    pub(crate) name: String,
    pub(crate) rule: Value,
}

impl Alert {
    pub(crate) fn text(&self, pointer: &str) -> &str {
        let found = self.rule.pointer(pointer).and_then(Value::as_str);
        found.unwrap_or_else(|| panic!("{} has no {pointer}", self.name))
    }
}

/// Every alert of the file of rules.
pub(crate) fn alerts() -> Vec<Alert> {
    let alerts = alerts_of(&parse(&read(RULES)));
    assert!(alerts.len() > 30, "{}", alerts.len());
    alerts
}

pub(crate) fn alerts_of(rules: &Value) -> Vec<Alert> {
    let groups = rules["groups"].as_array().expect("there are groups");
    let alerts = groups.iter().flat_map(|group| {
        let rules = group["rules"].as_array().expect("a group has rules");
        rules.iter().map(|rule| Alert {
            group: group["name"]
                .as_str()
                .expect("a group has a name")
                .to_owned(),
            name: rule["alert"].as_str().expect("it is an alert").to_owned(),
            rule: rule.clone(),
        })
    });
    alerts.collect()
}

pub(crate) fn parse(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("this is no YAML: {error}"))
}

/// The files with tests of rules: name and text.
pub(crate) fn test_files() -> Vec<(String, String)> {
    let entries = fs::read_dir(path(TESTS)).expect("there are tests");
    let mut files: Vec<(String, String)> = entries
        .map(|entry| {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let text = read(&format!("{TESTS}/{name}"));
            (name, text)
        })
        .collect();
    files.sort();
    files
}
