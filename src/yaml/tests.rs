//! What the reader as a whole promises.

use std::fmt::Write as _;

use proptest::prelude::{ProptestConfig, any, prop, proptest};

use super::{MAX_BROKEN_DOCUMENTS, Node, Value, documents};

/// A tree as text: every key and every leaf with its position.
fn outline(node: &Node<'_>) -> String {
    let place = node.position;
    match &node.value {
        Value::Null => format!("{place} null"),
        Value::Boolean { value, text } => format!("{place} {value} `{text}`"),
        Value::Number(text) => format!("{place} number {text}"),
        Value::String(text) => format!("{place} {text:?}"),
        Value::Sequence(items) => {
            let items: Vec<_> = items.iter().map(outline).collect();
            format!("{place} [{}]", items.join(", "))
        }
        Value::Mapping(mapping) => {
            let entries: Vec<_> = mapping
                .entries()
                .map(|entry| {
                    format!(
                        "{} {}= {}",
                        entry.key.position,
                        entry.key.text,
                        outline(&entry.value)
                    )
                })
                .collect();
            format!("{place} {{{}}}", entries.join(", "))
        }
    }
}

/// Every document of a text in a line, faults and errors included.
fn read(text: &str) -> Vec<String> {
    documents(text)
        .map(|document| match document {
            Ok(document) => {
                let mut line = outline(&document.root);
                for fault in document.faults {
                    write!(line, "; {fault}").unwrap();
                }
                line
            }
            Err(error) => format!("error: {error}"),
        })
        .collect()
}

#[test]
fn every_key_and_value_has_its_place() {
    assert_eq!(
        read("a: 1\nb:\n  - x\n  - {c: 'on', d: on}\n"),
        [
            r#"1:1 {1:1 a= 1:4 number 1, 2:1 b= 3:3 [3:5 "x", 4:5 {4:6 c= 4:9 "on", 4:15 d= 4:18 true `on`}]}"#
        ]
    );
}

