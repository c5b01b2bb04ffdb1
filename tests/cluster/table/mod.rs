//! Cases in a table: who holds what, what is tried, and what comes of it.
//!
//! Each case has a namespace of its own, written `case-ns`, and names that end with `@case`. Both
//! are made unique when the case is made, so that all cases live in one cluster and no case's
//! companions cover another's subjects.

pub(crate) mod built_in;
mod by_policy_test;
mod policy;
mod umbrella;

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use crate::objects::{self, companions, namespace};
use crate::outcome::{BEFORE, expected_flags, flags};
use crate::stage::platform;
use crate::support::{ADMIN, ControlPlane, Output, unique};

/// Most of a refusal is waiting: bindguard confirms at most twice a second, for all at once.
const AT_ONCE: usize = 8;

/// What every persona binding in a table is called.
const NAME: &str = "it-case-ns";
const NAMESPACE: &str = "case-ns";

/// One line of a table.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    sentence: &'static str,
    /// The namespace that stands for `case-ns`.
    namespace: String,
    /// What is there before bindguard is.
    given: Vec<Value>,
    before: Option<Value>,
    call: Option<Call>,
    refused: bool,
    lacks: Vec<(String, String)>,
    warned: Vec<String>,
    /// Whether it passes silently and is in the audit log.
    recorded: bool,
}

#[derive(Clone, Debug)]
enum Call {
    Create(Value),
    Replace(Value),
    Label(Value),
    Delete(Value),
}

impl Call {
    fn object(&self) -> &Value {
        match self {
            Self::Create(object)
            | Self::Replace(object)
            | Self::Label(object)
            | Self::Delete(object) => object,
        }
    }
}

/// A case that says in a sentence what must hold.
pub(crate) fn case(sentence: &'static str) -> Case {
    Case {
        sentence,
        namespace: unique("case"),
        given: Vec::new(),
        before: None,
        call: None,
        refused: false,
        lacks: Vec::new(),
        warned: Vec::new(),
        recorded: false,
    }
}

/// A RoleBinding of the case.
pub(crate) fn role_binding(role: &str, subjects: impl Into<Vec<Value>>) -> Value {
    objects::role_binding(NAMESPACE, NAME, role, subjects)
}

/// A ClusterRoleBinding of the case.
pub(crate) fn cluster_role_binding(role: &str, subjects: impl Into<Vec<Value>>) -> Value {
    objects::cluster_role_binding(NAME, role, subjects)
}

impl Case {
    /// An object that is there before.
    fn given(mut self, object: &Value) -> Self {
        let object = self.own(object);
        self.given.push(object);
        self
    }

    /// The subject holds a ClusterRole by a ClusterRoleBinding.
    fn holds(self, role: &str, subject: impl Into<Vec<Value>>) -> Self {
        let name = format!("{}-holds-{}", self.namespace, self.given.len());
        self.given(&objects::cluster_role_binding(&name, role, subject))
    }

    /// The subject holds both companions.
    fn holds_both(self, subject: &Value) -> Self {
        let name = format!("{}-holds-{}", self.namespace, self.given.len());
        let [first, second] = companions(&name, subject);
        self.given(&first).given(&second)
    }

    /// The binding that was there before, as it was.
    fn exists(mut self, binding: &Value) -> Self {
        self.before = Some(self.own(binding));
        self
    }

    fn created(mut self, binding: &Value) -> Self {
        self.call = Some(Call::Create(self.own(binding)));
        self
    }

    /// The binding that was there gets these contents.
    fn replaced(mut self, binding: &Value) -> Self {
        self.call = Some(Call::Replace(self.own(binding)));
        self
    }

    fn labelled(mut self) -> Self {
        self.call = self.before.clone().map(Call::Label);
        self
    }

    fn deleted(mut self) -> Self {
        self.call = self.before.clone().map(Call::Delete);
        self
    }

    /// It passes. Unless warnings are named after this, there are none.
    fn accepted(mut self) -> Self {
        self.refused = false;
        self
    }

