use jiff::Timestamp;

use super::{Denial, LONGEST_TEXT, MOST_PAIRS};
use crate::audit::line::json_length;
use crate::audit::record::{
    BindingName, Caller, Kind, Pair, Record, Requester, Rule, SubjectName, Verdict,
};
use crate::domain::binding::BindingKind;
use crate::domain::identity::Identity;
use crate::domain::text::needs_escape;

pub(in crate::audit) fn pair<'a>(subject: &'a str, companion: &'a str) -> Pair<'a> {
    Pair {
        subject: SubjectName(Identity::user(subject)),
        companion,
        before: false,
        lost: false,
        ordered: false,
    }
}

pub(in crate::audit) fn record<'a>(requester: &'a str, missing: Vec<Pair<'a>>) -> Record<'a> {
    Record {
        time: Timestamp::UNIX_EPOCH,
        decision: Verdict::Deny,
        rule: Rule::Persona,
        because: "action",
        uid: "u-1",
        operation: "CREATE",
        dry_run: false,
        requester: Requester {
            username: requester,
            uid: "",
            groups: vec!["system:authenticated"],
        },
        caller: Caller::Unverified,
        binding: BindingName {
            kind: Kind(BindingKind::RoleBinding),
            namespace: Some("dev"),
            name: "alice-vm",
        },
        persona: Some("spectro-vm-user"),
        companion: None,
        policy: "vmo",
        persona_bindings: Vec::new(),
        persona_bindings_total: 0,
        missing,
    }
}

#[test]
fn a_denial_has_the_names_of_its_record_and_comes_back_as_it_was() {
    let robot = pair("system:serviceaccount:ci:bot", "lists");
    let old = Pair {
        before: true,
        ..pair("old", "lists")
    };
    let denial = Denial::of(&record("bob", vec![old, robot]));
    let json = serde_json::to_string(&denial).unwrap();
    assert_eq!(
        json,
        r#"{"requester":"bob","binding":{"kind":"RoleBinding","namespace":"dev","name":"alice-vm"},"persona":"spectro-vm-user","missing":[{"subject":{"kind":"ServiceAccount","namespace":"ci","name":"bot"},"companion":"lists"}]}"#
    );
    assert_eq!(serde_json::from_str::<Denial>(&json).unwrap(), denial);
    assert_eq!(denial.clone().bounded(), denial);
}

#[test]
fn a_removal_names_the_companion_and_what_is_lost_and_no_persona() {
    let lost = Pair {
        lost: true,
        ..pair("alice", "lists")
    };
    let removal = Record {
        rule: Rule::CompanionRemoval,
        companion: Some("lists"),
        ..record("bob", vec![lost])
    };
    let denial = Denial::of(&removal);
    assert_eq!(denial.persona, None);
    assert_eq!(denial.companion.as_deref(), Some("lists"));
    assert_eq!(denial.missing[0].subject.name, "alice");
}

#[test]
fn of_many_pairs_the_first_are_kept_and_lists_that_begin_alike_stay_apart() {
    let names: Vec<String> = (0..1_000).map(|number| format!("user-{number}")).collect();
    let pairs = |count: usize| names.iter().take(count).map(|name| pair(name, "lists"));
    let all = Denial::of(&record("bob", pairs(1_000).collect()));
    assert_eq!((all.missing.len(), all.total()), (MOST_PAIRS, 1_000));
    let fewer = Denial::of(&record("bob", pairs(999).collect()));
    assert_eq!(all.missing, fewer.missing);
    assert_ne!(all.missing_sha256, fewer.missing_sha256);
    let whole = Denial::of(&record("bob", pairs(MOST_PAIRS).collect()));
    assert_eq!((whole.missing_total, whole.total()), (None, MOST_PAIRS));
    // Whoever reads it again changes nothing.
    assert_eq!(all.clone().bounded(), all);
}

#[test]
fn no_name_makes_a_large_entry_and_long_names_stay_apart() {
    let hostile = "\u{e0041}\"\\\n".repeat(5_000);
    let longer = format!("{hostile}x");
    let pairs: Vec<Pair<'_>> = (0..MOST_PAIRS).map(|_| pair(&hostile, &hostile)).collect();
    let mut large = record(&hostile, pairs);
    large.binding.name = &hostile;
    large.binding.namespace = Some(&hostile);
    large.persona = Some(&hostile);
    let denial = Denial::of(&large);
    assert!(json_length(&denial) < 16 * 1024, "{}", json_length(&denial));
    assert!(json_length(&denial.requester) <= LONGEST_TEXT + 2);
    assert_ne!(
        denial.requester,
        Denial::of(&record(&longer, vec![])).requester
    );
    assert_eq!(denial.clone().bounded(), denial);
    // As JSON it shows as itself.
    let line = crate::audit::line::to_line(&denial);
    let text = String::from_utf8(line).unwrap();
    assert!(!text.trim_end().chars().any(needs_escape));
}

#[test]
fn a_name_that_kubernetes_gives_an_object_is_kept_whole() {
    let name = "a".repeat(253);
    assert_eq!(Denial::of(&record(&name, vec![])).requester, name);
}

#[test]
fn what_must_be_shorter_loses_pairs_and_tells_how_many_there_were() {
    let names: Vec<String> = (0..10).map(|number| format!("user-{number}")).collect();
    let pairs = names.iter().map(|name| pair(name, "lists")).collect();
    let denial = Denial::of(&record("bob", pairs));
    let short = denial.within(500);
    assert!(json_length(&short) <= 500);
    assert!(!short.missing.is_empty() && short.missing.len() < 10);
    assert_eq!(short.total(), 10);
    assert_eq!(denial.within(10_000), denial);
}

#[test]
fn whatever_somebody_else_has_written_is_cut_when_it_is_read() {
    let long = "x".repeat(5_000);
    let mut denial = Denial::of(&record("bob", vec![pair("alice", "lists")]));
    let first = denial.missing[0].clone();
    denial.missing = vec![first; 1_000];
    let many = denial.clone().bounded();
    assert_eq!((many.missing.len(), many.total()), (MOST_PAIRS, 1_000));
    denial.missing[0].subject.namespace = Some(long.clone());
    denial.missing[1].companion = long.clone();
    denial.missing_sha256 = Some(long.clone());
    denial.missing_total = Some(2_000);
    denial.persona = Some(long.clone());
    denial.binding.namespace = Some(long);
    let cut = denial.bounded();
    assert!(json_length(&cut) < 16 * 1024, "{}", json_length(&cut));
    assert_eq!(cut.total(), 2_000);
    assert_eq!(cut.clone().bounded(), cut);
}
