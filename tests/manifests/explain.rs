//! `bindguard explain` on manifests: what it says, and that it agrees with `check` and `fix`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use bindguard::domain::identity::Identity;
use bindguard::domain::policy::Policy;
use bindguard::manifest::{Source, Sources};
use bindguard::report::check::{Beside, Companions, check};
use bindguard::report::explain::{Explanation, Gathered, Membership, Question, in_manifests};

use super::generated::{Set, set};
use super::random::{Random, in_parallel, setting};
use super::sandbox::Sandbox;

const WORLD: &str = include_str!("explain/world.yaml");
const POLICY: &str = include_str!("explain/policy.yaml");

/// What is asked, and a word on why.
const QUESTIONS: [(&str, &[&str]); 15] = [
    (
        "a user who lacks one, and bindings that miss her",
        &["--user", "alice"],
    ),
    (
        "the same user, if she is in a group",
        &["--user", "alice", "--group", "devs"],
    ),
    (
        "the same in YAML",
        &["--user", "alice", "--group", "devs", "-o", "yaml"],
    ),
    ("a group", &["--group", "devs"]),
    (
        "a user who has a persona by a group alone",
        &["--user", "erin", "--group", "devs"],
    ),
    ("a ServiceAccount", &["--serviceaccount", "red:bot"]),
    (
        "the same by its other name",
        &["--user", "system:serviceaccount:red:bot"],
    ),
    (
        "a user who is in the groups of Kubernetes alone",
        &["--user", "dave"],
    ),
    ("a user in an exempt namespace", &["--user", "root"]),
    ("an exempt group", &["--group", "system:masters"]),
    (
        "a user in an exempt group",
        &["--user", "carol", "--group", "system:masters"],
    ),
    ("nobody in particular", &["--user", "system:anonymous"]),
    ("a name that no command can carry", &["--user", "long"]),
    (
        "another policy",
        &["--user", "alice", "--policy", "policy.yaml"],
    ),
    (
        "another policy, for a ServiceAccount",
        &[
            "--serviceaccount",
            "red:bot",
            "--policy",
            "policy.yaml",
            "-o",
            "json",
        ],
    ),
];

#[test]
fn what_is_said_of_each_subject_is_as_it_was_kept() {
    let sandbox = Sandbox::new();
    let long = "x".repeat(300);
    sandbox.write("world.yaml", WORLD.replace("LONG", &long));
    sandbox.write("policy.yaml", POLICY);
    let mut text = String::new();
    for (name, contents) in [("world.yaml", WORLD), ("policy.yaml", POLICY)] {
        let _ = write!(text, "$ cat {name}\n{contents}\n");
    }
    for (title, question) in QUESTIONS {
        let asked: Vec<&str> = question
            .iter()
            .map(|word| if *word == "long" { long.as_str() } else { word })
            .collect();
        let arguments = [&["explain", "-f", "world.yaml"], asked.as_slice()].concat();
        let told = sandbox.run(&arguments).expect_success();
        let told = told
            .replace(&long, "LONG")
            .replace(&"x".repeat(253), "LONG");
        let question = question.join(" ");
        let _ = write!(
            text,
            "# {title}\n$ bindguard explain -f world.yaml {question}\n{told}\n"
        );
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/manifests/explain/explain.txt");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, text).expect("the text can be written");
        return;
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    let pairs = kept.lines().zip(text.lines()).enumerate();
    let different = pairs.into_iter().find(|(_, (kept, now))| kept != now);
    assert!(
        kept == text,
        "explain.txt is not what the program says now: {different:?}"
    );
}

#[test]
fn one_subject_is_asked_for_and_what_cannot_be_read_hides_nothing() {
    let sandbox = Sandbox::new();
    sandbox.write("m/world.yaml", WORLD);
    sandbox.write("m/broken.yaml", "a: [\n");
    let output = sandbox.run(&["explain", "-f", "m", "--user", "alice"]);
    assert_eq!(output.status.code(), Some(2), "{output}");
    assert!(output.stdout.starts_with("User alice lacks "), "{output}");
    assert_eq!(
        output.stderr,
        "error: m/broken.yaml:1:4: unclosed bracket '['\n"
    );
    // A reader that stops early is no error.
    let columns = sandbox.run_with(
        &[("COLUMNS", "60")],
        &["explain", "-f", "m/world.yaml", "--user", "alice"],
    );
    let table = columns
        .stdout
        .lines()
        .take_while(|line| !line.starts_with("What"));
    let widest = table.skip(1).map(|line| line.chars().count()).max();
    assert!(widest <= Some(60), "{columns}");
}

fn sources_of<T: AsRef<[u8]>>(texts: &[T]) -> Sources {
    let numbered = texts.iter().enumerate();
    let places = numbered.map(|(number, text)| Source::Bytes {
        name: PathBuf::from(format!("{number}.yaml")),
        bytes: text.as_ref().to_vec(),
    });
    Sources::read(places.collect(), false, &|_, _| {})
}

fn explained<'p>(
    policy: &'p Policy,
    sources: &Sources,
    subject: Identity<'_>,
    groups: &[String],
) -> Explanation<'p> {
    let gathered = Gathered::nothing(policy, Question::about(subject, groups));
    in_manifests(gathered, sources, "default").explained(|_| None)
}

