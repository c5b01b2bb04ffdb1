use std::sync::Arc;

use jiff::Timestamp;
use unicode_width::UnicodeWidthStr as _;

use super::{Table, age};
use crate::audit::denial::Denial;
use crate::audit::history::Seen;
use crate::domain::text::needs_escape;

const NOW: i64 = 1_000_000;

fn seen(count: u64, ago: i64) -> Seen {
    let at = Timestamp::from_second(NOW - ago).unwrap();
    Seen {
        count,
        first_seen: at,
        last_seen: at,
    }
}

fn denial(requester: &str) -> Arc<Denial> {
    let denial = serde_json::json!({
        "requester": requester,
        "binding": {"kind": "RoleBinding", "namespace": "red", "name": "red-vm-users"},
        "persona": "spectro-vm-user",
        "missing": [
            {"subject": {"kind": "User", "name": "bob"}, "companion": "lists-namespaces"},
            {"subject": {"kind": "User", "name": "bob"}, "companion": "lists-templates"},
            {"subject": {"kind": "ServiceAccount", "namespace": "ci", "name": "bot"}, "companion": "lists-templates"},
        ],
        "missing_total": 5,
    });
    Arc::new(serde_json::from_value(denial).unwrap())
}

fn rows(table: &mut Table, requesters: &[&str]) -> String {
    let denials: Vec<_> = requesters.iter().map(|name| denial(name)).collect();
    let entries: Vec<_> = denials
        .iter()
        .map(|denial| (denial, seen(3, 300)))
        .collect();
    table.rows(&entries, Timestamp::from_second(NOW).unwrap())
}

#[test]
fn a_row_says_who_was_refused_what_and_the_header_comes_once() {
    let mut table = Table::new(None);
    assert_eq!(
        rows(&mut table, &["admin"]),
        "LAST SEEN   COUNT   REQUESTER   BINDING                        PERSONA           MISSING\n\
         5m          3       admin       RoleBinding red/red-vm-users   spectro-vm-user   \
         User bob: lists-namespaces, lists-templates; ServiceAccount ci/bot: lists-templates; and 2 more\n"
    );
    let more = rows(&mut table, &["a-requester-with-a-longer-name"]);
    assert!(
        more.starts_with("5m          3       a-requester"),
        "{more}"
    );
}

#[test]
fn no_line_is_wider_than_the_terminal_whatever_the_names_are() {
    let wide = "漢字".repeat(60);
    let names = ["admin", "a\u{1b}[31m\nb\u{202e}", &wide, "e\u{301}\u{301}"];
    for columns in [80, 100, 200] {
        let text = rows(&mut Table::new(Some(columns)), &names);
        assert_eq!(text.lines().count(), 1 + names.len());
        for line in text.lines() {
            assert!(line.width() <= columns, "{}: {line}", line.width());
            assert!(!line.chars().any(needs_escape), "{line:?}");
        }
    }
    // Where nothing helps, it is as narrow as can be.
    let text = rows(&mut Table::new(Some(10)), &names);
    assert!(text.lines().all(|line| line.width() <= 6 * 9 + 5 * 3));
}

#[test]
fn an_age_is_told_in_the_unit_that_people_would_use() {
    let now = Timestamp::from_second(NOW).unwrap();
    for (seconds, expected) in [
        (-5, "0s"),
        (119, "119s"),
        (120, "2m"),
        (7_199, "119m"),
        (7_200, "2h"),
        (172_800, "2d"),
    ] {
        assert_eq!(age(now, seen(1, seconds).last_seen), expected);
    }
}
