//! Links between the pages.

use std::collections::BTreeMap;

use crate::{pages, path, read};

/// The text of a page without code, in which brackets mean something else.
fn prose(text: &str) -> String {
    let mut inside = false;
    let mut prose = String::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            inside = !inside;
        } else if !inside && !line.starts_with("    ") {
            for (number, part) in line.split('`').enumerate() {
                prose.push_str(if number % 2 == 0 { part } else { "code" });
            }
            prose.push('\n');
        }
    }
    prose
}

/// Where the links of a page lead.
fn links(text: &str) -> Vec<String> {
    let prose = prose(text);
    let parts = prose.split("](").skip(1);
    parts
        .map(|part| part.split(')').next().unwrap().to_owned())
        .collect()
}

/// The names by which headings can be linked to, as GitHub makes them.
fn anchors(text: &str) -> Vec<String> {
    let mut inside = false;
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut anchors = Vec::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            inside = !inside;
        }
        let heading = line.trim_start_matches('#');
        if inside || heading == line || !heading.starts_with(' ') {
            continue;
        }
        let name: String = heading
            .trim()
            .to_lowercase()
            .chars()
            .filter(|c| c.is_alphanumeric() || " -_".contains(*c))
            .map(|c| if c == ' ' { '-' } else { c })
            .collect();
        let times = seen.entry(name.clone()).or_default();
        anchors.push(if *times == 0 {
            name
        } else {
            format!("{name}-{times}")
        });
        *times += 1;
    }
    anchors
}

#[test]
fn every_relative_link_leads_to_a_file_and_a_heading_that_exist() {
    let mut followed = 0;
    let mut dead = Vec::new();
    for page in pages() {
        let text = read(&page);
        for link in links(&text) {
            if link.starts_with("https://") || link.starts_with("http://") {
                continue;
            }
            let (file, heading) = link.split_once('#').unwrap_or((&link, ""));
            let target = if file.is_empty() {
                path(&page)
            } else {
                path(&page).parent().unwrap().join(file)
            };
            let there = if heading.is_empty() {
                target.exists()
            } else {
                std::fs::read_to_string(&target)
                    .is_ok_and(|text| anchors(&text).iter().any(|anchor| anchor == heading))
            };
            if !there {
                dead.push(format!("{page}: {link}"));
            }
            followed += 1;
        }
    }
    assert!(dead.is_empty(), "dead links: {dead:#?}");
    assert!(followed > 60, "{followed}");
}

#[test]
fn every_page_can_be_reached_from_the_readme() {
    let mut reached = vec!["README.md".to_owned()];
    let mut at = 0;
    while at < reached.len() {
        let page = reached[at].clone();
        at += 1;
        for link in links(&read(&page)) {
            let file = link.split('#').next().unwrap();
            let target = path(&page).parent().unwrap().join(file);
            let Ok(target) = target.canonicalize() else {
                continue;
            };
            let Ok(name) = target.strip_prefix(path("").canonicalize().unwrap()) else {
                continue;
            };
            let name = name.display().to_string();
            let is_page = target
                .extension()
                .is_some_and(|extension| extension == "md");
            if is_page && !reached.contains(&name) {
                reached.push(name);
            }
        }
    }
    for page in pages() {
        let is_for_people =
            page.starts_with("docs/") || !page.contains('/') || page.starts_with("charts/");
        assert!(
            !is_for_people || reached.contains(&page),
            "no link leads to {page}"
        );
    }
}

#[test]
fn links_and_anchors_are_read_as_github_reads_them() {
    assert_eq!(
        links("a [b](c.md#d) `[no](x)` and [e](#f)\n\n    [no](y)\n"),
        ["c.md#d", "#f"]
    );
    let text = "# If it: stands `in` the way?\n## A\n```\n# no\n```\n## A\n#no\n";
    assert_eq!(anchors(text), ["if-it-stands-in-the-way", "a", "a-1"]);
}
