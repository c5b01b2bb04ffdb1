//! What must hold of `fix`, for any manifests whatever.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use bindguard::domain::policy::Policy;
use bindguard::manifest::{Source, Sources};
use bindguard::report::check::{Beside, Companions, check};
use bindguard::report::{Plan, Report, Stream, Style, plan};

use super::generated::{Set, set};
use super::random::{Random, in_parallel, setting};

fn sources<T: AsRef<[u8]>>(texts: &[T]) -> Sources {
    let places = texts
        .iter()
        .enumerate()
        .map(|(number, text)| Source::Bytes {
            name: PathBuf::from(format!("{number}.yaml")),
            bytes: text.as_ref().to_vec(),
        });
    Sources::read(places.collect(), true, &|_, _| {})
}

fn checked(policy: &Policy, sources: &Sources, companions: Companions) -> Report {
    let beside = Beside {
        namespace: "default".to_owned(),
        ..Beside::default()
    };
    let report = check(policy, sources, beside, companions);
    assert_eq!(report.errors, [""; 0], "all that is generated can be read");
    report
}

fn planned(policy: &Policy, report: &Report, style: Style) -> Plan {
    plan(policy, &report.findings, &report.taken, style)
}

/// Input and fix together lack nothing, and ask for no other fix.
fn is_mended(set: &Set, style: Style) -> usize {
    let Set { policy, files } = set;
    let report = checked(policy, &sources(files), Companions::Together);
    let planned_text = planned(policy, &report, style).to_string();
    assert_eq!(planned_text.is_empty(), report.findings.is_empty());
    let mut with_fix = files.clone();
    with_fix.push(planned_text);
    let mended = checked(policy, &sources(&with_fix), Companions::Together);
    assert_eq!(mended.findings, [], "{style:?}");
    assert_eq!(planned(policy, &mended, style), Plan::default());
    report.findings.len()
}

/// The stream of fix and input lacks nothing while it is applied, begins with what `fix` adds and
/// ends with the input, and is a stream that needs no other.
fn is_mended_in_order(set: &Set) {
    let Set { policy, files } = set;
    let input = sources(files);
    let report = checked(policy, &input, Companions::InOrder);
    let plan = planned(policy, &report, Style::PerCompanion);
    let Ok(stream) = Stream::of(&plan, &input.files) else {
        // JSON objects one after the other among YAML.
        return;
    };
    let mut bytes = Vec::new();
    stream.write(&mut bytes).unwrap();
    if let [only] = &files[..] {
        assert!(bytes.ends_with(only.as_bytes()), "the input is untouched");
    }
    let whole = sources(&[&bytes]);
    let mended = checked(policy, &whole, Companions::InOrder);
    assert_eq!(mended.findings, [], "{}", String::from_utf8_lossy(&bytes));

    let nothing = planned(policy, &mended, Style::PerCompanion);
    let mut again = Vec::new();
    Stream::of(&nothing, &whole.files)
        .unwrap()
        .write(&mut again)
        .unwrap();
    assert_eq!(again, bytes, "what needs nothing stays as it is");
}

/// Without any one of its subjects the fix would not mend.
fn is_minimal(set: &Set) {
    let Set { policy, files } = set;
    let report = checked(policy, &sources(files), Companions::Together);
    let whole = planned(policy, &report, Style::PerSubject);
    for left_out in 0..whole.bindings.len() {
        let mut less = whole.clone();
        less.bindings.remove(left_out);
        let mut with_less = files.clone();
        with_less.push(less.to_string());
        let left = checked(policy, &sources(&with_less), Companions::Together);
        assert!(!left.findings.is_empty(), "{whole}");
    }
}

#[test]
fn input_and_fix_lack_nothing_and_need_no_other_fix() {
    let (seed, cases) = (setting("FIX_SEED", 1), setting("FIX_CASES", 10_000));
    let only = std::env::var("FIX_CASE")
        .ok()
        .map(|case| case.parse().expect("a number"));
    let found = AtomicUsize::new(0);
    in_parallel(only.map_or(0..cases, |only| only..only + 1), |number| {
        let set = set(&mut Random::of(seed, number));
        let case = std::panic::catch_unwind(|| {
            is_mended_in_order(&set);
            if number % 16 == 0 {
                is_minimal(&set);
            }
            is_mended(&set, Style::PerSubject) + is_mended(&set, Style::PerCompanion)
        });
        let Ok(findings) = case else {
            let text = set.files.join("\n=====\n");
            panic!("FIX_SEED={seed} FIX_CASE={number}\n{text}");
        };
        found.fetch_add(usize::from(findings > 0), Ordering::Relaxed);
    });
    let found = found.into_inner();
    let half = usize::try_from(cases / 2).expect("as many as there is time for");
    assert!(
        only.is_some() || found > half,
        "only {found} sets needed a fix"
    );
}