/// What is missing where a binding names the subject itself: role, binding and companions.
fn own_gaps(explanation: &Explanation<'_>) -> BTreeSet<String> {
    let policy = explanation.policy;
    let own = explanation.personas.iter();
    let own = own.filter(|has| has.through.named.by == Membership::Itself);
    own.flat_map(|has| {
        let binding = has.through.binding.shown();
        let role = &has.through.binding.role;
        policy
            .companion_names(has.lacks.union(has.assumed))
            .map(move |one| format!("{role} {binding}: {one}"))
    })
    .collect()
}

/// Everybody is explained as `check` judges them, and by groups that they are said to be in never
/// lacks more.
fn agrees(set: &Set) -> usize {
    let Set { policy, files } = set;
    let sources = sources_of(files);
    let beside = Beside {
        namespace: "default".to_owned(),
        ..Beside::default()
    };
    let report = check(policy, &sources, beside, Companions::Together);
    let bindings = sources
        .files
        .iter()
        .flat_map(|file| &file.contents.bindings);
    let bindings: Vec<_> = bindings
        .map(|manifest| {
            (
                manifest.as_binding(),
                manifest.namespace.as_deref().unwrap_or("default"),
            )
        })
        .collect();
    let mut everybody: BTreeSet<Identity<'_>> = bindings
        .iter()
        .flat_map(|(binding, namespace)| {
            binding
                .subjects
                .iter()
                .filter_map(|one| one.identity(Some(*namespace)))
        })
        .collect();
    everybody.insert(Identity::User("somebody else"));
    for subject in &everybody {
        let found: BTreeSet<String> = report
            .findings
            .iter()
            .filter(|finding| {
                finding
                    .who
                    .as_ref()
                    .is_some_and(|who| who.identity() == *subject)
            })
            .flat_map(|finding| {
                let binding = finding.binding.as_ref().expect("it is in one");
                policy
                    .companion_names(finding.lacks())
                    .map(|one| format!("{} {}: {one}", binding.role, binding.shown()))
            })
            .collect();
        let alone = explained(policy, &sources, *subject, &[]);
        assert_eq!(own_gaps(&alone), found, "{subject:?}");
        let groups = ["devs".to_owned(), "system:masters".to_owned()];
        let in_groups = explained(policy, &sources, *subject, &groups);
        assert_eq!(own_gaps(&in_groups), found, "{subject:?} in groups");
        let mended = [files.clone(), vec![in_groups.fix.to_string()]].concat();
        let mended = explained(policy, &sources_of(&mended), *subject, &groups);
        assert!(mended.lacks().is_empty(), "{subject:?}\n{}", in_groups.fix);
        assert!(mended.fix.bindings.is_empty(), "{subject:?}");
    }
    report.findings.len()
}

#[test]
fn each_subject_is_explained_as_check_judges_it_and_the_fix_mends_it() {
    let (seed, cases) = (setting("EXPLAIN_SEED", 3), setting("EXPLAIN_CASES", 300));
    let found = AtomicUsize::new(0);
    in_parallel(0..cases, |number| {
        let set = set(&mut Random::of(seed, number));
        let case = std::panic::catch_unwind(|| agrees(&set));
        let Ok(findings) = case else {
            let text = set.files.join("\n=====\n");
            panic!("EXPLAIN_SEED={seed}, case {number}\n{text}");
        };
        found.fetch_add(findings, Ordering::Relaxed);
    });
    let found = found.into_inner();
    let least = usize::try_from(cases).expect("as many as there is time for");
    assert!(found > least, "only {found} findings");
}
