//! The table of values in the chart's README, made from the comments of `values.yaml`.

use std::fmt::Write as _;

use serde_json::Value;

use crate::kept;

const README: &str = "charts/bindguard/README.md";
const BEGIN: &str = "<!-- made from values.yaml -->\n";
const END: &str = "<!-- end -->\n";

/// A value with a comment above it.
#[derive(Debug, PartialEq)]
struct Described {
    path: String,
    description: String,
}

/// Reads the comments of a YAML text, each with the path of the key below it. A comment with an empty
/// line below it is about nothing in particular.
fn described(text: &str) -> Vec<Described> {
    let mut found = Vec::new();
    let mut comment: Vec<&str> = Vec::new();
    let mut path: Vec<(usize, &str)> = Vec::new();
    for line in text.lines() {
        let content = line.trim_start();
        if let Some(words) = content.strip_prefix("# ") {
            comment.push(words);
            continue;
        }
        let is_key = !content.starts_with('-') && content.contains(':');
        if is_key {
            let indent = line.len() - content.len();
            path.retain(|(above, _)| *above < indent);
            path.push((indent, content.split(':').next().unwrap()));
            if !comment.is_empty() {
                found.push(Described {
                    path: path
                        .iter()
                        .map(|(_, key)| *key)
                        .collect::<Vec<_>>()
                        .join("."),
                    description: comment.join(" "),
                });
            }
        }
        comment.clear();
    }
    found
}

fn values() -> Value {
    serde_saphyr::from_str(&kept::read("charts/bindguard/values.yaml")).unwrap()
}

fn value_at<'v>(values: &'v Value, path: &str) -> &'v Value {
    let pointer = format!("/{}", path.replace('.', "/"));
    values
        .pointer(&pointer)
        .unwrap_or_else(|| panic!("there is no {path}"))
}

fn table() -> String {
    let values = values();
    let mut table = "| value | default | what it is |\n|---|---|---|\n".to_owned();
    for Described { path, description } in described(&kept::read("charts/bindguard/values.yaml")) {
        let value = value_at(&values, &path);
        let default = match value {
            Value::Object(fields)
                if !fields.is_empty() && fields.values().any(Value::is_object) =>
            {
                String::new()
            }
            Value::String(text) if !text.is_empty() => format!("`{text}`"),
            value => format!("`{value}`"),
        };
        let default = if default.len() > 80 {
            "see values.yaml".to_owned()
        } else {
            default
        };
        let description = description.replace('|', "\\|");
        writeln!(table, "| `{path}` | {default} | {description} |").unwrap();
    }
    table
}

#[test]
fn the_readme_has_the_values_as_they_are_commented() {
    let readme = kept::read(README);
    let (before, rest) = readme.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    kept::check(README, &format!("{before}{BEGIN}{}{END}{after}", table()));
}

#[test]
fn every_value_has_a_comment_or_is_part_of_one_that_has() {
    let paths: Vec<String> = described(&kept::read("charts/bindguard/values.yaml"))
        .into_iter()
        .map(|described| described.path)
        .collect();
    let mut bare = Vec::new();
    collect_bare(&values(), "", &paths, &mut bare);
    assert!(bare.is_empty(), "no comment: {bare:?}");
}

fn collect_bare(value: &Value, path: &str, described: &[String], bare: &mut Vec<String>) {
    for (key, value) in value.as_object().unwrap() {
        let path = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        };
        match value {
            Value::Object(fields) if !fields.is_empty() => {
                let is_whole = described.contains(&path)
                    && !described
                        .iter()
                        .any(|other| other.starts_with(&format!("{path}.")));
                if !is_whole {
                    collect_bare(value, &path, described, bare);
                }
            }
            _ if described.contains(&path) => {}
            _ => bare.push(path),
        }
    }
}

#[test]
fn comments_are_read_with_the_path_of_what_they_are_about() {
    let text = "# About the file.\n\n# One\n# more.\na: 1\nb:\n  # Two: with a colon.\n  c: [x]\n  d:\n    - e: 1\n# Three.\nf: {}\n";
    let told: Vec<(String, String)> = described(text)
        .into_iter()
        .map(|one| (one.path, one.description))
        .collect();
    let expected = [
        ("a", "One more."),
        ("b.c", "Two: with a colon."),
        ("f", "Three."),
    ];
    assert_eq!(
        told,
        expected.map(|(path, text)| (path.to_owned(), text.to_owned()))
    );
}
