//! YAML.

use bindguard::yaml::{Node, documents};

/// Reading ends, and all that is read lies in the text.
pub fn yaml(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else {
        return;
    };
    let lines = u32::try_from(text.split(['\n', '\r']).count()).expect("a short text");
    for document in documents(text) {
        match document {
            Ok(document) => check(&document.root, lines),
            Err(error) => {
                let raw = |character: char| character.is_control() && character != '\n';
                let text = error.to_string();
                assert!(!text.is_empty() && !text.contains(raw), "{text:?}");
            }
        }
    }
}

fn check(node: &Node<'_>, lines: u32) {
    assert!(
        (1..=lines).contains(&node.position.line),
        "{:?}",
        node.position
    );
    assert!(node.position.column >= 1);
    assert!(!node.description().is_empty());
    for item in node.as_sequence().into_iter().flatten() {
        check(item, lines);
    }
    if let Some(mapping) = node.as_mapping() {
        for entry in mapping.entries() {
            check(&entry.value, lines);
        }
    }
}