#[test]
fn columns_count_characters() {
    assert_eq!(read("é: ü\n"), [r#"1:1 {1:1 é= 1:4 "ü"}"#]);
}

#[test]
fn quotes_and_tags_make_strings() {
    for (text, expected) in [
        ("'12'", r#"1:1 "12""#),
        ("\"yes\"", r#"1:1 "yes""#),
        ("!!str 12", r#"1:7 "12""#),
        ("!custom on", r#"1:9 "on""#),
        ("!!int '12'", "1:7 number 12"),
        ("|\n  on\n", "2:3 \"on\\n\""),
    ] {
        assert_eq!(read(text), [expected], "{text}");
    }
}

#[test]
fn a_byte_order_mark_and_carriage_returns_change_no_position() {
    assert_eq!(read("\u{feff}a: x\r\nb: y\r\n"), read("a: x\nb: y\n"));
}

#[test]
fn a_key_without_a_value_has_null_on_its_own_line() {
    assert_eq!(
        read("a:\nb: 1\n"),
        ["1:1 {1:1 a= 1:2 null, 2:1 b= 2:4 number 1}"]
    );
}

#[test]
fn json_is_read_with_its_escapes_and_its_big_numbers() {
    assert_eq!(
        read(
            "{\n\t\"a\\/b\": \"\\ud83d\\ude00\\u00e9\\n\",\n\t\"n\": 123456789012345678901234567890, \"t\": true}"
        ),
        [
            "1:1 {2:2 a/b= 2:10 \"😀é\\n\", 3:2 n= 3:7 number 123456789012345678901234567890, 3:39 t= 3:44 true `true`}"
        ]
    );
}

#[test]
fn json_values_may_follow_each_other_without_separators() {
    assert_eq!(
        read("{\"a\": 1}\n  {\"b\": 2} {\"c\":\n 3}"),
        [
            "1:1 {1:2 a= 1:7 number 1}",
            "2:3 {2:4 b= 2:9 number 2}",
            "2:12 {2:13 c= 3:2 number 3}"
        ]
    );
}

#[test]
fn a_broken_document_hides_neither_those_before_it_nor_those_after_it() {
    assert_eq!(
        read("a: 1\n---\nb: [1, 2\n---\nc: 3\n"),
        [
            "1:1 {1:1 a= 1:4 number 1}",
            "error: line 3, column 4: unclosed bracket '['",
            "5:1 {5:1 c= 5:4 number 3}"
        ]
    );
}

#[test]
fn documents_with_nothing_in_them_are_null() {
    assert_eq!(read(""), Vec::<String>::new());
    assert_eq!(read("# only a comment\n"), Vec::<String>::new());
    assert_eq!(
        read("---\n---\na: 1\n"),
        ["1:4 null", "3:1 {3:1 a= 3:4 number 1}"]
    );
}

#[test]
fn a_tab_that_indents_is_an_error_with_its_place() {
    assert_eq!(
        read("a:\n\tb: 1\n"),
        ["error: line 2, column 2: tabs disallowed within this context (block indentation)"]
    );
}

#[test]
fn a_repeated_key_is_a_fault_and_the_last_value_counts() {
    let text = "a: 1\nb: 2\na: 3\n";
    assert_eq!(
        read(text),
        [
            "1:1 {1:1 a= 1:4 number 1, 2:1 b= 2:4 number 2, 3:1 a= 3:4 number 3}; line 3, column 1: the key \"a\" is already on line 1"
        ]
    );
    let document = documents(text).next().unwrap().unwrap();
    let value = document.root.as_mapping().unwrap().get("a").unwrap();
    assert_eq!(value.value, Value::Number("3".into()));
}

#[test]
fn a_key_that_is_no_scalar_is_a_fault() {
    assert_eq!(
        read("{[a]: 1, b: 2}"),
        ["1:1 {1:10 b= 1:13 number 2}; line 1, column 2: only a scalar can be a key"]
    );
}

#[test]
fn an_alias_repeats_its_anchor_and_stands_where_it_stands() {
    assert_eq!(
        read("a: &x [1]\nb: *x\n"),
        ["1:1 {1:1 a= 1:7 [1:8 number 1], 2:1 b= 2:4 [1:8 number 1]}"]
    );
}

#[test]
fn an_alias_without_an_anchor_or_to_itself_is_an_error() {
    assert_eq!(
        read("a: *x\n"),
        ["error: line 1, column 4: while parsing node, found unknown anchor"]
    );
    assert_eq!(
        read("a: &x [*x]\n"),
        ["error: line 1, column 8: this alias refers to what it is itself part of"]
    );
}

#[test]
fn merged_entries_give_way_to_those_written_and_to_those_merged_before() {
    assert_eq!(
        read("- &x {a: 1, b: 1}\n- &y {b: 2, c: 2}\n- {<<: [*x, *y], a: 0}\n")
            .first()
            .unwrap()
            .split("3:3 ")
            .last()
            .unwrap(),
        "{3:18 a= 3:21 number 0, 1:13 b= 1:16 number 1, 2:13 c= 2:16 number 2}]"
    );
}

#[test]
fn only_mappings_can_be_merged() {
    assert_eq!(
        read("{<<: 1}"),
        ["1:1 {}; line 1, column 6: `<<` merges a mapping or a list of mappings, not a number"]
    );
}

#[test]
fn aliases_of_aliases_end_at_their_budget() {
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..30 {
        let alias = format!("*a{}", level - 1);
        writeln!(
            text,
            "a{level}: &a{level} [{}]",
            [alias.as_str(); 9].join(", ")
        )
        .unwrap();
    }
    let lines = read(&text);
    assert_eq!(lines.len(), 1);
    assert!(lines[0].ends_with("the aliases of this text repeat too much; write it out"));
}

#[test]
fn aliases_nest_no_deeper_than_a_stack_can_bear() {
    let (open, close) = ("[".repeat(200), "]".repeat(200));
    let mut text = format!("- &a0 {open}{close}\n");
    for level in 1..40 {
        writeln!(text, "- &a{level} {open}*a{}{close}", level - 1).unwrap();
    }
    let lines = read(&text);
    assert!(
        lines[0].ends_with("this alias nests too deep"),
        "{}",
        lines[0]
    );
}

#[test]
fn nesting_of_any_depth_ends_in_an_error() {
    for text in [
        "[".repeat(10_000),
        "{a: ".repeat(10_000),
        "- ".repeat(10_000),
        "{\"a\":".repeat(10_000) + "1" + &"}".repeat(10_000),
        "? ".repeat(10_000),
        (0..10_000).fold(String::new(), |text, depth| {
            text + &" ".repeat(depth) + "a:\n"
        }),
    ] {
        let lines = read(&text);
        assert!(lines[0].starts_with("error: "), "{:.60}", lines[0]);
    }
}

#[test]
fn a_long_flat_list_is_no_problem() {
    let text = "subjects:\n".to_owned()
        + &(0..34_000).fold(String::new(), |mut text, number| {
            write!(text, "- kind: User\n  name: user-{number}\n").unwrap();
            text
        });
    let document = documents(&text).next().unwrap().unwrap();
    let subjects = document.root.as_mapping().unwrap().get("subjects").unwrap();
    assert_eq!(subjects.as_sequence().unwrap().len(), 34_000);
}

#[test]
fn a_text_with_too_many_broken_documents_is_given_up() {
    let lines = read(&"---\n[\n".repeat(MAX_BROKEN_DOCUMENTS * 2));
    assert_eq!(lines.len(), MAX_BROKEN_DOCUMENTS);
    assert!(lines.last().unwrap().ends_with("the rest is not read"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn no_text_whatever_panics(text in any::<String>()) {
        read(&text);
    }

    #[test]
    fn no_text_of_yaml_characters_panics(text in "[-\\[\\]{}:,?&*!|>'\"%@` \t\r\n#ab<0x1~.\u{feff}]{0,80}") {
        read(&text);
    }

    #[test]
    fn strings_survive_json(texts in prop::collection::vec(any::<String>(), 0..4)) {
        let json = serde_json::to_string(&texts).unwrap();
        let document = documents(&json).next().unwrap().unwrap();
        let read: Vec<_> = document.root.as_sequence().unwrap().iter().map(|node| node.as_str().unwrap().to_owned()).collect();
        assert_eq!(read, texts);
    }
}