    /// It passes silently, since its persona only audits.
    fn recorded(mut self) -> Self {
        self.recorded = true;
        self.accepted()
    }

    /// It is refused, because of exactly these subjects and the companions that each lacks.
    fn refused<const N: usize>(mut self, lacks: [(&str, &str); N]) -> Self {
        self.refused = true;
        self.lacks = lacks
            .map(|(subject, companions)| (self.text(subject), companions.to_owned()))
            .into();
        self
    }

    /// Warnings that it brings about subjects that lacked these companions before already.
    fn warned_of_old<const N: usize>(self, lacks: [(&str, &str); N]) -> Self {
        self.warned(lacks, BEFORE)
    }

    /// Warnings that it brings, each with this at its end.
    fn warned<const N: usize>(mut self, lacks: [(&str, &str); N], end: &str) -> Self {
        let about = self.about();
        self.warned = lacks
            .map(|(subject, companions)| {
                self.text(&format!("{about}: {subject} lacks {companions}{end}"))
            })
            .into();
        self
    }

    fn text(&self, text: &str) -> String {
        text.replace(NAMESPACE, &self.namespace)
            .replace("@case", &format!("@{}", self.namespace))
    }

    fn own(&self, object: &Value) -> Value {
        let text = self.text(&object.to_string());
        serde_json::from_str(&text).expect("names are no syntax")
    }

    fn call(&self) -> &Call {
        let call = self.call.as_ref();
        call.unwrap_or_else(|| panic!("{}: nothing is tried", self.sentence))
    }

    /// The binding as messages call it.
    fn about(&self) -> String {
        let object = self.call().object();
        let name = text_at(object, "/metadata/name");
        match object.pointer("/metadata/namespace") {
            Some(namespace) => format!("RoleBinding {}/{name}", namespace.as_str().unwrap()),
            None => format!("ClusterRoleBinding {name}"),
        }
    }

    fn attempt(&self, plane: &ControlPlane) -> Output {
        let call = self.call();
        let object = call.object().to_string();
        let mut label = vec!["label", "--filename", "-", "team=blue"];
        label.push("-v=4");
        let args: &[&str] = match call {
            Call::Create(_) => &["create", "-v=4", "--filename", "-"],
            Call::Replace(_) => &["replace", "-v=4", "--filename", "-"],
            Call::Delete(_) => &["delete", "-v=4", "--filename", "-"],
            Call::Label(_) => &label,
        };
        plane.kubectl_stdin(platform(), args, &object)
    }

    /// What is wrong with an outcome, if anything is.
    fn fault(&self, output: &Output) -> Result<(), String> {
        same("warnings", &output.warned_of(), &self.warned)?;
        if self.refused {
            self.fault_of_denial(output)
        } else if output.succeeded() {
            Ok(())
        } else {
            Err("it should have been accepted".to_owned())
        }
    }

    fn fault_of_denial(&self, output: &Output) -> Result<(), String> {
        if output.succeeded() {
            return Err("it should have been refused".to_owned());
        }
        let verb = match self.call() {
            Call::Create(_) => "error when creating \"STDIN\": ",
            Call::Replace(_) => "error when replacing \"STDIN\": ",
            Call::Label(_) | Call::Delete(_) => "",
        };
        let denial = output.denial();
        let shown = format!("Error from server (Forbidden): {verb}{}", denial.text);
        if !output.stderr.ends_with(&shown) {
            return Err(format!("kubectl should end with {shown:?}"));
        }
        let status = output.status();
        same("code", &status["code"], &403)?;
        same("reason", &status["reason"], "Forbidden")?;
        same("status", &status["status"], "Failure")?;
        let message = text_at(&status, "/message");
        let expected = format!("{verb}{}", denial.text.trim_end());
        same("message", message, expected.as_str())?;

        let role = text_at(self.call().object(), "/roleRef/name");
        let headline = format!(
            "{} grants {role} to subjects that lack companions",
            self.about()
        );
        if !denial.headline.starts_with(&headline) {
            return Err(format!("the message should begin with {headline:?}"));
        }
        let lacks: Vec<String> = self
            .lacks
            .iter()
            .map(|(who, what)| {
                if what.is_empty() {
                    who.clone()
                } else {
                    format!("{who} lacks {what}")
                }
            })
            .collect();
        same("subjects", &denial.lacks, &lacks)?;
        let named: Vec<_> = self
            .lacks
            .iter()
            .filter(|(_, what)| !what.is_empty())
            .cloned()
            .collect();
        let commands: Vec<&str> = denial.commands.iter().map(|line| flags(line)).collect();
        same("commands", &commands, &expected_flags(&named))
    }

