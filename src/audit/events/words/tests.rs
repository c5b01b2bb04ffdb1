use jiff::Timestamp;
use proptest::prelude::*;

use super::{LONGEST_ANNOTATION, LONGEST_NOTE, annotation, name, namespace, note};
use crate::audit::denial::tests::{pair, record};
use crate::audit::denial::{BindingKind, Denial};
use crate::domain::text::needs_escape;

fn denial() -> Denial {
    let pairs = vec![
        pair("bob@example.com", "lists-namespaces"),
        pair("bob@example.com", "lists-templates"),
        pair("system:serviceaccount:ci:bot", "lists-templates"),
    ];
    Denial::of(&record("admin", pairs))
}

#[test]
fn a_note_says_who_was_refused_what_and_why() {
    assert_eq!(
        note(&denial()),
        "admin was refused: RoleBinding dev/alice-vm grants spectro-vm-user to subjects that lack \
         companions: User bob@example.com lacks lists-namespaces, lists-templates; \
         ServiceAccount ci/bot lacks lists-templates"
    );
    let removal = Denial {
        persona: None,
        companion: Some("lists-templates".to_owned()),
        ..denial()
    };
    assert_eq!(
        note(&removal),
        "admin was refused: without RoleBinding dev/alice-vm subjects would lose lists-templates: \
         User bob@example.com; ServiceAccount ci/bot"
    );
}

#[test]
fn of_many_subjects_a_note_tells_how_many_it_leaves_out() {
    let names: Vec<String> = (0..200).map(|number| format!("user-{number}")).collect();
    let pairs = names
        .iter()
        .map(|name| pair(name, "lists-templates"))
        .collect();
    let note = note(&Denial::of(&record("admin", pairs)));
    assert!(note.ends_with("; and 184 more"), "{note}");
}

#[test]
fn events_are_where_their_binding_is_or_where_kubernetes_wants_them() {
    let mut denial = denial();
    assert_eq!(namespace(&denial), Some("dev"));
    denial.binding.kind = BindingKind::ClusterRoleBinding;
    denial.binding.namespace = None;
    assert_eq!(namespace(&denial), Some("default"));
    for forged in ["", "../kube-system", "a/b", "A", "a?b", &"a".repeat(64)] {
        denial.binding.namespace = Some(forged.to_owned());
        assert_eq!(namespace(&denial), None, "{forged}");
    }
}

#[test]
fn names_differ_by_denial_by_time_and_by_reporter() {
    let (now, later) = (Timestamp::from_second(1), Timestamp::from_second(2));
    let (now, later) = (now.unwrap(), later.unwrap());
    let other = Denial {
        requester: "other".to_owned(),
        ..denial()
    };
    let names = [
        name(&denial(), now, "a"),
        name(&denial(), later, "a"),
        name(&denial(), now, "b"),
        name(&other, now, "a"),
    ];
    let different: std::collections::BTreeSet<_> = names.iter().collect();
    assert_eq!(different.len(), 4);
    assert_eq!(names[0], name(&denial(), now, "a"));
}

proptest! {
    #[test]
    fn whatever_the_names_are_the_api_server_and_a_terminal_can_take_it(
        requester in "(\\PC|[\\x00-\\x1f]|\u{202e}|\u{e0041}){0,300}",
        subject in "(\\PC|[\\x00-\\x1f]){1,300}",
        pairs in 0_usize..20,
    ) {
        let pairs = (0..pairs).map(|_| pair(&subject, &requester)).collect();
        let mut record = record(&requester, pairs);
        record.binding.name = &subject;
        let denial = Denial::of(&record);
        let note = note(&denial);
        prop_assert!(note.len() <= LONGEST_NOTE, "{}: {}", note.len(), note);
        prop_assert!(!note.chars().any(needs_escape), "{:?}", note);
        let annotation = annotation(&denial);
        prop_assert!(annotation.len() <= LONGEST_ANNOTATION);
        prop_assert!(!annotation.chars().any(needs_escape));
        let read: Denial = serde_json::from_str(&annotation).unwrap();
        prop_assert_eq!(read.total(), denial.total());
        let name = name(&denial, Timestamp::UNIX_EPOCH, "a");
        let is_plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.');
        prop_assert!(name.len() < 64 && name.bytes().all(is_plain), "{}", name);
    }
}
