//! Denials with hostile names, through kubectl and a real API server: what is printed is safe to
//! read, what is to be pasted does exactly what it says, and what is recorded is exact.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::thread;

use serde_json::{Value, json};

use crate::names::{Subject, subject, who};
use crate::random::{Random, setting};
use crate::shell::Shell;
use crate::support::{ADMIN, Bindguard, ControlPlane, Output, Serve};

/// How many denials there are.
const DENIALS: u64 = 500;
/// For so many of them the commands are run by kubectl, which takes a tenth of a second each; of
/// the others it is what bash hands to kubectl that is looked at.
const CARRIED_OUT: u64 = 100;
/// So many bindings go into one call of kubectl.
const BATCH: usize = 20;

pub(crate) const COMPANIONS: [&str; 2] = ["spectro-list-namespaces", "spectro-list-vmtemplates"];

/// A persona binding that is to be denied.
struct Refused {
    name: String,
    subjects: Vec<Subject>,
}

impl Refused {
    fn of(seed: u64, number: u64) -> Self {
        let mut random = Random::of(seed, number);
        let count = random.pick(&[1, 1, 2, 5]);
        Self {
            name: format!("hostile-{number}"),
            subjects: (0..count)
                .map(|n| subject(&mut random, number * 10 + n))
                .collect(),
        }
    }

    fn manifest(&self, namespace: &str) -> Value {
        let subjects: Vec<&Value> = self.subjects.iter().map(|one| &one.written).collect();
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": self.name, "namespace": namespace},
            "roleRef": {
                "apiGroup": "rbac.authorization.k8s.io",
                "kind": "ClusterRole",
                "name": "spectro-vm-user",
            },
            "subjects": subjects,
        })
    }

    /// Those whom a command can name.
    fn commandable(&self) -> BTreeSet<&str> {
        let subjects = self.subjects.iter().filter(|subject| subject.commandable);
        subjects.map(|subject| subject.who.as_str()).collect()
    }
}

#[test]
fn hostile_names_are_shown_safely_recorded_exactly_and_mended_by_the_commands_shown() {
    let plane = ControlPlane::shared().install_roles();
    let namespace = plane.namespace();
    let bindguard = Serve::new(env!("CARGO_BIN_EXE_bindguard"))
        .kubeconfig(&plane.accounts().serve)
        .start();
    let registration = bindguard.register(plane);
    let seed = setting("HOSTILE_SEED", 1);
    let denials = setting("HOSTILE_DENIALS", DENIALS);
    let carried_out = usize::try_from(setting("HOSTILE_CARRIED_OUT", CARRIED_OUT)).unwrap();
    let refused: Vec<Refused> = (0..denials)
        .map(|number| Refused::of(seed, number))
        .collect();

    let messages = create_all(plane, &namespace, &refused);
    for (one, message) in refused.iter().zip(&messages) {
        check_message(one, message);
    }
    check_audit(&bindguard, &refused);

    let shell = Shell::new(plane);
    check_words(&shell, &refused, &messages);
    let (first, messages) = (&refused[..carried_out], &messages[..carried_out]);
    carry_out(&shell, messages);
    check_companions(plane, first);
    check_mended(plane, &namespace, first);
    drop(registration);
}

/// Has kubectl create all of them, and returns what it said of each.
fn create_all(plane: &ControlPlane, namespace: &str, refused: &[Refused]) -> Vec<String> {
    let create = |batch: &[Refused]| {
        let output = create(plane, namespace, batch);
        assert!(!output.succeeded(), "nothing was refused: {output}");
        let raw = |character: char| character.is_control() && character != '\n';
        for text in [&output.stdout, &output.stderr] {
            assert!(!text.contains(raw), "a raw control character: {text:?}");
        }
        let errors: Vec<String> = output
            .stderr
            .split("Error from server (Forbidden): ")
            .skip(1)
            .map(str::to_owned)
            .collect();
        assert_eq!(errors.len(), batch.len(), "{output}");
        errors
    };
    // Denials wait for each other's confirming reads, of which there are two a second.
    thread::scope(|scope| {
        let batches = refused.chunks(BATCH).collect::<Vec<_>>();
        let mut all = vec![];
        for turn in batches.chunks(12) {
            let running: Vec<_> = turn
                .iter()
                .map(|batch| scope.spawn(|| create(batch)))
                .collect();
            for one in running {
                all.extend(one.join().expect("a batch that is refused"));
            }
        }
        all
    })
}

fn create(plane: &ControlPlane, namespace: &str, batch: &[Refused]) -> Output {
    let items: Vec<Value> = batch.iter().map(|one| one.manifest(namespace)).collect();
    let list = json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string();
    plane.kubectl_stdin(ADMIN, &["create", "--validate=false", "-f", "-"], &list)
}

fn check_message(refused: &Refused, message: &str) {
    let name = format!("/{} grants spectro-vm-user", refused.name);
    assert!(message.contains(&name), "{message}");
    let lacks = message
        .lines()
        .filter(|line| line.contains(" lacks spectro-list-namespaces"));
    assert_eq!(lacks.count(), refused.subjects.len(), "{message}");
    let all = refused.subjects.iter().all(|subject| subject.commandable);
    assert_eq!(
        message.contains("use a manifest for them"),
        !all,
        "{message}"
    );
    let expected = if refused.commandable().is_empty() {
        0
    } else {
        COMPANIONS.len()
    };
    assert_eq!(commands(message).count(), expected, "{message}");
}