    /// What must be stored in the end: nothing, or a binding of these subjects.
    fn stored(&self) -> Option<&Value> {
        match (self.call(), self.refused) {
            (_, true) => self.before.as_ref(),
            (Call::Create(object) | Call::Replace(object) | Call::Label(object), false) => {
                Some(object)
            }
            (Call::Delete(_), false) => None,
        }
    }
}

fn same<A, B>(what: &str, found: &A, expected: &B) -> Result<(), String>
where
    A: PartialEq<B> + std::fmt::Debug + ?Sized,
    B: std::fmt::Debug + ?Sized,
{
    if found == expected {
        Ok(())
    } else {
        Err(format!("{what}: found {found:?}, expected {expected:?}"))
    }
}

fn text_at<'a>(object: &'a Value, path: &str) -> &'a str {
    let text = object.pointer(path).and_then(Value::as_str);
    text.unwrap_or_else(|| panic!("no text at {path} of {object}"))
}

/// Everything that must be there before bindguard is.
pub(crate) fn world(cases: &[Case]) -> Vec<Value> {
    let mut world: Vec<Value> = cases
        .iter()
        .map(|case| namespace(&case.namespace))
        .collect();
    for case in cases {
        world.extend(case.given.iter().chain(&case.before).cloned());
    }
    world
}

/// Runs all cases, several at once, and fails with every fault of every case.
fn check(plane: &ControlPlane, cases: &[Case]) {
    let next = AtomicUsize::new(0);
    let faults = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let output = case.attempt(plane);
                    if let Err(fault) = case.fault(&output) {
                        let fault = format!("{}: {fault}\n{output}", case.sentence);
                        faults.lock().unwrap().push(fault);
                    }
                }
            });
        }
    });
    let mut faults = faults.into_inner().unwrap();
    faults.extend(stored_otherwise(plane, cases));
    eprintln!("{} cases", cases.len());
    assert!(
        faults.is_empty(),
        "{} faults:\n\n{}",
        faults.len(),
        faults.join("\n\n")
    );
}

/// The cases that left the cluster in another state than their verdict says.
fn stored_otherwise(plane: &ControlPlane, cases: &[Case]) -> Vec<String> {
    let kinds = "rolebindings,clusterrolebindings";
    let args = ["get", kinds, "--all-namespaces", "--output", "json"];
    let list = plane.kubectl(ADMIN, &args).expect_success();
    let list: Value = serde_json::from_str(&list).expect("kubectl prints JSON");
    let stored: HashMap<String, &Value> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (key(item), &item["subjects"]))
        .collect();
    let subjects = |object: &Value| match &object["subjects"] {
        Value::Array(subjects) if subjects.is_empty() => Value::Null,
        subjects => subjects.clone(),
    };
    let found = |case: &Case| {
        stored
            .get(&key(case.call().object()))
            .map(|found| (*found).clone())
    };
    cases
        .iter()
        .filter_map(|case| {
            let expected = case.stored().map(subjects);
            let found = found(case);
            (found != expected)
                .then(|| format!("{}: stored are {found:?}, not {expected:?}", case.sentence))
        })
        .collect()
}

fn key(object: &Value) -> String {
    let text = |path| {
        object
            .pointer(path)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    [
        text("/kind"),
        text("/metadata/namespace"),
        text("/metadata/name"),
    ]
    .join("/")
}
