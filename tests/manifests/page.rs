//! The page for a browser. It is written so that a reader of XML takes it as well.

use std::fmt::Write as _;

use roxmltree::{Document, Node, ParsingOptions};

use super::command::BINDING;
use super::sandbox::Sandbox;

const HOSTILE: &str =
    "</pre><script>alert(1)</script><img src=x onerror=alert(1)>&lt;\" onfocus='x";

/// What `check` prints as HTML of bindings to these users.
fn page(users: &[&str]) -> String {
    let sandbox = Sandbox::new();
    let mut subjects = String::new();
    for user in users {
        let quoted = serde_json::to_string(user).unwrap();
        let _ = writeln!(subjects, "- {{kind: User, name: {quoted}}}");
    }
    sandbox.write(
        "m.yaml",
        BINDING.replace("- {kind: User, name: alice}\n", &subjects),
    );
    let output = sandbox.run(&["check", "-f", "m.yaml", "-o", "html"]);
    assert_eq!(
        output.status.code(),
        Some(i32::from(!users.is_empty())),
        "{output}"
    );
    output.stdout
}

fn parsed(page: &str) -> Document<'_> {
    let options = ParsingOptions {
        allow_dtd: true,
        ..ParsingOptions::default()
    };
    Document::parse_with_options(page, options).unwrap_or_else(|error| panic!("{error}: {page}"))
}

fn elements<'a>(document: &'a Document<'_>, name: &'static str) -> Vec<Node<'a, 'a>> {
    let all = document.descendants();
    all.filter(|node| node.has_tag_name(name)).collect()
}

#[test]
fn a_page_has_each_finding_with_its_fix() {
    let text = page(&["alice", "bob"]);
    let document = parsed(&text);
    let titles: Vec<_> = elements(&document, "h3")
        .iter()
        .map(|node| node.text().unwrap())
        .collect();
    assert_eq!(titles, ["User alice", "User bob"]);
    let texts = elements(&document, "pre");
    assert_eq!(texts[0].text(), Some("bindguard fix -f m.yaml"));
    let fixes = &texts[1..];
    assert_eq!(fixes.len(), 2);
    for (fix, name) in fixes.iter().zip(["alice", "bob"]) {
        let fix = fix.text().unwrap();
        assert!(
            fix.starts_with("# needed for RoleBinding dev/vm\napiVersion: "),
            "{fix}"
        );
        assert_eq!(
            fix.matches(&format!("  name: {name}\n")).count(),
            2,
            "{fix}"
        );
    }
    let coverage = elements(&document, "tbody")[0];
    let cells: Vec<_> = coverage
        .descendants()
        .filter_map(|node| node.text())
        .collect();
    assert!(cells.contains(&"0 of 2"), "{cells:?}");
    assert!(text.contains("m.yaml:6:3"), "{text}");
}

#[test]
fn hostile_names_are_text_and_nothing_else() {
    let text = page(&[HOSTILE, "\u{1b}[31m\u{202e}"]);
    let document = parsed(&text);
    assert_eq!(elements(&document, "script").len(), 1);
    assert_eq!(elements(&document, "img").len(), 0);
    let on = |name: &str| name.starts_with("on");
    let mut attributes = document.descendants().flat_map(|node| node.attributes());
    assert!(attributes.all(|attribute| !on(attribute.name())), "{text}");
    let title = elements(&document, "h3")[0].text().unwrap();
    assert!(title.contains("<script>alert(1)</script>"), "{title}");
    assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text}");
    let second = elements(&document, "h3")[1].text().unwrap();
    assert_eq!(second, "User \"\\u{1b}[31m\\u{202e}\"");
}

#[test]
fn a_page_needs_nothing_but_itself_and_lets_nothing_else_run() {
    let text = page(&["alice"]);
    let document = parsed(&text);
    for node in document.descendants() {
        for attribute in ["src", "href", "action", "style", "srcset"] {
            assert_eq!(node.attribute(attribute), None, "{text}");
        }
    }
    let metas = elements(&document, "meta");
    let policy = metas
        .iter()
        .find(|node| node.attribute("http-equiv") == Some("Content-Security-Policy"));
    let policy = policy.and_then(|node| node.attribute("content")).unwrap();
    assert!(
        policy.starts_with("default-src 'none'; style-src 'sha256-"),
        "{policy}"
    );
    assert!(!policy.contains("unsafe"), "{policy}");
    assert!(
        !text.contains("http://") && !text.contains("https://"),
        "{text}"
    );
}

#[test]
fn everything_that_can_be_used_has_a_name() {
    let text = page(&["alice"]);
    let document = parsed(&text);
    let root = document.root_element();
    assert_eq!(root.attribute("lang"), Some("en"));
    for name in ["input", "select"] {
        for node in elements(&document, name) {
            assert!(
                node.ancestors().any(|above| above.has_tag_name("label")),
                "{text}"
            );
        }
    }
    // What is drawn is told beside it.
    for drawing in elements(&document, "svg") {
        assert_eq!(drawing.attribute("aria-hidden"), Some("true"));
    }
}

#[test]
fn a_page_without_findings_says_so() {
    let text = page(&[]);
    assert!(
        text.contains("<p>no findings: 0 subjects of 1 persona binding in 1 file</p>"),
        "{text}"
    );
    assert_eq!(elements(&parsed(&text), "li").len(), 0);
}
