//! What the pages tell people to do: every command on them is run here, or says beside it who tests it, or why nobody does.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a panic is how a test fails, and stderr is where it speaks"
)]
#![allow(
    clippy::format_collect,
    clippy::similar_names,
    reason = "the texts are short, and a test and its text are called so"
)]

mod blocks;
mod commands;
mod figures;
mod links;
mod run;
#[path = "../support/mod.rs"]
mod support;
mod world;

use std::fs;
use std::path::{Path, PathBuf};

/// A file or folder of this repository.
pub(crate) fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

#[track_caller]
pub(crate) fn read(name: &str) -> String {
    fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("cannot read {name}: {error}"))
}

/// Every page for people, by its path in this repository.
pub(crate) fn pages() -> Vec<String> {
    let mut pages = Vec::new();
    collect(&path(""), "", &mut pages);
    pages.sort();
    assert!(pages.len() > 15, "{pages:?}");
    pages
}

fn collect(folder: &Path, prefix: &str, pages: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let path = format!("{prefix}{name}");
        if name.starts_with('.') || name == "target" {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            collect(&entry.path(), &format!("{path}/"), pages);
        } else if Path::new(&name)
            .extension()
            .is_some_and(|extension| extension == "md")
        {
            pages.push(path);
        }
    }
}
