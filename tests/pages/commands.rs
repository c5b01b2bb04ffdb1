//! Who tests the commands of the pages.

use std::fs;
use std::path::Path;

use crate::blocks::{Block, Mark, blocks};
use crate::{pages, path, read};

/// Written by `make bench`, which is what its commands are.
const BENCHMARKS: &str = "docs/benchmarks.md";

/// The blocks of commands of all pages.
pub(crate) fn all() -> Vec<Block> {
    pages()
        .iter()
        .filter(|page| *page != BENCHMARKS)
        .flat_map(|page| blocks(page, &read(page)))
        .collect()
}

/// Whether a suite, a folder or a file under `tests`, has a test of this name.
fn has_test(suite: &Path, test: &str) -> bool {
    if suite.is_dir() {
        let mut files = fs::read_dir(suite)
            .unwrap()
            .map(|file| file.unwrap().path());
        return files.any(|file| has_test(&file, test));
    }
    let Ok(text) = fs::read_to_string(suite) else {
        return false;
    };
    let head = format!("fn {test}(");
    text.split_once(&head)
        .is_some_and(|(before, _)| before.trim_end().ends_with("#[test]"))
}

#[test]
fn every_test_that_a_page_names_exists_and_is_one_that_is_run() {
    // What takes too long for every change is run before a release.
    let suites = read("tests/run.sh") + &read("image/check.sh");
    let mut named = 0;
    for block in all() {
        let Mark::TestedBy { suite, test } = &block.mark else {
            continue;
        };
        let place = format!("{}:{}", block.page, block.line);
        let folder = path("tests").join(suite);
        let file = path("tests").join(format!("{suite}.rs"));
        assert!(
            has_test(&folder, test) || has_test(&file, test),
            "{place}: tests/{suite} has no test {test}"
        );
        assert!(
            suites.contains(&format!("--test {suite}")),
            "{place}: nobody runs {suite}"
        );
        named += 1;
    }
    assert!(named > 5, "{named}");
}

#[test]
fn whoever_is_not_run_says_why() {
    let mut told = 0;
    for block in all() {
        if let Mark::NotRun(why) = &block.mark {
            assert!(why.len() > 8, "{}:{}: {why}", block.page, block.line);
            told += 1;
        }
    }
    assert!(told > 5, "{told}");
}

#[test]
fn a_test_is_found_only_by_its_whole_name() {
    let here = path("tests/pages");
    assert!(has_test(&here, "whoever_is_not_run_says_why"));
    assert!(!has_test(&here, "whoever_is_not_run_says"));
    // A helper is no test.
    assert!(!has_test(&here, "has_test"));
}
