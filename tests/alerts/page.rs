//! The page on alerts, held against the rules.

use crate::promtool::{alerts, read};

const PAGE: &str = "docs/alerts.md";

/// The sections on alerts: heading and text.
fn sections() -> Vec<(String, String)> {
    let page = read(PAGE);
    page.split("\n### ")
        .skip(1)
        .map(|section| {
            let (heading, text) = section.split_once('\n').unwrap();
            let text = text.split("\n## ").next().unwrap();
            (heading.to_owned(), text.trim().to_owned())
        })
        .collect()
}

#[test]
fn each_alert_has_its_section_and_each_section_its_alert_in_the_same_order() {
    let headings: Vec<String> = sections().into_iter().map(|(heading, _)| heading).collect();
    let names: Vec<String> = alerts().into_iter().map(|alert| alert.name).collect();
    assert_eq!(headings, names);
}

#[test]
fn each_section_begins_with_how_bad_it_is_and_says_more() {
    for ((name, text), alert) in sections().into_iter().zip(alerts()) {
        let severity = alert.text("/labels/severity");
        let mut word = severity.to_owned();
        word[..1].make_ascii_uppercase();
        let rest = text.strip_prefix(&format!("{word}. "));
        let rest = rest.unwrap_or_else(|| panic!("{name} is {severity}: {text}"));
        assert!(rest.len() > 60, "{name}: {text}");
    }
}
