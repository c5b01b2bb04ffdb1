//! The reader for what API servers write says what `serde_json` says, or nothing.

use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_assert_eq, prop_oneof, proptest};
use proptest::sample::{Index, select};
use serde::de::{Deserialize, IgnoredAny};
use serde_json::{Value, json};

use super::super::frame::Frame;
use super::super::json::JsonObject;
use super::super::object::Object;
use super::super::reader::{Unread, read};
use super::super::requester::Requester;
use super::super::{BoxedObject, Review};
use super::{fixtures, review, with};
use crate::admission::text::Text;

type Document<'a> = JsonObject<Frame<'a, JsonObject<Object<'a>>>>;

/// All of a review that anybody can see, or why it contradicts itself.
fn shown<'a>(document: Document<'a>) -> String {
    let keep: fn(BoxedObject<'a>) -> Option<BoxedObject<'a>> = Some;
    format!("{:?}", Review::of_request(document.0.request.0, keep))
}

fn agree(text: &str) -> bool {
    match read::<Document<'_>>(text) {
        Err(Unread) => false,
        Ok(document) => {
            let by_serde = serde_json::from_str::<Document<'_>>(text);
            let by_serde = by_serde.unwrap_or_else(|error| panic!("{error}: {text}"));
            assert_eq!(shown(document), shown(by_serde), "{text}");
            true
        }
    }
}

#[test]
fn everything_that_an_api_server_sent_is_read() {
    for (name, body) in fixtures() {
        assert!(agree(str::from_utf8(&body).unwrap()), "{name}");
    }
}

#[test]
fn what_is_applied_is_read_with_its_last_configuration() {
    let last = r#"{"apiVersion":"v1","roleRef":{"name":"größe\\"},"x":[-1.5e3,"\u00fc\ud83d"]}"#;
    let annotations = json!({"kubectl.kubernetes.io/last-applied-configuration": last});
    let applied = with(
        review("UPDATE"),
        "/request/object/metadata/annotations",
        annotations,
    );
    assert!(agree(&applied.to_string()));
    assert!(agree(&serde_json::to_string_pretty(&applied).unwrap()));
}

#[test]
fn escapes_in_what_is_looked_at_are_left_to_serde_json() {
    let mut escaped = review("CREATE");
    escaped["request"]["userInfo"]["username"] = "a\"b".into();
    assert!(!agree(&escaped.to_string()));
}

/// Skipped by one, it is by the other.
#[track_caller]
fn skipped(text: &str, read_here: bool) {
    assert_eq!(read::<IgnoredAny>(text).is_ok(), read_here, "{text:?}");
    if read_here {
        serde_json::from_str::<IgnoredAny>(text).unwrap();
    }
}

#[test]
fn what_nobody_looks_at_must_be_json_all_the_same() {
    for json in [
        "0",
        "10",
        " [ ] ",
        "\t{\r\n}",
        "[0,[],{}]",
        r#"{"a":null,"b":[true,false]}"#,
        r#""""#,
        r#""\"\\\/\b\f\n\r\t\u00aF""#,
        r#"{"\"":{"a":[{"b":1}]}}"#,
        "\"\u{7f}ü🦀\"",
    ] {
        skipped(json, true);
    }
    for none in [
        "",
        " ",
        "nul",
        "nulll",
        "tru",
        "01",
        "1 2",
        "[",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1}",
        "]",
        "{",
        "{,}",
        r#"{"a"}"#,
        r#"{"a":}"#,
        r#"{"a":1,}"#,
        r#"{"a":1]"#,
        "{1:1}",
        r#"{"a" 1}"#,
        "\"",
        "\"\\",
        r#""\"#,
        r#""\x""#,
        r#""\u12"#,
        r#""\u12g4""#,
        "\"\n\"",
        "\"\0\"",
        "\u{a0}1",
        r#"{"a":1 "b":2}"#,
        "[1 2]",
        "{}{}",
        "'a'",
        "NaN",
    ] {
        skipped(none, false);
        serde_json::from_str::<IgnoredAny>(none).unwrap_err();
    }
}