/// The commands in a message.
fn commands(message: &str) -> impl Iterator<Item = &str> {
    message
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with("kubectl "))
}

/// What bash makes of the commands is what was meant.
fn check_words(shell: &Shell, refused: &[Refused], messages: &[String]) {
    let all: Vec<&str> = messages
        .iter()
        .flat_map(|message| commands(message))
        .collect();
    let mut calls = shell.words(&all).into_iter();
    for one in refused.iter().filter(|one| !one.commandable().is_empty()) {
        for companion in COMPANIONS {
            let words = calls.next().expect("a call for each command");
            assert_eq!(words[..2], ["create", "clusterrolebinding"], "{words:?}");
            assert!(words[2].starts_with(companion), "{words:?}");
            assert_eq!(words[3], format!("--clusterrole={companion}"));
            let named: BTreeSet<String> = words[4..].iter().map(|flag| who_of_flag(flag)).collect();
            let expected: BTreeSet<String> =
                one.commandable().into_iter().map(str::to_owned).collect();
            assert_eq!(named, expected);
        }
    }
    assert_eq!(calls.next(), None);
}

/// Has bash run the commands.
fn carry_out(shell: &Shell, messages: &[String]) {
    // Few enough at a time for the time limit of a command.
    for some in messages.chunks(25) {
        let mut script = String::new();
        for (number, command) in some.iter().flat_map(|one| commands(one)).enumerate() {
            let _ = writeln!(script, "{command} || echo FAILED: {number}");
        }
        let output = shell.paste(&script);
        assert!(!output.stdout.contains("FAILED"), "{output}");
    }
}

fn who_of_flag(flag: &str) -> String {
    let (flag, value) = flag.split_once('=').expect("a flag with a value");
    match flag {
        "--user" => format!("user {value}"),
        "--group" => format!("group {value}"),
        "--serviceaccount" => format!("user system:serviceaccount:{value}"),
        other => panic!("{other}"),
    }
}

/// One line for each denial, with the exact names as far as they fit.
fn check_audit(bindguard: &Bindguard, refused: &[Refused]) {
    let mut lines: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for line in bindguard.audit_lines() {
        assert_eq!(line["decision"], "deny", "{line}");
        let name = line["binding"]["name"].as_str().expect("a name").to_owned();
        lines.entry(name).or_default().push(line);
    }
    assert_eq!(lines.len(), refused.len());
    for one in refused {
        let [line] = lines[&one.name].as_slice() else {
            panic!("{}: {:?}", one.name, lines[&one.name]);
        };
        let pairs = one.subjects.iter().flat_map(|subject| {
            COMPANIONS.map(|companion| (subject.who.clone(), companion.to_owned()))
        });
        let expected: Vec<(String, String)> = pairs.collect();
        let missing = line["missing"].as_array().expect("a list");
        let told: Vec<(String, String)> = missing
            .iter()
            .map(|pair| {
                (
                    who(&pair["subject"]),
                    pair["companion"].as_str().unwrap().to_owned(),
                )
            })
            .collect();
        assert_eq!(line["missing_total"], expected.len());
        assert!(line.to_string().len() <= 16_384);
        // Escapes take more than the name, so that 2 KiB of names surely fit.
        let length: usize = expected.iter().map(|(who, _)| who.len()).sum();
        if length <= 2_048 {
            assert_eq!(told, expected);
        } else {
            assert!(expected.starts_with(&told), "{told:?}");
            assert!(
                told.len() == expected.len() || line["missing_sha256"].is_string(),
                "{line}"
            );
        }
    }
}

/// The companions that were made are those that were to be made.
fn check_companions(plane: &ControlPlane, refused: &[Refused]) {
    let output = plane.kubectl(ADMIN, &["get", "clusterrolebindings", "--output", "json"]);
    let list: Value = serde_json::from_str(&output.expect_success()).expect("JSON");
    let mut made: Vec<(String, BTreeSet<String>)> = vec![];
    for binding in list["items"].as_array().expect("a list") {
        let role = binding["roleRef"]["name"].as_str().expect("a role");
        if COMPANIONS.contains(&role) {
            let subjects = binding["subjects"].as_array().expect("a list");
            made.push((role.to_owned(), subjects.iter().map(who).collect()));
        }
    }
    let mut expected: Vec<(String, BTreeSet<String>)> = vec![];
    for one in refused.iter().filter(|one| !one.commandable().is_empty()) {
        for companion in COMPANIONS {
            let names = one.commandable().into_iter().map(str::to_owned).collect();
            expected.push((companion.to_owned(), names));
        }
    }
    made.sort();
    expected.sort();
    assert_eq!(made.len(), expected.len());
    for (made, expected) in made.iter().zip(&expected) {
        assert_eq!(made, expected);
    }
}

/// What was denied is accepted now, unless it names somebody whom no command could name.
fn check_mended(plane: &ControlPlane, namespace: &str, refused: &[Refused]) {
    let mut mended = vec![];
    for one in refused {
        if one.subjects.iter().all(|subject| subject.commandable) {
            mended.push(one.manifest(namespace));
        }
    }
    assert!(mended.len() * 2 > refused.len(), "hardly any can be mended");
    let list = json!({"apiVersion": "v1", "kind": "List", "items": mended}).to_string();
    let args = ["create", "--validate=false", "-f", "-"];
    plane.kubectl_stdin(ADMIN, &args, &list).expect_success();
}
