//! Figures that the README claims.

use crate::read;

const UNITS: [&str; 9] = [
    "ms", "µs", "s", "MB", "kB", "MiB", "minutes", "seconds", "%",
];

/// The paragraphs of a text that are no code.
fn paragraphs(text: &str) -> Vec<String> {
    let parts = text.split("\n\n").map(str::to_owned);
    parts
        .filter(|part| !part.starts_with("    ") && !part.contains("```"))
        .collect()
}

/// Whether something is measured in a text: a number with a unit behind it.
fn has_figure(text: &str) -> bool {
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || "(),;|".contains(c))
        .filter(|word| !word.is_empty())
        .collect();
    words.windows(2).any(|pair| {
        let number = pair[0]
            .chars()
            .all(|c| c.is_ascii_digit() || ".,".contains(c));
        number && UNITS.contains(&pair[1].trim_end_matches(['.', ':']))
    })
}

#[test]
fn every_figure_of_the_readme_names_the_command_that_gives_it_or_the_flag_that_sets_it() {
    for paragraph in paragraphs(&read("README.md")) {
        let names_a_source = ["`make ", "docs/benchmarks.md", "`--"]
            .iter()
            .any(|word| paragraph.contains(word));
        assert!(
            !has_figure(&paragraph) || names_a_source,
            "where is this from?\n{paragraph}"
        );
    }
}

#[test]
fn figures_are_found() {
    assert!(has_figure("It takes 5 ms."));
    assert!(has_figure("| some | 12 MB |"));
    assert!(!has_figure("Kubernetes 1.30 on port 8443, 3 replicas"));
}