#[test]
fn what_nobody_looks_at_may_have_sixty_three_levels() {
    let lists = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let maps = |depth| format!("{}0{}", r#"{"":"#.repeat(depth), "}".repeat(depth));
    for nested in [lists, maps] {
        skipped(&nested(63), true);
        skipped(&nested(1_000_000), false);
    }
    skipped(&maps(64), false);
}

/// What is like JSON.
fn tokens() -> impl Strategy<Value = String> {
    let token = select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\"a\"",
        "\"a\":",
        "{}",
        "[]",
        "null",
        "true",
        "false",
        "0",
        "1",
        "-1",
        "1.5",
        "1e9",
        "01",
        " ",
        "\n",
        "\\",
        "\\u00e9",
        "\\n",
        "ü",
        "\0",
        "\t",
        "\"group\":",
        "\"username\":\"a\"",
        "\"groups\":[\"b\",\"c\"]",
        "\"extra\":{\"d\":[\"e\"]}",
    ]);
    vec(token, 0..12).prop_map(|tokens| tokens.concat())
}

/// JSON, and what nearly is.
fn nearly_json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i16>().prop_map(Value::from),
        any::<f32>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    let value = leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((any::<String>(), inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    });
    (value, vec((any::<Index>(), any::<u8>()), 0..3)).prop_map(|(value, changes)| {
        let mut bytes = value.to_string().into_bytes();
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte & 0x7f;
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

fn same<'a, T: Deserialize<'a> + std::fmt::Debug>(text: &'a str) -> Result<(), String> {
    match (read::<T>(text), serde_json::from_str::<T>(text)) {
        (Err(Unread), _) => Ok(()),
        (Ok(here), Ok(there)) if format!("{here:?}") == format!("{there:?}") => Ok(()),
        (here, there) => Err(format!("{here:?} is {there:?}")),
    }
}

proptest! {
    #[test]
    fn what_is_read_of_anything_is_what_serde_json_reads(
        text in prop_oneof![tokens(), nearly_json(), any::<String>()],
    ) {
        prop_assert_eq!(same::<IgnoredAny>(&text), Ok(()));
        prop_assert_eq!(same::<Option<bool>>(&text), Ok(()));
        prop_assert_eq!(same::<Vec<Option<Text<'_>>>>(&text), Ok(()));
        let members = format!("{{{text}}}");
        prop_assert_eq!(same::<JsonObject<Requester<'_>>>(&text), Ok(()));
        prop_assert_eq!(same::<JsonObject<Requester<'_>>>(&members), Ok(()));
    }

    #[test]
    fn damaged_reviews_are_read_as_serde_json_reads_them_or_not(
        fixture in any::<Index>(),
        changes in vec((any::<Index>(), any::<Index>(), select(b"\"\\{}[],: 0nt".to_vec())), 1..4),
    ) {
        let fixtures = fixtures();
        let mut body = fixture.get(&fixtures).1.clone();
        for (from, to, byte) in changes {
            let (from, to) = (from.index(body.len()), to.index(body.len()));
            if byte == b' ' {
                body.drain(from.min(to)..from.max(to).min(from.min(to) + 40));
            } else {
                body[from] = byte;
            }
        }
        let text = String::from_utf8_lossy(&body);
        // Most are not; that those are that should be is what other tests hold.
        let _ = agree(&text);
    }
}

#[test]
fn the_damage_is_often_such_that_both_read_it() {
    let (_, body) = fixtures().swap_remove(0);
    let text = String::from_utf8(body).unwrap();
    let read = (0..text.len())
        .filter(|at| text.is_char_boundary(*at) && text.is_char_boundary(at + 1))
        .filter(|at| agree(&format!("{} {}", &text[..*at], &text[*at..])))
        .count();
    assert!(read > text.len() / 4, "{read} of {}", text.len());
}
