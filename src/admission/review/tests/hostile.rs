//! Bodies that are made to hurt.

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use proptest::sample::{Index, select};
use serde_json::{Value, json};

use super::{fixtures, review, with};
use crate::admission::review::decode;

/// Ok, or an error that says something, is short, and shows no control character.
#[track_caller]
fn survives(body: &[u8]) {
    if let Err(error) = decode(body) {
        let text = error.to_string();
        assert!(!text.is_empty());
        assert!(text.chars().count() < 2_000, "{text}");
        assert!(!text.chars().any(char::is_control), "{text:?}");
    }
}

fn nested_in(pointer: &str, nested: &str) -> String {
    with(review("CREATE"), pointer, json!("NESTED"))
        .to_string()
        .replace("\"NESTED\"", nested)
}

#[test]
fn deep_nesting_is_skipped_where_nobody_looks() {
    let depth = 100_000;
    let lists = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let maps = format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
    for nested in [&lists, &maps] {
        for pointer in [
            "/other",
            "/request/options",
            "/request/object/metadata/managedFields",
        ] {
            decode(nested_in(pointer, nested).as_bytes()).unwrap();
        }
    }
}

#[test]
fn deep_nesting_is_refused_where_something_else_is_expected() {
    for nested in ["[".repeat(100_000), r#"{"a":"#.repeat(100_000)] {
        for pointer in [
            "/request",
            "/request/uid",
            "/request/object",
            "/request/object/subjects",
        ] {
            let body = nested_in(pointer, &nested);
            decode(body.as_bytes()).unwrap_err();
            survives(body.as_bytes());
        }
        decode(nested.as_bytes()).unwrap_err();
    }
}

#[test]
fn an_error_about_a_huge_or_hostile_value_is_short_and_printable() {
    let hostile = "\u{1b}[2J\u{202e}\u{9b}".repeat(100_000);
    for pointer in [
        "/apiVersion",
        "/request/operation",
        "/request/kind/version",
        "/request/dryRun",
    ] {
        let body = with(review("CREATE"), pointer, json!(hostile)).to_string();
        let error = decode(body.as_bytes()).unwrap_err().to_string();
        assert!(error.chars().count() < 500, "{error}");
        assert!(
            !error.contains(['\u{1b}', '\u{202e}', '\u{9b}']),
            "{error:?}"
        );
        survives(body.as_bytes());
    }
}

#[test]
fn a_binding_of_34000_subjects_is_read() {
    let alice = json!({"kind": "User", "name": "alice", "apiGroup": "rbac.authorization.k8s.io"});
    let subjects = Value::Array(vec![alice; 34_000]);
    let body = with(review("CREATE"), "/request/object/subjects", subjects).to_string();
    let review = decode(body.as_bytes()).unwrap();
    assert_eq!(review.binding().unwrap().subjects.len(), 34_000);
}

#[test]
fn a_body_cut_short_anywhere_is_refused() {
    let body = review("UPDATE").to_string();
    for end in 0..body.len() {
        decode(&body.as_bytes()[..end]).unwrap_err();
        survives(&body.as_bytes()[..end]);
    }
}

#[derive(Clone, Debug)]
enum Mutation {
    Replace(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let piece = prop_oneof![
        vec(any::<u8>(), 1..4),
        select(vec![
            "null", "{}", "[", "]", "\"", "\\u0000", "\\ud800", "5", ",", ":", "\n"
        ])
        .prop_map(|piece| piece.as_bytes().to_vec()),
        Just(br#""uid":"2","#.to_vec()),
    ];
    prop_oneof![
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Mutation::Replace(at, byte)),
        (any::<Index>(), piece).prop_map(|(at, piece)| Mutation::Insert(at, piece)),
        (any::<Index>(), 1..40_usize).prop_map(|(at, count)| Mutation::Remove(at, count)),
    ]
}

fn mutated(mut body: Vec<u8>, mutations: Vec<Mutation>) -> Vec<u8> {
    for mutation in mutations {
        if body.is_empty() {
            return body;
        }
        match mutation {
            Mutation::Replace(at, byte) => *at.get_mut(&mut body) = byte,
            Mutation::Insert(at, piece) => {
                let at = at.index(body.len());
                body.splice(at..at, piece);
            }
            Mutation::Remove(at, count) => {
                let at = at.index(body.len());
                body.drain(at..body.len().min(at + count));
            }
        }
    }
    body
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(body in vec(any::<u8>(), 0..300)) {
        survives(&body);
    }

    #[test]
    fn a_mutated_review_never_panics(
        fixture in select(fixtures()),
        mutations in vec(mutation(), 1..6),
    ) {
        survives(&mutated(fixture.1, mutations));
    }

    #[test]
    fn any_names_come_out_as_serde_json_reads_them(
        user in any::<String>(),
        names in vec(any::<String>(), 0..5),
    ) {
        let group = |name| json!({"kind": "Group", "name": name});
        let subjects: Vec<_> = names.iter().map(group).collect();
        let body = with(review("CREATE"), "/request/object/subjects", json!(subjects));
        let body = with(body, "/request/userInfo/username", json!(user)).to_string();
        let review = decode(body.as_bytes()).unwrap();
        prop_assert_eq!(&review.requester.username, user.as_str());
        let binding = review.binding().unwrap();
        let read: Vec<&str> = binding.subjects.iter().map(|subject| subject.name).collect();
        prop_assert!(read == names);
    }
}
