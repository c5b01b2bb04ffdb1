//! What the pages say, as far as it can be tried without a cluster.

use std::collections::BTreeSet;
use std::path::Path;

use crate::chart::{folder, helm};
use crate::kept;
use crate::support::{clean_command, fresh_folder, run};

const PAGES: [&str; 8] = [
    "README.md",
    "SECURITY.md",
    "certs/README.md",
    "charts/bindguard/README.md",
    "docs/alerts.md",
    "docs/install.md",
    "docs/operations.md",
    "docs/security.md",
];

/// The commands of a page: indented lines, those that end with a backslash joined.
fn commands(page: &str) -> Vec<String> {
    let text = kept::read(page).replace("\\\n", " ");
    let blocks = text.lines().filter_map(|line| line.strip_prefix("    "));
    blocks.map(|line| line.trim().to_owned()).collect()
}

/// The flags of a command line that give values to a chart, and what follows each.
fn values(line: &str) -> Vec<String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let mut flags = Vec::new();
    for pair in words.windows(2) {
        match pair[0] {
            "--set" => flags.extend([
                "--set".to_owned(),
                pair[1].replace("REGISTRY", "registry.example.com"),
            ]),
            "--values" => flags.extend([
                "--values".to_owned(),
                kept::path(pair[1]).display().to_string(),
            ]),
            "--set-file" => {
                let (key, file) = pair[1].split_once('=').unwrap();
                let path = fresh_folder("docs").join(file);
                std::fs::write(&path, "-----BEGIN CERTIFICATE-----\n").unwrap();
                flags.extend(["--set-file".to_owned(), format!("{key}={}", path.display())]);
            }
            _ => {}
        }
    }
    flags
}

#[test]
fn every_helm_command_has_values_that_the_chart_takes() {
    let mut tried = 0;
    for page in PAGES {
        for line in commands(page) {
            if !line.starts_with("helm install") && !line.starts_with("helm upgrade") {
                continue;
            }
            assert!(
                line.contains(" bindguard charts/bindguard "),
                "{page}: {line}"
            );
            let chart = folder();
            let flags = values(&line);
            let mut args = vec!["template", "bindguard", chart.to_str().unwrap()];
            args.extend(flags.iter().map(String::as_str));
            helm(&args).expect_success();
            tried += usize::from(!flags.is_empty());
        }
    }
    assert!(tried >= 8, "{tried}");
}

#[test]
fn every_value_that_is_named_in_the_text_exists() {
    let values: serde_json::Value =
        serde_saphyr::from_str(&kept::read("charts/bindguard/values.yaml")).unwrap();
    let mut named = 0;
    for page in PAGES {
        let text = kept::read(page);
        for word in text.split('`').skip(1).step_by(2) {
            let name = word.split('=').next().unwrap();
            let Some((section, _)) = name.split_once('.') else {
                continue;
            };
            if name.contains(|c: char| !c.is_ascii_alphanumeric() && c != '.')
                || values.get(section).is_none()
            {
                continue;
            }
            named += 1;
            let pointer = format!("/{}", name.replace('.', "/"));
            assert!(
                values.pointer(&pointer).is_some(),
                "{page}: there is no value {name}"
            );
        }
    }
    assert!(named > 10, "{named}");
}

#[test]
fn every_command_of_bindguard_is_one() {
    let mut known = BTreeSet::new();
    for page in PAGES.into_iter().chain(["docs/policy.md"]) {
        let text = kept::read(page);
        let inline = text.split('`').skip(1).step_by(2).map(str::to_owned);
        for line in commands(page).into_iter().chain(inline) {
            let Some(rest) = line.strip_prefix("bindguard ") else {
                continue;
            };
            let words = rest
                .split_whitespace()
                .take_while(|word| word.chars().all(char::is_alphabetic));
            let words: Vec<String> = words.take(2).map(str::to_owned).collect();
            if !words.is_empty() {
                known.insert(words);
            }
        }
    }
    assert!(known.len() >= 5, "{known:?}");
    for words in known {
        let home = fresh_folder("docs");
        let mut command = clean_command(Path::new(env!("CARGO_BIN_EXE_bindguard")), &home);
        command.args(&words).arg("--help");
        run(format!("bindguard {words:?}"), command, "").expect_success();
    }
}

#[test]
fn every_metric_that_is_named_is_exported() {
    let page = kept::read("docs/metrics.md");
    let exported: BTreeSet<&str> = page
        .split('`')
        .filter(|word| word.starts_with("bindguard_"))
        .collect();
    let mut named = 0;
    for page in PAGES {
        let text = kept::read(page);
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        for word in words.filter(|word| word.starts_with("bindguard_")) {
            let family = word.strip_suffix("_bucket").unwrap_or(word);
            assert!(
                exported.contains(family),
                "{page}: there is no metric {word}"
            );
            named += 1;
        }
    }
    // Those of alerts and of the dashboard are looked at in `tests/alerts`.
    assert!(named > 10, "{named}");
}

#[test]
fn every_link_leads_somewhere() {
    let mut followed = 0;
    for page in PAGES
        .into_iter()
        .chain(["docs/policy.md", "ARCHITECTURE.md", "CONTRIBUTING.md"])
    {
        let text = kept::read(page);
        for link in text.split("](").skip(1) {
            let link = link.split(')').next().unwrap();
            if link.starts_with("https://") {
                continue;
            }
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() {
                kept::path(page)
            } else {
                kept::path(page).parent().unwrap().join(file)
            };
            let there = std::fs::read(&target);
            let there = there.unwrap_or_else(|error| panic!("{page}: {link}: {error}"));
            let there = String::from_utf8_lossy(&there);
            let mut headings =
                there
                    .lines()
                    .filter_map(|line| line.split_once("# "))
                    .map(|(_, text)| {
                        let kept = text.to_lowercase().replace(' ', "-");
                        kept.replace(|c: char| !c.is_alphanumeric() && c != '-', "")
                    });
            assert!(
                heading.is_empty() || headings.any(|found| found == heading),
                "{page}: {link}"
            );
            followed += 1;
        }
    }
    assert!(followed > 15, "{followed}");
}
